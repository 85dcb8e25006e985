package org.javatuples;

public final class Quartet<A, B, C, D> extends Tuple {
    public Quartet(A a, B b, C c, D d) {
        super(a, b, c, d);
    }

    public static <A, B, C, D> Quartet<A, B, C, D> with(A a, B b, C c, D d) {
        return new Quartet<>(a, b, c, d);
    }

    public A getValue0() {
        return get(0);
    }

    public <X> Quartet<X, B, C, D> setAt0(X x) {
        return with(x, getValue1(), getValue2(), getValue3());
    }

    public B getValue1() {
        return get(1);
    }

    public <X> Quartet<A, X, C, D> setAt1(X x) {
        return with(getValue0(), x, getValue2(), getValue3());
    }

    public C getValue2() {
        return get(2);
    }

    public <X> Quartet<A, B, X, D> setAt2(X x) {
        return with(getValue0(), getValue1(), x, getValue3());
    }

    public D getValue3() {
        return get(3);
    }

    public <X> Quartet<A, B, C, X> setAt3(X x) {
        return with(getValue0(), getValue1(), getValue2(), x);
    }
}
