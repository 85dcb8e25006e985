package org.javatuples;

public final class Pair<A, B> extends Tuple {
    public Pair(A a, B b) {
        super(a, b);
    }

    public static <A, B> Pair<A, B> with(A a, B b) {
        return new Pair<>(a, b);
    }

    public A getValue0() {
        return get(0);
    }

    public <X> Pair<X, B> setAt0(X x) {
        return with(x, getValue1());
    }

    public B getValue1() {
        return get(1);
    }

    public <X> Pair<A, X> setAt1(X x) {
        return with(getValue0(), x);
    }
}
