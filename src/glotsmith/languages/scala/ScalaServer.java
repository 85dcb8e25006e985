package glotsmith;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import scala.tools.nsc.MainClass;

/** The server for Scala; arguments are options of the compiler. Each request has a compiler of its own. */
public final class ScalaServer extends Server {
    private final List<String> options;
    private PrintStream said;

    private ScalaServer(List<String> options) {
        this.options = options;
    }

    public static void main(String[] options) throws IOException {
        ScalaServer server = new ScalaServer(List.of(options));
        System.setErr(new PrintStream(server.new Words(), true)); // where the compiler speaks, from its start
        server.serve();
    }

    @Override
    protected boolean compile(Map<String, byte[]> files, Map<String, byte[]> made, PrintStream said)
        throws Exception {
        this.said = said;
        return onDisk(options, files, made, arguments -> {
            MainClass compiler = new MainClass();
            compiler.process(arguments);
            return !compiler.reporter().hasErrors();
        });
    }

    private final class Words extends OutputStream {
        @Override
        public void write(int b) {
            if (said != null) {
                said.write(b);
            }
        }
    }
}
