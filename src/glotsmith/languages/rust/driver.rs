#![no_main] @{candidate}

use ::glotsmith_support::prelude::*;

// One generated program. The candidate is the root of the crate, as if it stood alone: it may have attributes, `crate::`
// paths, and a `main` that nobody calls. What follows sees none of its names but the entry point; macros are the
// exception, so that there is none.
mod glotsmith {
    use ::std::collections::{HashMap, HashSet};
    use ::std::option::Option::{self, None, Some};
    use ::std::string::String;
    use ::std::vec::Vec;

    type Wanted = @{returns};

@{bindings}

    fn cases() {
@{cases}
    }

    #[no_mangle]
    extern "C" fn main(_: i32, _: *const *const u8) -> i32 {
        ::glotsmith_support::run("@{mark}", cases)
    }
}
