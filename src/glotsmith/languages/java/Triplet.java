package org.javatuples;

public final class Triplet<A, B, C> extends Tuple {
    public Triplet(A a, B b, C c) {
        super(a, b, c);
    }

    public static <A, B, C> Triplet<A, B, C> with(A a, B b, C c) {
        return new Triplet<>(a, b, c);
    }

    public A getValue0() {
        return get(0);
    }

    public <X> Triplet<X, B, C> setAt0(X x) {
        return with(x, getValue1(), getValue2());
    }

    public B getValue1() {
        return get(1);
    }

    public <X> Triplet<A, X, C> setAt1(X x) {
        return with(getValue0(), x, getValue2());
    }

    public C getValue2() {
        return get(2);
    }

    public <X> Triplet<A, B, X> setAt2(X x) {
        return with(getValue0(), getValue1(), x);
    }
}
