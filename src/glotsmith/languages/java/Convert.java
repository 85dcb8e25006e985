package glotsmith;

import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.AbstractMap.SimpleEntry;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Arguments as the types that a candidate declares: a value is passed only where the type holds it. */
final class Convert {
    private Convert() {
    }

    /** No value of this kind can be passed. */
    static final class Mismatch extends RuntimeException {
        Mismatch(Object x, Type type) {
            super(x.getClass().getTypeName() + " cannot be passed as " + type.getTypeName());
        }
    }

    /** The type does not hold the value. */
    static final class Unfit extends RuntimeException {
        Unfit(Object x, Type type) {
            super(x + " does not fit the declared type " + type.getTypeName());
        }

        @Override
        public String toString() {
            return getMessage();
        }
    }

    static Object to(Object x, Type type) {
        Class<?> c = raw(type);
        if (x instanceof Optional<?>) {
            return optional((Optional<?>) x, c, type);
        }
        if (x == null) {
            if (c.isPrimitive()) {
                throw new Unfit("null", type);
            }
            return null;
        }
        Object result = c == Object.class ? x : known(x, c, type);
        if (result == null) {
            throw new Mismatch(x, type);
        }
        return result;
    }

    private static Object known(Object x, Class<?> c, Type type) {
        if (x instanceof Long) {
            return whole((Long) x, c);
        }
        if (x instanceof Double) {
            return fraction((Double) x, c);
        }
        if (x instanceof Boolean) {
            return c == boolean.class || c.isInstance(x) ? x : null;
        }
        if (x instanceof String) {
            return text((String) x, c);
        }
        if (x instanceof List<?>) {
            return list((List<?>) x, c, type);
        }
        if (x instanceof Set<?>) {
            return fill((Set<?>) x, sorted(c, TreeSet.class, HashSet.class), c, type);
        }
        if (x instanceof Map<?, ?>) {
            return map((Map<?, ?>) x, c, type);
        }
        List<Object> items = Support.tuple(x);
        return items == null ? c.isInstance(x) ? x : null : tuple(x, items, c, type);
    }

    private static Object whole(long x, Class<?> c) {
        Object result;
        if (c == long.class || c.isInstance(x)) {
            return x;
        } else if (c == int.class || c == Integer.class) {
            result = (int) x;
        } else if (c == short.class || c == Short.class) {
            result = (short) x;
        } else if (c == byte.class || c == Byte.class) {
            result = (byte) x;
        } else if (c == double.class || c == Double.class) {
            result = (double) x;
        } else if (c == float.class || c == Float.class) {
            result = (float) x;
        } else {
            return c == BigInteger.class ? BigInteger.valueOf(x) : c == BigDecimal.class ? BigDecimal.valueOf(x) : null;
        }
        boolean real = result instanceof Double || result instanceof Float;
        double y = ((Number) result).doubleValue();
        if (real ? Math.abs(y) >= 9223372036854775807.0 || (long) y != x : ((Number) result).longValue() != x) {
            throw new Unfit(x, c);
        }
        return result;
    }

    /** A fraction takes the nearest value; a whole number has to stay what it is. */
    private static Object fraction(double x, Class<?> c) {
        if (c == double.class || c.isInstance(x)) {
            return x;
        }
        boolean finite = Math.abs(x) <= Double.MAX_VALUE;
        if (c == BigDecimal.class && finite) {
            return BigDecimal.valueOf(x);
        }
        if (c == BigDecimal.class) {
            throw new Unfit(x, c);
        }
        if (c != float.class && c != Float.class) {
            return null;
        }
        float y = (float) x;
        boolean near = finite && x != Math.rint(x) && Math.abs(y) >= Float.MIN_NORMAL && Math.abs(y) <= Float.MAX_VALUE;
        if (x == x && x != y && !near) {
            throw new Unfit(x, c);
        }
        return y;
    }

    private static Object text(String x, Class<?> c) {
        if (c.isInstance(x)) {
            return x;
        }
        if (c == char[].class) {
            return x.toCharArray();
        }
        if (c == StringBuilder.class) {
            return new StringBuilder(x);
        }
        if (c != char.class && c != Character.class) {
            return null;
        }
        if (x.length() != 1) {
            throw new Unfit('"' + x + '"', c);
        }
        return x.charAt(0);
    }

    private static Object list(List<?> x, Class<?> c, Type type) {
        if (!c.isArray()) {
            return Set.class.isAssignableFrom(c) ? null : fill(x, c.isAssignableFrom(LinkedList.class) ? LinkedList.class : c, c, type);
        }
        Type item = type instanceof GenericArrayType ? ((GenericArrayType) type).getGenericComponentType() : c.getComponentType();
        Object array = Array.newInstance(c.getComponentType(), x.size());
        for (int i = 0; i < x.size(); i++) {
            Array.set(array, i, to(x.get(i), item));
        }
        return array;
    }

