// One generated program. All that it needs is compiled before the candidate, which can then define any name or macro,
// also `main`; the calls after it are few words and look the entry point up globally, so that it hides any of std's.
#include "support.hpp"

namespace glotsmith {
using Wanted = @{returns};
const char *const mark = "@{mark}";

// Before any constructor of the candidate's: a second way to stdout, since the program may close its own. It stands here
// because a precompiled header forgets priorities.
[[gnu::constructor(100)]] void begin() {
    start();
}

using namespace std::string_literals;
@{bindings}
}  // namespace glotsmith

int main() {
    glotsmith::emit("loaded");
    glotsmith::cases();
    glotsmith::emit("end");
    glotsmith_exit(0);
}

#define main glotsmith_candidate_main
#include <candidate.cpp>  // found in a system folder: no warning about the candidate is written
GLOTSMITH_CONTESTS(@{name})
void glotsmith::cases() {
    const auto glotsmith_parameters =
        [](auto glotsmith_n) -> decltype(glotsmith::parameters(glotsmith_n, ::@{name})) { return {}; };
    const auto glotsmith_braced =
        []<class... glotsmith_B, class... glotsmith_A, class glotsmith_S>(glotsmith::types<glotsmith_B...>,
            glotsmith::types<glotsmith_A...>, glotsmith::types<glotsmith_S>) -> decltype(::@{name}(
            glotsmith::declared<glotsmith_B>()..., {glotsmith::sample<glotsmith_S>()}, glotsmith::declared<glotsmith_A>()...)) {};
    const auto glotsmith_contest = [](auto glotsmith_n, auto &&...glotsmith_x) -> decltype(
        glotsmith_rivals::at(glotsmith_n, static_cast<decltype(glotsmith_x)>(glotsmith_x)...)) {};
    const glotsmith::types<decltype(glotsmith_braced), decltype(glotsmith_contest)> glotsmith_probes;
// An argument that a conversion may still change, which glotsmith::checked does not see, is an error.
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wconversion"
#pragma GCC diagnostic error "-Wsign-conversion"
    const auto glotsmith_call =
        [](auto &&...glotsmith_x) -> decltype(::@{name}(static_cast<decltype(glotsmith_x)>(glotsmith_x)...)) {
            return ::@{name}(static_cast<decltype(glotsmith_x)>(glotsmith_x)...);
        };
#pragma GCC diagnostic pop
@{cases}
}