package glotsmith;

import java.util.Arrays;
import java.util.Iterator;
import kotlin.Pair;
import kotlin.Triple;
import kotlin.Unit;

/** The constant part of a driver, for Kotlin's values; {@code Support} is Java's. */
public final class KotlinSupport extends Support {
    public static void main(String[] arguments) {
        new KotlinSupport().run(arguments[0], "CandidateKt", "glotsmithCall");
    }

    @Override
    protected boolean callsVoid() {
        return true;
    }

    @Override
    protected Object view(Object x) {
        if (x instanceof Unit) {
            return null;
        }
        if (x instanceof Pair<?, ?>) {
            return tuple(iterator(((Pair<?, ?>) x).getFirst(), ((Pair<?, ?>) x).getSecond()));
        }
        if (x instanceof Triple<?, ?, ?>) {
            Triple<?, ?, ?> t = (Triple<?, ?, ?>) x;
            return tuple(iterator(t.getFirst(), t.getSecond(), t.getThird()));
        }
        return collection(x);
    }

    private static Iterator<?> iterator(Object... items) {
        return Arrays.asList(items).iterator();
    }
}