    /** Return the collection itself where it is of the type and holds what it would, else one of class {@code made}. */
    private static Object fill(Collection<?> x, Class<?> made, Class<?> c, Type type) {
        if (!c.isInstance(x) && !Collection.class.isAssignableFrom(c)) {
            return null;
        }
        List<Object> items = new ArrayList<>(x.size());
        Type item = argument(type, 0);
        boolean same = c.isInstance(x);
        for (Object each : x) {
            Object converted = to(each, item);
            same &= converted == each;
            items.add(converted);
        }
        if (same) {
            return x;
        }
        Collection<Object> result = c.isInstance(x) ? empty(x.getClass()) : empty(made);
        if (result == null || !c.isInstance(result)) {
            return null;
        }
        result.addAll(items);
        return result;
    }

    private static Object map(Map<?, ?> x, Class<?> c, Type type) {
        if (!Map.class.isAssignableFrom(c)) {
            return c.isInstance(x) ? x : null;
        }
        Map<Object, Object> items = c.isInstance(x) ? empty(x.getClass()) : empty(sorted(c, TreeMap.class, HashMap.class));
        if (items == null) {
            return null;
        }
        boolean same = c.isInstance(x);
        for (Map.Entry<?, ?> each : x.entrySet()) {
            Object key = to(each.getKey(), argument(type, 0));
            Object value = to(each.getValue(), argument(type, 1));
            same &= key == each.getKey() && value == each.getValue();
            items.put(key, value);
        }
        return same ? x : items;
    }

    private static Class<?> sorted(Class<?> c, Class<?> tree, Class<?> usual) {
        return !c.isInterface() ? c : c.isAssignableFrom(usual) ? usual : tree;
    }

    @SuppressWarnings("unchecked")
    private static <T> T empty(Class<?> c) {
        try {
            return (T) (c.isInterface() ? null : c.getConstructor().newInstance());
        } catch (ReflectiveOperationException e) {
            return null;
        }
    }

    private static Object tuple(Object x, List<Object> items, Class<?> c, Type type) {
        if (c.isAssignableFrom(SimpleEntry.class) && items.size() == 2) {
            return new SimpleEntry<>(to(items.get(0), argument(type, 0)), to(items.get(1), argument(type, 1)));
        }
        if (!c.isInstance(x)) {
            return null;
        }
        boolean same = true;
        Object[] converted = new Object[items.size()];
        for (int i = 0; i < converted.length; i++) {
            converted[i] = to(items.get(i), argument(type, i));
            same &= converted[i] == items.get(i);
        }
        if (same) {
            return x;
        }
        for (Constructor<?> each : x.getClass().getConstructors()) {
            if (each.getParameterCount() == converted.length) {
                try {
                    return each.newInstance(converted);
                } catch (ReflectiveOperationException e) {
                    return null;
                }
            }
        }
        return null;
    }

    private static Object optional(Optional<?> x, Class<?> c, Type type) {
        if (c == Optional.class) {
            return x.map(item -> to(item, argument(type, 0)));
        }
        if (c == OptionalLong.class) {
            return x.isPresent() ? OptionalLong.of((Long) to(x.get(), long.class)) : OptionalLong.empty();
        }
        if (c == OptionalInt.class) {
            return x.isPresent() ? OptionalInt.of((Integer) to(x.get(), int.class)) : OptionalInt.empty();
        }
        if (c == OptionalDouble.class) {
            return x.isPresent() ? OptionalDouble.of((Double) to(x.get(), double.class)) : OptionalDouble.empty();
        }
        return c == Object.class ? x : to(x.orElse(null), type);
    }

    /** Return an argument of a generic type; Object where it has none. */
    private static Type argument(Type type, int i) {
        if (type instanceof WildcardType || type instanceof TypeVariable<?>) {
            return argument(bound(type), i);
        }
        Type[] arguments = type instanceof ParameterizedType ? ((ParameterizedType) type).getActualTypeArguments() : null;
        return arguments == null || i >= arguments.length ? Object.class : arguments[i];
    }

    private static Type bound(Type type) {
        if (type instanceof TypeVariable<?>) {
            return ((TypeVariable<?>) type).getBounds()[0];
        }
        WildcardType wildcard = (WildcardType) type;
        return wildcard.getLowerBounds().length > 0 ? wildcard.getLowerBounds()[0] : wildcard.getUpperBounds()[0];
    }

    private static Class<?> raw(Type type) {
        if (type instanceof Class<?>) {
            return (Class<?>) type;
        }
        if (type instanceof ParameterizedType) {
            return (Class<?>) ((ParameterizedType) type).getRawType();
        }
        if (type instanceof GenericArrayType) {
            return Array.newInstance(raw(((GenericArrayType) type).getGenericComponentType()), 0).getClass();
        }
        return raw(bound(type));
    }
}
