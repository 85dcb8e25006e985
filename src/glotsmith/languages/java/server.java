import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.JavaFileObject.Kind;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/**
 * A compiler that stays loaded. It answers requests on stdin, one by one, on stdout, and never runs what it compiles.
 *
 * <p>Request: number of files; for each, its name and its content. Answer: a byte, 0 for compiled and 1 for refused;
 * what the compiler said; number of files; for each, its name and its content. A number has four bytes, the highest
 * first; a text is its length in bytes, then UTF-8. Arguments are options of the compiler.
 */
class CompileServer {
    private static final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();

    public static void main(String[] options) throws IOException {
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 16));
        DataOutputStream out = new DataOutputStream(
            new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16));
        System.setOut(System.err);
        JavaFileManager disk = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8);
        while (true) {
            Map<String, byte[]> files = new TreeMap<>();
            try {
                for (int left = in.readInt(); left > 0; left--) {
                    String name = new String(text(in), StandardCharsets.UTF_8);
                    files.put(name, text(in));
                }
            } catch (EOFException e) {
                return;
            }
            StringWriter said = new StringWriter();
            Memory memory = new Memory(disk);
            boolean compiled = compile(List.of(options), files, memory, said);
            out.writeByte(compiled ? 0 : 1);
            text(out, said.toString().getBytes(StandardCharsets.UTF_8));
            Map<String, ByteArrayOutputStream> made = compiled ? memory.made : Map.of();
            out.writeInt(made.size());
            for (Map.Entry<String, ByteArrayOutputStream> file : made.entrySet()) {
                text(out, file.getKey().getBytes(StandardCharsets.UTF_8));
                text(out, file.getValue().toByteArray());
            }
            out.flush();
        }
    }

    private static byte[] text(DataInputStream in) throws IOException {
        byte[] bytes = new byte[in.readInt()];
        in.readFully(bytes);
        return bytes;
    }

    private static void text(DataOutputStream out, byte[] bytes) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    private static boolean compile(
        List<String> options, Map<String, byte[]> files, JavaFileManager manager, StringWriter said) {
        try {
            List<Source> sources = new ArrayList<>();
            for (Map.Entry<String, byte[]> file : files.entrySet()) {
                sources.add(new Source(file.getKey(), file.getValue()));
            }
            return compiler.getTask(said, manager, null, options, null, sources).call();
        } catch (CharacterCodingException e) {
            said.write("error: a source is not UTF-8\n");
        } catch (OutOfMemoryError e) {
            Runtime.getRuntime().halt(3); // whoever asked starts another
        } catch (Throwable e) { // a source that the compiler fails on
            said.write("error: the compiler failed: " + e.getClass().getName() + "\n");
        }
        return false;
    }

    /** A source in memory, under a file's name. */
    private static final class Source extends SimpleJavaFileObject {
        private final CharSequence text;

        Source(String name, byte[] content) throws CharacterCodingException {
            super(URI.create("string:///" + name), Kind.SOURCE);
            text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(content));
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }

    /** Keeps what is made in memory; everything else is on disk. */
    private static final class Memory extends ForwardingJavaFileManager<JavaFileManager> {
        final Map<String, ByteArrayOutputStream> made = new TreeMap<>();

        Memory(JavaFileManager disk) {
            super(disk);
        }

        @Override
        public JavaFileObject getJavaFileForOutput(Location location, String name, Kind kind, FileObject sibling) {
            String path = name.replace('.', '/') + kind.extension;
            return new SimpleJavaFileObject(URI.create("memory:///made"), kind) {
                @Override
                public OutputStream openOutputStream() {
                    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                    made.put(path, bytes);
                    return bytes;
                }
            };
        }

        @Override
        public void close() { // the files on disk stay open for the next request
        }

        @Override
        public void flush() {
        }
    }
}
