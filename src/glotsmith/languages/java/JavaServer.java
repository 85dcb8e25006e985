package glotsmith;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.Writer;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.JavaFileObject.Kind;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/** The server for Java; arguments are options of the compiler. Sources and classes stay in memory. */
public final class JavaServer extends Server {
    private final List<String> options;
    private final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    private final JavaFileManager disk = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8);

    private JavaServer(List<String> options) {
        this.options = options;
    }

    public static void main(String[] options) throws IOException {
        new JavaServer(List.of(options)).serve();
    }

    @Override
    protected boolean compile(Map<String, byte[]> files, Map<String, byte[]> made, PrintStream said) {
        Writer words = new OutputStreamWriter(said, StandardCharsets.UTF_8);
        List<Source> sources = new ArrayList<>();
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
            try {
                sources.add(new Source(file.getKey(), file.getValue()));
            } catch (CharacterCodingException e) {
                said.println("error: " + file.getKey() + " is not UTF-8");
                return false;
            }
        }
        return compiler.getTask(words, new Memory(disk, made), null, options, null, sources).call();
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
        private final Map<String, byte[]> made;

        Memory(JavaFileManager disk, Map<String, byte[]> made) {
            super(disk);
            this.made = made;
        }

        @Override
        public JavaFileObject getJavaFileForOutput(Location location, String name, Kind kind, FileObject sibling) {
            String path = name.replace('.', '/') + kind.extension;
            return new SimpleJavaFileObject(URI.create("memory:///made"), kind) {
                @Override
                public OutputStream openOutputStream() {
                    return new ByteArrayOutputStream() {
                        @Override
                        public void close() {
                            made.put(path, toByteArray());
                        }
                    };
                }
            };
        }

        @Override
        public void close() { // the libraries stay open for the next request
        }
    }
}
