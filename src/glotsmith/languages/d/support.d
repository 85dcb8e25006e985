// What all drivers share: the protocol, and a printer of each type that may be asked for.
module glotsmith_support;

import core.stdc.stdio : fflush, snprintf;
import core.sys.posix.unistd : dup2, posixWrite = write;
import std.traits : isAssociativeArray, isCallable, isDynamicArray, isIntegral, isFloatingPoint, isSomeChar, isStaticArray,
    KeyType, ParameterDefaults, Parameters, ReturnType, Unqual, ValueType, variadicFunctionStyle;
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

private enum isBig(T) = is(T == struct) && Unqual!T.stringof == "BigInt"; // without an import, which takes long to compile

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
    } else static if (isBig!T) {
        char[] digits;
        auto sink = (scope const(char)[] part) { digits ~= part; };
        x.toString(sink, "%d");
        s ~= digits;
    } else s ~= `{"x":"object"}`;
}

// Conversion of an argument of the signature's type S to the candidate's own type T, which has to hold its value.

private class Unfit : Exception {
    this(S)(S value, string type) {
        char[] line;
        static if (is(S : const(char)[])) text(line, value);
        else static if (is(S == long)) number(line, "%lld", value);
        else number(line, "%.17g", value);
        super((line ~ " does not fit the declared type " ~ type).idup);
    }
}

private enum isNumber(T) = isIntegral!T || isFloatingPoint!T;
private alias Element(T) = Unqual!(typeof(T.init[0]));

private template holds(T, S) {
    static if (is(Unqual!T == S)) enum holds = true;
    else static if (is(S == long)) enum holds = isNumber!T || isBig!T;
    else static if (is(S == double)) enum holds = isFloatingPoint!T;
    else static if (is(S == string))
        enum holds = isSomeChar!T || (isDynamicArray!T && isSomeChar!(typeof(T.init[0])));
    else static if (is(S == Nullable!A, A)) enum holds = is(Unqual!T == Nullable!B, B) && holdsIn!(T, S);
    else static if (is(S == Tuple!A, A...)) enum holds = is(Unqual!T == Tuple!B, B...) && holdsAll!(Unqual!T, S);
    else static if (isAssociativeArray!S)
        enum holds = isAssociativeArray!T && holdsPair!(T, S);
    else static if (isDynamicArray!S) enum holds = (isDynamicArray!T || isStaticArray!T) && holdsItem!(T, S);
    else enum holds = false;
}

private template holdsIn(T, S) {
    static if (is(Unqual!T == Nullable!B, B) && is(S == Nullable!A, A)) enum holdsIn = holds!(B, A);
    else enum holdsIn = false;
}

private template holdsAll(T, S) {
    static if (T.Types.length != S.Types.length) enum holdsAll = false;
    else enum holdsAll = () {
        bool all = true;
        static foreach (i; 0 .. T.Types.length) all &= holds!(T.Types[i], S.Types[i]);
        return all;
    }();
}

private template holdsPair(T, S) {
    enum holdsPair = holds!(KeyType!T, KeyType!S) && holds!(ValueType!T, ValueType!S);
}

private template holdsItem(T, S) {
    static if (isDynamicArray!T || isStaticArray!T) enum holdsItem = holds!(Element!T, Element!S);
    else enum holdsItem = false;
}

private Unqual!T convert(T, S)(S x) if (holds!(T, S)) {
    alias U = Unqual!T;
    static if (is(U == S)) return x;
    else static if (is(S == long) && isBig!U) return U(x);
    else static if (is(S == long) && isIntegral!U) {
        const y = cast(U) x;
        if (cast(long) y != x || (x < 0 && U.min == 0)) throw new Unfit(x, U.stringof);
        return y;
    } else static if (is(S == long)) {
        const y = cast(U) x;
        if (y >= 9223372036854775808.0 || cast(long) y != x) throw new Unfit(x, U.stringof);
        return y;
    } else static if (is(S == double)) {
        const y = cast(U) x; // a fraction takes the nearest value; a whole number stays what it is
        const bool near = x != cast(double) cast(long) x && y != y.infinity && y != -y.infinity && (y < 0 ? -y : y) >= U.min_normal;
        if (cast(double) y != x && x == x && !near) throw new Unfit(x, U.stringof);
        return y;
    } else static if (is(S == string) && isSomeChar!U) {
        import std.utf : toUTF32, toUTF8;
        const all = toUTF32(x);
        if (all.length != 1 || all[0] > U.max) throw new Unfit(x, U.stringof);
        return cast(U) all[0];
    } else static if (is(S == string)) {
        static if (is(U : const(char)[])) return cast(U) x.dup;
        else {
            import std.conv : to;
            return x.to!U;
        }
    } else static if (is(U == Nullable!B, B)) return x.isNull ? U.init : U(convert!B(x.get));
    else static if (is(U == Tuple!B, B...)) {
        U result;
        static foreach (i; 0 .. B.length) result[i] = convert!(B[i])(x[i]);
        return result;
    } else static if (isAssociativeArray!U) {
        Unqual!(ValueType!U)[KeyType!U] result;
        foreach (key, value; x) result[convert!(KeyType!U)(key)] = convert!(ValueType!U)(value);
        return cast(U) result;
    } else {
        static if (isStaticArray!U)
            if (x.length != U.length) throw new Unfit(cast(long) x.length, U.stringof);
        Element!U[] result;
        foreach (item; x) result ~= convert!(Element!U)(item);
        static if (isStaticArray!U) {
            U array = result[0 .. U.length];
            return array;
        } else return cast(U) result;
    }
}

