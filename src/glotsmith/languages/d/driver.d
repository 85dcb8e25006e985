// One generated program. The candidate is a module of its own, so that neither sees the other's names. All cases run as
// the last of the modules' constructors: the program's `main`, which may be the candidate's, is never reached.
module glotsmith_driver;

import glotsmith_support;
import std.typecons : Nullable, nullable, Tuple;
static import candidate;

alias Wanted = @{returns};

@{bindings}

private extern (C) bool thread_isMainThread() nothrow @nogc;

private void cases() {
@{cases}
}

pragma(crt_constructor) extern (C) void glotsmith_start() {
    start("@{mark}");
}

static this() {
    if (thread_isMainThread()) finish(&cases); // any other thread begins with the modules' constructors too
}
