package glotsmith;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A compiler that stays loaded. It answers requests on stdin, one by one, on stdout, and never runs what it compiles.
 *
 * <p>Request: number of files; for each, its name and its content. Answer: a byte, 0 for compiled and 1 for refused;
 * what the compiler said; number of files; for each, its name and its content. A number has four bytes, the highest
 * first; a name or a content is its length in bytes, then the bytes. The process ends with its input, or with code 3
 * when memory runs out: the client then starts another.
 */
public abstract class Server {
    /** Compile, and add what is made to {@code made}. */
    protected abstract boolean compile(Map<String, byte[]> files, Map<String, byte[]> made, PrintStream said)
        throws Exception;

    protected final void serve() throws IOException {
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 16));
        DataOutputStream out = new DataOutputStream(
            new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16));
        System.setOut(System.err);
        while (true) {
            Map<String, byte[]> files = new TreeMap<>();
            try {
                for (int left = in.readInt(); left > 0; left--) {
                    String name = new String(read(in), StandardCharsets.UTF_8);
                    files.put(name, read(in));
                }
            } catch (EOFException e) {
                return;
            }
            Map<String, byte[]> made = new TreeMap<>();
            ByteArrayOutputStream said = new ByteArrayOutputStream();
            boolean compiled = guarded(files, made, new PrintStream(said, true, StandardCharsets.UTF_8));
            out.writeByte(compiled ? 0 : 1);
            write(out, said.toByteArray());
            out.writeInt(compiled ? made.size() : 0);
            for (Map.Entry<String, byte[]> file : (compiled ? made : Map.<String, byte[]>of()).entrySet()) {
                write(out, file.getKey().getBytes(StandardCharsets.UTF_8));
                write(out, file.getValue());
            }
            out.flush();
        }
    }

    private boolean guarded(Map<String, byte[]> files, Map<String, byte[]> made, PrintStream said) {
        try {
            return compile(files, made, said);
        } catch (OutOfMemoryError e) {
            Runtime.getRuntime().halt(3);
        } catch (Throwable e) { // a source that the compiler fails on
            said.println("error: the compiler failed: " + e.getClass().getName());
        }
        return false;
    }

    private static byte[] read(DataInputStream in) throws IOException {
        byte[] bytes = new byte[in.readInt()];
        in.readFully(bytes);
        return bytes;
    }

    private static void write(DataOutputStream out, byte[] bytes) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    /** A compiler of files, given its arguments: the answer is whether it compiled them. */
    protected interface Compiler {
        boolean compile(String[] arguments) throws Exception;
    }

    /** Compile in a fresh folder below the current one, for a compiler that knows nothing but files. */
    protected static boolean onDisk(
        List<String> options, Map<String, byte[]> files, Map<String, byte[]> made, Compiler compiler)
        throws Exception {
        Path folder = Files.createTempDirectory(Path.of("").toAbsolutePath(), "compile");
        try {
            Path target = Files.createDirectory(folder.resolve("made"));
            List<String> arguments = new ArrayList<>(options);
            arguments.addAll(List.of("-d", target.toString()));
            for (Map.Entry<String, byte[]> file : files.entrySet()) {
                Path path = Files.write(folder.resolve(file.getKey()), file.getValue());
                arguments.add(path.toString());
            }
            boolean compiled = compiler.compile(arguments.toArray(new String[0]));
            for (Path path : walk(target)) {
                if (Files.isRegularFile(path)) {
                    made.put(target.relativize(path).toString(), Files.readAllBytes(path));
                }
            }
            return compiled;
        } finally {
            for (Path path : walk(folder)) {
                Files.delete(path);
            }
        }
    }

    /** Return what is in a folder, inner files first. */
    private static List<Path> walk(Path folder) throws IOException {
        try (Stream<Path> paths = Files.walk(folder)) {
            return paths.sorted(Comparator.reverseOrder()).collect(Collectors.toList());
        }
    }
}
