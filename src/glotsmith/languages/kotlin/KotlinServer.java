package glotsmith;

import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import org.jetbrains.kotlin.cli.common.ExitCode;
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler;

/** The server for Kotlin; arguments are options of the compiler. */
public final class KotlinServer extends Server {
    private final List<String> options;

    private KotlinServer(List<String> options) {
        this.options = options;
    }

    public static void main(String[] options) throws IOException {
        System.setProperty("kotlin.environment.keepalive", "true"); // what is known of the libraries
        System.setProperty("java.awt.headless", "true");
        new KotlinServer(List.of(options)).serve();
    }

    @Override
    protected boolean compile(Map<String, byte[]> files, Map<String, byte[]> made, PrintStream said)
        throws Exception {
        return onDisk(options, files, made, arguments -> new K2JVMCompiler().exec(said, arguments) == ExitCode.OK);
    }
}
