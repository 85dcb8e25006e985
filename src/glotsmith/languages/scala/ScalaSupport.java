package glotsmith;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import scala.Option;
import scala.Product;
import scala.Tuple2;
import scala.runtime.BoxedUnit;

/** The constant part of a driver, for Scala's values; {@code Support} is Java's. */
public final class ScalaSupport extends Support {
    private static final class Null {
    }

    public static void main(String[] arguments) {
        new ScalaSupport().run(arguments[0], "Problem$", "call", true);
    }

    @Override
    protected Object view(Object x) {
        if (x instanceof Option<?>) {
            return ((Option<?>) x).isDefined() ? view(((Option<?>) x).get()) : null;
        }
        if (x == null) {
            return new Null(); // None is an Option
        }
        if (x instanceof BoxedUnit) {
            return null;
        }
        if (x instanceof scala.collection.Map<?, ?>) {
            return map(pairs(((scala.collection.Map<?, ?>) x).iterator()));
        }
        if (x instanceof scala.collection.Set<?>) {
            return set(iterator(((scala.collection.Set<?>) x).iterator()));
        }
        if (x instanceof scala.collection.Seq<?>) {
            return list(iterator(((scala.collection.Seq<?>) x).iterator()));
        }
        if (x instanceof scala.math.BigInt) {
            return ((scala.math.BigInt) x).bigInteger();
        }
        if (x instanceof scala.math.BigDecimal) {
            return ((scala.math.BigDecimal) x).bigDecimal();
        }
        if (x.getClass().isArray()) {
            return collection(x);
        }
        if (x instanceof Product && x.getClass().getName().startsWith("scala.Tuple")) {
            return tuple(iterator(((Product) x).productIterator()));
        }
        return x;
    }

    private static Iterator<Object> iterator(scala.collection.Iterator<?> items) {
        return new Iterator<Object>() {
            @Override
            public boolean hasNext() {
                return items.hasNext();
            }

            @Override
            public Object next() {
                return items.next();
            }
        };
    }

    private static Iterator<Object> pairs(scala.collection.Iterator<?> items) {
        List<Object> pairs = new ArrayList<>();
        while (items.hasNext()) {
            Tuple2<?, ?> pair = (Tuple2<?, ?>) items.next();
            pairs.add(list(Arrays.asList(pair._1(), pair._2()).iterator()));
        }
        return pairs.iterator();
    }
}
