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
#include "candidate.cpp"
void glotsmith::cases() {
    const auto glotsmith_parameters =
        [](auto glotsmith_n) -> decltype(glotsmith::parameters(glotsmith_n, ::@{name})) { return {}; };
    const auto glotsmith_call =
        [](auto &&...glotsmith_x) -> decltype(::@{name}(static_cast<decltype(glotsmith_x)>(glotsmith_x)...)) {
            return ::@{name}(static_cast<decltype(glotsmith_x)>(glotsmith_x)...);
        };
@{cases}
}