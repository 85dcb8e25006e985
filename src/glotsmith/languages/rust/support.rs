// What all drivers share, compiled once a machine: the protocol, and a printer of each type that may be asked for.
use std::collections::{HashMap, HashSet};
use std::panic::{catch_unwind, AssertUnwindSafe};

/// What the types of a signature need, where a program does not import it: its own names hide these.
pub mod prelude {
    pub use std::collections::{HashMap, HashSet};
}

extern "C" {
    fn write(fd: i32, data: *const u8, size: usize) -> isize;
    fn dup2(from: i32, to: i32) -> i32;
    fn _exit(code: i32) -> !; // runs no handler
}

static mut OUT: i32 = 1;
static mut MARK: &str = "";

fn emit(event: &str) {
    let line = ["\n", unsafe { MARK }, " ", event, "\n"].concat();
    let mut rest = line.as_bytes();
    while !rest.is_empty() {
        unsafe {
            let count = write(OUT, rest.as_ptr(), rest.len());
            if count > 0 {
                rest = &rest[count as usize..];
            } else if OUT != 1 {
                OUT = 1; // the program closed ours
            } else {
                return;
            }
        }
    }
}

fn text(out: &mut String, x: &str) {
    out.push('"');
    for c in x.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\0'..='\x1f' | '\x7f' => {
                out.push_str("\\u00");
                out.extend([c as u32 >> 4, c as u32 & 15].map(|n| char::from_digit(n, 16).unwrap()));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

pub trait Show {
    fn show(&self, out: &mut String);
}

fn join<T>(out: &mut String, items: impl Iterator<Item = T>, show: impl Fn(&mut String, T)) {
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push(',');
        }
        show(out, item);
    }
}

impl Show for () {
    fn show(&self, out: &mut String) {
        out.push_str("null");
    }
}

impl Show for bool {
    fn show(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }
}

impl Show for isize {
    fn show(&self, out: &mut String) {
        out.push_str(&self.to_string());
    }
}

impl Show for f64 {
    fn show(&self, out: &mut String) {
        out.push_str("{\"f\":\"");
        out.push_str(&if self.is_nan() { "nan".to_string() } else { self.to_string() }); // shortest that reads back
        out.push_str("\"}");
    }
}

impl Show for String {
    fn show(&self, out: &mut String) {
        text(out, self);
    }
}

impl<T: Show> Show for Option<T> {
    fn show(&self, out: &mut String) {
        match self {
            None => out.push_str("null"),
            Some(x) => x.show(out),
        }
    }
}

impl<T: Show> Show for Vec<T> {
    fn show(&self, out: &mut String) {
        out.push('[');
        join(out, self.iter(), |out, x| x.show(out));
        out.push(']');
    }
}

impl<K: Show, V: Show> Show for HashMap<K, V> {
    fn show(&self, out: &mut String) {
        out.push_str("{\"m\":[");
        join(out, self.iter(), |out, (k, v)| {
            out.push('[');
            k.show(out);
            out.push(',');
            v.show(out);
            out.push(']');
        });
        out.push_str("]}");
    }
}

impl<T: Show> Show for HashSet<T> {
    fn show(&self, out: &mut String) {
        out.push_str("{\"s\":[");
        join(out, self.iter(), |out, x| x.show(out));
        out.push_str("]}");
    }
}

macro_rules! tuples {
    ($($name:ident)+) => {
        impl<$($name: Show),+> Show for ($($name,)+) {
            #[allow(non_snake_case)]
            fn show(&self, out: &mut String) {
                let ($($name,)+) = self;
                let items: &[&dyn Show] = &[$($name),+];
                out.push_str("{\"t\":[");
                join(out, items.iter(), |out, x| x.show(out));
                out.push_str("]}");
            }
        }
    };
}
tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);
tuples!(A B C D E F G H I);
tuples!(A B C D E F G H I J);
tuples!(A B C D E F G H I J L);
tuples!(A B C D E F G H I J L M);

/// Call the entry point once and print what comes of it.
pub fn case<T: Show>(number: usize, call: impl FnOnce() -> T) {
    let mut line = number.to_string();
    line.push(' ');
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => {
            line.insert_str(0, "value ");
            result.show(&mut line);
        }
        Err(cause) => {
            line.insert_str(0, "raised ");
            let message = match (cause.downcast_ref::<&str>(), cause.downcast_ref::<String>()) {
                (Some(x), _) => x,
                (_, Some(x)) => x.as_str(),
                _ => "a panic with a value that is no text",
            };
            text(&mut line, message);
        }
    }
    emit(&line);
}

/// Run all cases between the lines of the protocol; nothing of the candidate runs before.
pub fn run(mark: &'static str, cases: fn()) -> ! {
    unsafe {
        MARK = mark;
        OUT = dup2(1, 200); // a second way to stdout: the program may close its own
        if OUT < 0 {
            OUT = 1;
        }
        emit("start");
        emit("loaded");
        cases();
        emit("end");
        _exit(0)
    }
}