// Whether a result of type R may stand for a W.
private template stands(W, R) {
    static if (is(R : W) || (is(W == string) && is(R : const(char)[]))) enum stands = true;
    else static if (is(W == long)) enum stands = isIntegral!R || isBig!R;
    else static if (is(W == double)) enum stands = isNumber!R;
    else static if (is(W == string)) enum stands = isSomeChar!R;
    else static if (is(W == Nullable!A, A) && is(R == Nullable!B, B)) enum stands = stands!(A, B);
    else static if (is(W == Tuple!A, A...) && is(R == Tuple!B, B...)) {
        static if (A.length == B.length) enum stands = () {
            bool all = true;
            static foreach (i; 0 .. A.length) all &= stands!(A[i], B[i]);
            return all;
        }();
        else enum stands = false;
    } else static if (isAssociativeArray!W && isAssociativeArray!R)
        enum stands = stands!(KeyType!W, KeyType!R) && stands!(ValueType!W, ValueType!R);
    else static if (isDynamicArray!W && (isDynamicArray!R || isStaticArray!R)) enum stands = stands!(Element!W, Element!R);
    else enum stands = false;
}

private template takes(alias f, A...) {
    static if (!isCallable!f) enum takes = false;
    else static if (Parameters!f.length < A.length) enum takes = false;
    else enum takes = () {
        bool all = true;
        static foreach (i; A.length .. Parameters!f.length) all &= !is(ParameterDefaults!f[i] == void);
        static foreach (i; 0 .. A.length) all &= holds!(Parameters!f[i], A[i]);
        return all;
    }();
}

private template changes(alias f, A...) {
    enum changes = () {
        bool any = false;
        static foreach (i; 0 .. A.length) any |= !is(Unqual!(Parameters!f[i]) == A[i]);
        return any;
    }();
}

// Find the first overload that takes the arguments with conversions; -1 if none has to, or can.
private template converting(alias owner, string name, A...) {
    alias all = __traits(getOverloads, owner, name);
    enum converting = () {
        int found = -1;
        static foreach_reverse (i; 0 .. all.length) {
            static if (takes!(all[i], A)) found = changes!(all[i], A) ? (found == -2 ? -2 : cast(int) i) : -2;
        }
        return found;
    }();
}

private auto converted(alias f, A...)(A arguments) {
    Tuple!(UnqualAll!(Parameters!f[0 .. A.length])) passed;
    static foreach (i; 0 .. A.length) passed[i] = convert!(Parameters!f[i])(arguments[i]);
    return f(passed.expand);
}

private template UnqualAll(T...) {
    static if (T.length == 0) alias UnqualAll = T;
    else {
        import std.meta : AliasSeq;
        alias UnqualAll = AliasSeq!(Unqual!(T[0]), UnqualAll!(T[1 .. $]));
    }
}

private template allNarrowed(T, A...) {
    import std.meta : AliasSeq;
    static if (A.length == 0) alias allNarrowed = A;
    else alias allNarrowed = AliasSeq!(Narrowed!(T, A[0]), allNarrowed!(T, A[1 .. $]));
}

private template Narrowed(T, A) {
    static if (is(A == long)) alias Narrowed = T;
    else alias Narrowed = A;
}

// The first narrower integral type with which a template takes the arguments in place of long; void if there is none.
private template Narrow(alias owner, string name, A...) {
    alias Narrow = NarrowOf!(owner, name, Tuple!A, int, short, byte, uint, ushort, ubyte);
}

private template NarrowOf(alias owner, string name, All, T...) {
    static if (T.length == 0) alias NarrowOf = void;
    else static if (is(typeof((Tuple!(allNarrowed!(T[0], All.Types)) x) => __traits(getMember, owner, name)(x.expand))))
        alias NarrowOf = T[0];
    else alias NarrowOf = NarrowOf!(owner, name, All, T[1 .. $]);
}

private auto narrowed(T, alias owner, string name, A...)(A arguments) {
    Tuple!(allNarrowed!(T, A)) passed;
    static foreach (i; 0 .. A.length) {
        static if (is(A[i] == long)) passed[i] = convert!T(arguments[i]);
        else passed[i] = arguments[i];
    }
    return __traits(getMember, owner, name)(passed.expand);
}

private auto call(alias owner, string name, A...)(A arguments) {
    alias member = __traits(getMember, owner, name);
    enum found = converting!(owner, name, A);
    static if (found >= 0) return converted!(__traits(getOverloads, owner, name)[found])(arguments);
    else static if (__traits(getOverloads, owner, name).length == 0 && takes!(member, A)) return converted!member(arguments);
    else static if (!is(typeof(__traits(getMember, owner, name)(arguments))) && !is(Narrow!(owner, name, A) == void))
        return narrowed!(Narrow!(owner, name, A), owner, name)(arguments);
    else return __traits(getMember, owner, name)(arguments);
}

/// Call the entry point once and print what comes of it.
void run(Wanted, alias owner, string name, A...)(string index, A arguments) {
    char[] line;
    try {
        static if (is(typeof(call!(owner, name)(arguments)) == void)) {
            static assert(is(Wanted == typeof(null)), "the function has to return a value");
            call!(owner, name)(arguments);
            line ~= "null";
        } else {
            auto result = call!(owner, name)(arguments);
            static assert(stands!(Wanted, typeof(result)), "the result is of another type");
            static if (is(Wanted == string) && isSomeChar!(typeof(result))) {
                import std.utf : toUTF8;
                show(line, toUTF8([cast(dchar) result]));
            } else show(line, result);
        }
        return emit("value ", index, " ", line);
    } catch (Throwable error) {
        line = null;
        text(line, error.msg);
    }
    emit("raised ", index, " ", line);
}

/// Run all cases; the candidate's own constructors have run.
void finish(void function() cases) {
    emit("loaded");
    cases();
    emit("end");
    _exit(0);
}
