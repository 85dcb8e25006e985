// What is generated of a program: the arguments of the calls, each in a method of its own, as one has 64 KB at most.
// Names are imported one by one: such an import goes before a class of the same name that the candidate may define.
import glotsmith.Support;
import java.lang.Boolean;
import java.lang.Double;
import java.lang.Long;
import java.lang.Object;
import java.lang.String;
import java.lang.Throwable;
import java.lang.Void;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Optional;
import org.javatuples.*;

class GlotsmithCalls {
    static final Object CANDIDATE = Problem.class;

@{bindings}
@{cases}
}
