package glotsmith;

import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The candidate's function: the overload that the arguments can be passed to with the fewest conversions. */
final class Entry {
    private final List<Method> methods = new ArrayList<>();
    private final String name;

    /** Find the function in a class; one that returns nothing counts where {@code voids}. */
    Entry(Class<?> owner, String name, boolean voids) {
        this.name = name;
        for (Class<?> c = owner; c != null && c != Object.class; c = c.getSuperclass()) {
            for (Method method : c.getDeclaredMethods()) {
                int modifiers = method.getModifiers();
                boolean ours = method.getName().equals(name) && !method.isSynthetic();
                if (ours && Modifier.isStatic(modifiers) && !Modifier.isPrivate(modifiers)
                    && (voids || method.getReturnType() != void.class) || method.getName().equals(name + "$default")) {
                    method.setAccessible(true);
                    methods.add(method);
                }
            }
        }
    }

    /** Return the class that has such a static function, of those in the folders of the class path, without starting it. */
    static Class<?> owner(String name) throws ClassNotFoundException {
        for (String folder : System.getProperty("java.class.path").split(File.pathSeparator)) {
            String[] files = new File(folder).list((place, file) -> file.endsWith(".class"));
            for (String file : files == null ? new String[0] : files) {
                String title = file.substring(0, file.length() - ".class".length());
                Class<?> found = Class.forName(title, false, Entry.class.getClassLoader());
                for (Method method : found.getDeclaredMethods()) {
                    if (method.getName().equals(name) && Modifier.isStatic(method.getModifiers())) {
                        return found;
                    }
                }
            }
        }
        throw new ClassNotFoundException(name);
    }

    /** Return why the arguments cannot be passed; null if they can. */
    String mismatch(Object[] arguments) {
        try {
            best(arguments);
            return null;
        } catch (Convert.Unfit e) {
            return null;
        } catch (Convert.Mismatch e) {
            return e.getMessage();
        } catch (NoSuchMethodException e) {
            return e.getMessage();
        }
    }

    Object call(Object[] arguments) throws Throwable {
        Object[] best = best(arguments);
        try {
            return ((Method) best[0]).invoke(null, (Object[]) best[1]);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    /** Return a method and its arguments. */
    private Object[] best(Object[] arguments) throws NoSuchMethodException {
        Object[] found = null;
        int least = Integer.MAX_VALUE;
        RuntimeException why = null;
        for (Method method : methods) {
            try {
                Object[] passed = passed(method, arguments);
                int changes = passed == null ? least : changes(method, arguments, passed);
                if (changes < least) {
                    least = changes;
                    found = new Object[] {method, passed};
                }
            } catch (Convert.Mismatch e) {
                why = why == null ? e : why;
            } catch (Convert.Unfit e) {
                why = e;
            }
        }
        if (found == null && why == null) {
            throw new NoSuchMethodException("there is no public static function " + name + " of " + arguments.length
                + " parameters that returns a value");
        }
        if (found == null) {
            throw why;
        }
        return found;
    }

    /** Return the arguments as a method takes them; null if it has another number of parameters. */
    private static Object[] passed(Method method, Object[] arguments) {
        Type[] types = method.getGenericParameterTypes();
        int count = arguments.length;
        if (method.getName().endsWith("$default")) {
            return defaulted(method, types, arguments);
        }
        if (method.isVarArgs() && !(types.length == count && arguments[count - 1] instanceof List<?>)) {
            return types.length - 1 > count ? null : variadic(types, arguments);
        }
        return types.length == count ? converted(types, arguments, count) : null;
    }

    private static Object[] converted(Type[] types, Object[] arguments, int count) {
        Object[] result = new Object[types.length];
        for (int i = 0; i < count; i++) {
            result[i] = Convert.to(arguments[i], types[i]);
        }
        return result;
    }

    private static Object[] variadic(Type[] types, Object[] arguments) {
        int fixed = types.length - 1;
        Object[] result = converted(types, arguments, fixed);
        result[fixed] = Convert.to(Arrays.asList(arguments).subList(fixed, arguments.length), types[fixed]);
        return result;
    }

    /** Kotlin's default arguments: all parameters, a mask of those that are left out, and a marker. */
    private static Object[] defaulted(Method method, Type[] types, Object[] arguments) {
        int all = types.length - 2;
        if (all <= arguments.length || all > 32 || types[all] != int.class) {
            return null;
        }
        Object[] result = converted(types, arguments, arguments.length);
        for (int i = arguments.length; i < all; i++) {
            Class<?> type = method.getParameterTypes()[i];
            result[i] = type.isPrimitive() ? java.lang.reflect.Array.get(java.lang.reflect.Array.newInstance(type, 1), 0) : null;
        }
        result[all] = (int) ((1L << all) - (1L << arguments.length));
        return result;
    }

    private static int changes(Method method, Object[] arguments, Object[] passed) {
        int result = method.isVarArgs() ? 1 : 0;
        for (int i = 0; i < arguments.length && i < passed.length; i++) {
            result += passed[i] == arguments[i] || passed[i] != null && arguments[i] != null
                && passed[i].getClass() == arguments[i].getClass() && passed[i].equals(arguments[i]) ? 0 : 2;
        }
        return result;
    }
}
