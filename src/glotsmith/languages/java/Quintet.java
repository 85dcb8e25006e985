package org.javatuples;

public final class Quintet<A, B, C, D, E> extends Tuple {
    public Quintet(A a, B b, C c, D d, E e) {
        super(a, b, c, d, e);
    }

    public static <A, B, C, D, E> Quintet<A, B, C, D, E> with(A a, B b, C c, D d, E e) {
        return new Quintet<>(a, b, c, d, e);
    }

    public A getValue0() {
        return get(0);
    }

    public <X> Quintet<X, B, C, D, E> setAt0(X x) {
        return with(x, getValue1(), getValue2(), getValue3(), getValue4());
    }

    public B getValue1() {
        return get(1);
    }

    public <X> Quintet<A, X, C, D, E> setAt1(X x) {
        return with(getValue0(), x, getValue2(), getValue3(), getValue4());
    }

    public C getValue2() {
        return get(2);
    }

    public <X> Quintet<A, B, X, D, E> setAt2(X x) {
        return with(getValue0(), getValue1(), x, getValue3(), getValue4());
    }

    public D getValue3() {
        return get(3);
    }

    public <X> Quintet<A, B, C, X, E> setAt3(X x) {
        return with(getValue0(), getValue1(), getValue2(), x, getValue4());
    }

    public E getValue4() {
        return get(4);
    }

    public <X> Quintet<A, B, C, D, X> setAt4(X x) {
        return with(getValue0(), getValue1(), getValue2(), getValue3(), x);
    }
}
