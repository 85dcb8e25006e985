package org.javatuples;

import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;

/** What programs use of the library javatuples, which is seldom installed: MultiPL-E's tuples are its. */
public abstract class Tuple implements Iterable<Object> {
    private final List<Object> items;

    Tuple(Object... items) {
        this.items = Collections.unmodifiableList(Arrays.asList(items));
    }

    @SuppressWarnings("unchecked")
    final <T> T get(int i) {
        return (T) items.get(i);
    }

    public final Object getValue(int i) {
        return items.get(i);
    }

    public final int getSize() {
        return items.size();
    }

    public final boolean contains(Object x) {
        return items.contains(x);
    }

    public final int indexOf(Object x) {
        return items.indexOf(x);
    }

    public final List<Object> toList() {
        return items;
    }

    public final Object[] toArray() {
        return items.toArray();
    }

    @Override
    public final Iterator<Object> iterator() {
        return items.iterator();
    }

    @Override
    public final int hashCode() {
        return items.hashCode();
    }

    @Override
    public final boolean equals(Object x) {
        return x != null && getClass() == x.getClass() && items.equals(((Tuple) x).items);
    }

    @Override
    public final String toString() {
        return items.toString();
    }
}
