// What all drivers share: the protocol, and a printer of each type that may be asked for.
module glotsmith_support;

import core.stdc.stdio : fflush, snprintf;
import core.sys.posix.unistd : dup2, posixWrite = write;
import std.typecons : Nullable, Tuple;

extern (C) void _exit(int) nothrow @nogc; // runs no destructor, no module's, no atexit function
extern (C) extern __gshared bool rt_trapExceptions;

private __gshared int output = 1;
private __gshared string mark;

private void emit(scope const(char)[][] parts...) nothrow {
    char[] line = "\n".dup ~ mark ~ " ";
    foreach (part; parts) line ~= part;
    line ~= "\n";
    fflush(null);
    while (line.length) {
        const count = posixWrite(output, line.ptr, line.length);
        if (count > 0) line = line[count .. $];
        else if (output != 1) output = 1; // the program closed ours
        else return;
    }
}

/// Before the runtime and any constructor of the candidate's: a second way to stdout, since the program may close its
/// own. What a constructor throws shall not look like leaving.
void start(string token) nothrow {
    mark = token;
    output = dup2(1, 200);
    if (output < 0) output = 1;
    rt_trapExceptions = false;
    char[256] line = void;
    const count = snprintf(line.ptr, line.length, "\n%.*s start\n", cast(int) token.length, token.ptr);
    posixWrite(output, line.ptr, count);
}

double fromBits(long bits) {
    return *cast(double*)&bits;
}

private void number(T)(ref char[] s, const char* format, T x) {
    char[64] digits = void;
    s ~= digits[0 .. snprintf(digits.ptr, digits.length, format, x)];
}

private void text(ref char[] s, const(char)[] x) {
    s ~= '"';
    foreach (char c; x) {
        if (c == '"' || c == '\\') s ~= '\\';
        if (c >= 32 && c != 127) s ~= c;
        else number(s, "\\u%04x", cast(uint) c);
    }
    s ~= '"';
}

private void show(T)(ref char[] s, T x) {
    static if (is(T == typeof(null))) s ~= "null";
    else static if (is(T : bool) && is(bool : T)) s ~= x ? "true" : "false";
    else static if (__traits(isFloating, T)) {
        s ~= `{"f":"`;
        if (x != x) s ~= "nan";
        else number(s, "%.17g", cast(double) x);
        s ~= `"}`;
    } else static if (is(T == ulong)) number(s, "%llu", x);
    else static if (__traits(isIntegral, T)) number(s, "%lld", cast(long) x);
    else static if (is(T : const(char)[])) text(s, x);
    else static if (is(T == Nullable!U, U)) {
        if (x.isNull) s ~= "null";
        else show(s, x.get);
    } else static if (is(T == Tuple!A, A...)) {
        s ~= `{"t":[`;
        static foreach (i; 0 .. A.length) {
            static if (i > 0) s ~= ',';
            show(s, x[i]);
        }
        s ~= "]}";
    } else static if (is(T == V[K], K, V)) {
        s ~= `{"m":[`;
        bool later;
        foreach (key, value; x) {
            s ~= later ? ",[" : "[";
            later = true;
            show(s, key);
            s ~= ',';
            show(s, value);
            s ~= ']';
        }
        s ~= "]}";
    } else static if (is(T : const(U)[], U)) {
        s ~= '[';
        foreach (i, item; x) {
            if (i) s ~= ',';
            show(s, item);
        }
        s ~= ']';
    } else s ~= `{"x":"object"}`;
}

/// Call the entry point once and print what comes of it.
void run(Wanted, Call)(string number, scope Call call) {
    char[] line;
    try {
        static if (is(typeof(call()) == void)) {
            static assert(is(Wanted == typeof(null)), "the function has to return a value");
            call();
            line ~= "null";
        } else {
            auto result = call();
            enum characters = is(Wanted == string) && is(typeof(result) : const(char)[]);
            static assert(characters || is(typeof(result) : Wanted), "the result is of another type");
            show(line, result);
        }
        return emit("value ", number, " ", line);
    } catch (Throwable error) {
        line = null;
        text(line, error.msg);
    }
    emit("raised ", number, " ", line);
}

/// Run all cases; the candidate's own constructors have run.
void finish(void function() cases) {
    emit("loaded");
    cases();
    emit("end");
    _exit(0);
}
