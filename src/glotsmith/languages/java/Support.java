package glotsmith;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Array;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The constant part of a driver, built once a machine: calls the generated part and prints what comes back, by what it
 * is at run time. Languages of the same machine extend it by their own values.
 */
public class Support {
    private static final int DEEPEST = 100;
    private static final PrintStream printed = System.out;
    private static final Runtime runtime = Runtime.getRuntime();
    private static OutputStream out;
    private static String mark;

    /** Elements and what is written around them. */
    protected static final class Items {
        final String open;
        final Iterator<?> items;
        final String close;

        public Items(String open, Iterator<?> items, String close) {
            this.open = open;
            this.items = items;
            this.close = close;
        }
    }

    public static void main(String[] arguments) {
        new Support().run(arguments[0], "Problem", "call");
    }

    /** Load the candidate's class, then call its function with what each method {@code call0} ... returns. */
    protected final void run(String job, String candidate, String call) {
        run(job, candidate, call, false);
    }

    /** Load the candidate's class, then run the methods {@code call0} ...: each calls the function, or returns its arguments. */
    protected final void run(String job, String candidate, String call, boolean direct) {
        int code = 1;
        try {
            List<String> lines = Files.readAllLines(Path.of(job));
            mark = lines.get(0);
            out = open();
            emit("start");
            Class<?> owner = direct ? null : owner(candidate, lines.get(1));
            Entry entry = direct ? null : entry(owner, lines.get(1), call);
            load(direct ? candidate : owner.getName());
            emit("loaded");
            Class<?> calls = Class.forName("GlotsmithCalls");
            Method method;
            for (int i = 0; (method = find(calls, call + i)) != null; i++) {
                emit(result(i, method, entry));
            }
            emit("end");
            code = 0;
        } catch (Throwable e) {
            emit("raised load " + describe(e));
        }
        runtime.halt(code); // runs no shutdown hook
    }

    /** Tell whether a function that returns nothing can be the candidate's. */
    protected boolean callsVoid() {
        return false;
    }

    private static Class<?> owner(String candidate, String name) {
        try {
            return Class.forName(candidate, false, Support.class.getClassLoader());
        } catch (ClassNotFoundException e) { // it has another name
            try {
                return Entry.owner(name);
            } catch (ClassNotFoundException none) {
                mismatch("there is no function " + name);
                return null;
            }
        }
    }

    /** Return the candidate's function; end the program if the arguments cannot be passed to it. */
    private Entry entry(Class<?> owner, String name, String call) throws Throwable {
        Entry entry = new Entry(owner, name, callsVoid());
        String why = entry.mismatch((Object[]) find(Class.forName("GlotsmithCalls"), call + 0).invoke(null));
        if (why != null) {
            mismatch(why);
        }
        return entry;
    }

    private static void mismatch(String why) {
        StringBuilder quoted = new StringBuilder();
        quote(why, quoted);
        emit("mismatch " + quoted);
        runtime.halt(1);
    }

    private static void load(String candidate) throws Throwable {
        try {
            Class.forName(candidate);
        } catch (ClassNotFoundException e) { // it has another name, and is loaded by the first call
            return;
        } catch (ExceptionInInitializerError e) {
            throw e.getCause() == null ? e : e.getCause();
        }
    }

    /** A second way to stdout: the program may close its own. */
    private static OutputStream open() {
        try {
            return new FileOutputStream("/dev/fd/1", true);
        } catch (Throwable e) {
            return new FileOutputStream(FileDescriptor.out);
        }
    }

