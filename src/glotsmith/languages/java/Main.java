package glotsmith;

import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;

/** Runs the first class in the current folder that has a main, for whole programs whose class may have any name. */
public final class Main {
    private Main() {
    }

    public static void main(String[] arguments) throws Throwable {
        String[] files = new File(".").list((folder, name) -> name.endsWith(".class"));
        Arrays.sort(files);
        for (String file : files) {
            String name = file.substring(0, file.length() - ".class".length());
            try {
                Method main = Class.forName(name, false, Main.class.getClassLoader())
                    .getDeclaredMethod("main", String[].class);
                main.setAccessible(true);
                main.invoke(null, (Object) new String[0]);
                return;
            } catch (NoSuchMethodException e) {
                continue;
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        }
        throw new NoSuchMethodException("main(String[])");
    }
}
