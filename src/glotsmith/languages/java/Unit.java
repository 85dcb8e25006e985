package org.javatuples;

public final class Unit<A> extends Tuple {
    public Unit(A a) {
        super(new Object[] {a});
    }

    public static <A> Unit<A> with(A a) {
        return new Unit<>(a);
    }

    public A getValue0() {
        return get(0);
    }

    public <X> Unit<X> setAt0(X x) {
        return with(x);
    }
}