    private static void emit(String text) {
        try {
            printed.flush();
            out.write(("\n" + mark + " " + text + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (Throwable e) {
            runtime.halt(1);
        }
    }

    private static Method find(Class<?> calls, String name) {
        try {
            Method method = calls.getDeclaredMethod(name);
            method.setAccessible(true);
            return method;
        } catch (NoSuchMethodException e) {
            return null;
        }
    }

    private String result(int i, Method call, Entry entry) {
        try {
            StringBuilder text = new StringBuilder("value " + i + " ");
            Object made = call.invoke(null);
            print(entry == null ? made : entry.call((Object[]) made), text, 0);
            return text.toString();
        } catch (InvocationTargetException e) {
            return "raised " + i + " " + describe(e.getCause());
        } catch (Throwable e) {
            return "raised " + i + " " + describe(e);
        }
    }

    private static String describe(Throwable e) {
        String text;
        try {
            text = String.valueOf(e);
        } catch (Throwable another) {
            text = e.getClass().getName();
        }
        StringBuilder quoted = new StringBuilder();
        quote(text, quoted);
        return quoted.toString();
    }

    /** Return null, a boxed scalar, a string or {@code Items} for a value; all else is no value of the language. */
    protected Object view(Object x) {
        if (x instanceof Optional<?>) {
            return ((Optional<?>) x).isPresent() ? view(((Optional<?>) x).get()) : null;
        }
        if (x instanceof OptionalLong) {
            return ((OptionalLong) x).isPresent() ? ((OptionalLong) x).getAsLong() : null;
        }
        if (x instanceof OptionalInt) {
            return ((OptionalInt) x).isPresent() ? ((OptionalInt) x).getAsInt() : null;
        }
        if (x instanceof OptionalDouble) {
            return ((OptionalDouble) x).isPresent() ? ((OptionalDouble) x).getAsDouble() : null;
        }
        if (x instanceof Iterable<?> && x.getClass().getName().startsWith("org.javatuples.")) {
            return tuple(((Iterable<?>) x).iterator());
        }
        return collection(x);
    }

    /** Return the elements of a tuple; null for what is none. */
    static List<Object> tuple(Object x) {
        String name = x.getClass().getName();
        List<Object> items = new ArrayList<>();
        if (name.startsWith("org.javatuples.")) {
            ((Iterable<?>) x).forEach(items::add);
            return items;
        }
        if (!name.equals("kotlin.Pair") && !name.equals("kotlin.Triple")) {
            return null;
        }
        try {
            for (int i = 1; i <= (name.equals("kotlin.Pair") ? 2 : 3); i++) {
                items.add(x.getClass().getMethod("component" + i).invoke(x));
            }
        } catch (ReflectiveOperationException e) {
            return null;
        }
        return items;
    }

    /** View Java's own collections. */
    protected static Object collection(Object x) {
        if (x instanceof Set<?>) {
            return set(((Set<?>) x).iterator());
        }
        if (x instanceof Collection<?>) {
            return list(((Collection<?>) x).iterator());
        }
        if (x instanceof Map.Entry<?, ?>) {
            return tuple(Arrays.asList(((Map.Entry<?, ?>) x).getKey(), ((Map.Entry<?, ?>) x).getValue()).iterator());
        }
        if (x != null && x.getClass().isArray()) {
            List<Object> items = new ArrayList<>();
            for (int i = 0; i < Array.getLength(x); i++) {
                items.add(Array.get(x, i));
            }
            return list(items.iterator());
        }
        if (!(x instanceof Map<?, ?>)) {
            return x;
        }
        List<Object> pairs = new ArrayList<>();
        for (Map.Entry<?, ?> e : ((Map<?, ?>) x).entrySet()) {
            pairs.add(list(Arrays.asList(e.getKey(), e.getValue()).iterator()));
        }
        return map(pairs.iterator());
    }

    protected static Items list(Iterator<?> items) {
        return new Items("[", items, "]");
    }

    protected static Items set(Iterator<?> items) {
        return new Items("{\"s\":[", items, "]}");
    }

    protected static Items tuple(Iterator<?> items) {
        return new Items("{\"t\":[", items, "]}");
    }

    /** View pairs, each one a list, as a map. */
    protected static Items map(Iterator<?> pairs) {
        return new Items("{\"m\":[", pairs, "]}");
    }

    private void print(Object value, StringBuilder b, int depth) {
        if (depth > DEEPEST) {
            b.append("{\"x\":\"too deep\"}");
            return;
        }
        Object x = value instanceof Items ? value : view(value);
        if (x == null || x instanceof Boolean) {
            b.append(x);
        } else if (x instanceof Long || x instanceof Integer || x instanceof Short || x instanceof Byte
            || x instanceof BigInteger) {
            b.append(x);
        } else if (x instanceof Character) {
            quote(x.toString(), b);
        } else if (x instanceof Double || x instanceof Float || x instanceof BigDecimal) {
            number(((Number) x).doubleValue(), b);
        } else if (x instanceof String) {
            quote((String) x, b);
        } else if (x instanceof Items) {
            items((Items) x, b, depth);
        } else {
            b.append("{\"x\":");
            quote(x.getClass().getTypeName(), b);
            b.append("}");
        }
    }

    private void items(Items x, StringBuilder b, int depth) {
        b.append(x.open);
        for (boolean first = true; x.items.hasNext(); first = false) {
            b.append(first ? "" : ",");
            print(x.items.next(), b, depth + 1);
        }
        b.append(x.close);
    }

    private static void number(double x, StringBuilder b) {
        String text = x != x ? "nan" : x == 1 / 0.0 ? "inf" : x == -1 / 0.0 ? "-inf" : Double.toString(x);
        b.append("{\"f\":\"").append(text).append("\"}");
    }

    private static void quote(String s, StringBuilder b) {
        b.append('"');
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            if (Character.isHighSurrogate(c) && i + 1 < s.length() && Character.isLowSurrogate(s.charAt(i + 1))) {
                b.append(c).append(s.charAt(++i));
            } else if (c == '"' || c == '\\') {
                b.append('\\').append(c);
            } else if (c < 32 || c >= 127 && c < 160 || Character.isSurrogate(c)) {
                b.append(String.format("\\u%04x", (int) c));
            } else {
                b.append(c);
            }
        }
        b.append('"');
    }

    // Arguments of calls, in Java

    @SafeVarargs
    public static <T> ArrayList<T> listOf(T... items) {
        return new ArrayList<T>(Arrays.asList(items));
    }

    @SafeVarargs
    public static <T> HashSet<T> setOf(T... items) {
        return new HashSet<T>(Arrays.asList(items));
    }

    /** A map of keys and values in turn. */
    @SuppressWarnings("unchecked")
    public static <K, V> HashMap<K, V> mapOf(Object... items) {
        HashMap<K, V> map = new HashMap<K, V>();
        for (int i = 0; i < items.length; i += 2) {
            map.put((K) items[i], (V) items[i + 1]);
        }
        return map;
    }
}
