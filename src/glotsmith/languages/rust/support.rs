// What all drivers share, compiled once a machine: the protocol, and a printer of each type that may be asked for.
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt::Debug;
use std::hash::Hash;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::rc::Rc;
use std::sync::Arc;

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

macro_rules! ints {
    ($($name:ty)+) => {$(
        impl Show for $name {
            fn show(&self, out: &mut String) {
                out.push_str(&self.to_string());
            }
        }
        impl As<isize> for $name {}
        impl As<f64> for $name {}
        impl Take<isize> for $name {
            fn take(value: isize) -> Result<Self, Unfit> {
                Self::try_from(value).map_err(|_| unfit::<Self>(&value))
            }
        }
    )+};
}
ints!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

macro_rules! floats {
    ($($name:ty)+) => {$(
        impl Show for $name {
            fn show(&self, out: &mut String) {
                out.push_str("{\"f\":\"");
                out.push_str(&if self.is_nan() { "nan".to_string() } else { self.to_string() }); // shortest that reads back
                out.push_str("\"}");
            }
        }
        impl As<f64> for $name {}
        impl Take<isize> for $name {
            fn take(value: isize) -> Result<Self, Unfit> {
                let result = value as $name;
                if result as i128 == value as i128 { Ok(result) } else { Err(unfit::<Self>(&value)) }
            }
        }
        impl Take<f64> for $name {
            /// A fraction takes the nearest value; a whole number has to stay what it is.
            fn take(value: f64) -> Result<Self, Unfit> {
                let result = value as $name;
                let same = result as f64 == value || value.is_nan();
                let near = value.fract() != 0.0 && result.is_normal();
                if same || near { Ok(result) } else { Err(unfit::<Self>(&value)) }
            }
        }
    )+};
}
floats!(f32 f64);

impl Show for String {
    fn show(&self, out: &mut String) {
        text(out, self);
    }
}

impl Show for str {
    fn show(&self, out: &mut String) {
        text(out, self);
    }
}

impl Show for char {
    fn show(&self, out: &mut String) {
        text(out, self.encode_utf8(&mut [0; 4]));
    }
}

macro_rules! pointers {
    ($($name:ty),+) => {$(
        impl<'a, T: Show + ?Sized> Show for $name {
            fn show(&self, out: &mut String) {
                (**self).show(out);
            }
        }
        impl<'a, W, T: As<W> + ?Sized> As<W> for $name {}
    )+};
}
pointers!(&'a T, &'a mut T, Box<T>, Rc<T>, Arc<T>);

impl<'a, T: Show + ToOwned + ?Sized> Show for Cow<'a, T> {
    fn show(&self, out: &mut String) {
        (**self).show(out);
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

impl<T: Show> Show for [T] {
    fn show(&self, out: &mut String) {
        out.push('[');
        join(out, self.iter(), |out, x| x.show(out));
        out.push(']');
    }
}

impl<T: Show> Show for Vec<T> {
    fn show(&self, out: &mut String) {
        self.as_slice().show(out);
    }
}

impl<T: Show, const N: usize> Show for [T; N] {
    fn show(&self, out: &mut String) {
        self.as_slice().show(out);
    }
}

impl<T: Show> Show for VecDeque<T> {
    fn show(&self, out: &mut String) {
        out.push('[');
        join(out, self.iter(), |out, x| x.show(out));
        out.push(']');
    }
}

macro_rules! maps {
    ($($name:ident)+) => {$(
        impl<K: Show, V: Show> Show for $name<K, V> {
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
    )+};
}
maps!(HashMap BTreeMap);

macro_rules! sets {
    ($($name:ident)+) => {$(
        impl<T: Show> Show for $name<T> {
            fn show(&self, out: &mut String) {
                out.push_str("{\"s\":[");
                join(out, self.iter(), |out, x| x.show(out));
                out.push_str("]}");
            }
        }
    )+};
}
sets!(HashSet BTreeSet);

macro_rules! tuples {
    ($($name:ident $wanted:ident)+) => {
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
        impl<$($wanted, $name: As<$wanted>),+> As<($($wanted,)+)> for ($($name,)+) {}
        impl<$($wanted, $name: Take<$wanted>),+> Take<($($wanted,)+)> for ($($name,)+) {
            #[allow(non_snake_case)]
            fn take(($($wanted,)+): ($($wanted,)+)) -> Result<Self, Unfit> {
                Ok(($($name::take($wanted)?,)+))
            }
        }
    };
}
tuples!(A A1);
tuples!(A A1 B B1);
tuples!(A A1 B B1 C C1);
tuples!(A A1 B B1 C C1 D D1);
tuples!(A A1 B B1 C C1 D D1 E E1);
tuples!(A A1 B B1 C C1 D D1 E E1 F F1);
tuples!(A A1 B B1 C C1 D D1 E E1 F F1 G G1);
tuples!(A A1 B B1 C C1 D D1 E E1 F F1 G G1 H H1);
tuples!(A A1 B B1 C C1 D D1 E E1 F F1 G G1 H H1 I I1);
tuples!(A A1 B B1 C C1 D D1 E E1 F F1 G G1 H H1 I I1 J J1);
tuples!(A A1 B B1 C C1 D D1 E E1 F F1 G G1 H H1 I I1 J J1 L L1);
tuples!(A A1 B B1 C C1 D D1 E E1 F F1 G G1 H H1 I I1 J J1 L L1 M M1);

/// A result that may stand for one of type W: it shows the same value.
pub trait As<W: ?Sized>: Show {}

impl As<()> for () {}
impl As<bool> for bool {}
impl As<String> for String {}
impl As<String> for str {}
impl As<String> for char {}
impl<'a, W, T: As<W> + ToOwned + ?Sized> As<W> for Cow<'a, T> {}
impl<W, T: As<W>> As<Option<W>> for Option<T> {}
impl<W, T: As<W>> As<Vec<W>> for Vec<T> {}
impl<W, T: As<W>> As<Vec<W>> for VecDeque<T> {}
impl<W, T: As<W>> As<Vec<W>> for [T] {}
impl<W, T: As<W>, const N: usize> As<Vec<W>> for [T; N] {}
impl<W, X, K: As<W>, V: As<X>> As<HashMap<W, X>> for HashMap<K, V> {}
impl<W, X, K: As<W>, V: As<X>> As<HashMap<W, X>> for BTreeMap<K, V> {}
impl<W, T: As<W>> As<HashSet<W>> for HashSet<T> {}
impl<W, T: As<W>> As<HashSet<W>> for BTreeSet<T> {}

/// Why an argument cannot be passed.
pub struct Unfit(String);

fn unfit<T>(value: &dyn Debug) -> Unfit {
    Unfit(format!("{:?} does not fit the declared type {}", value, std::any::type_name::<T>()))
}

/// A type of the candidate's that holds any value of the signature's type S, or says which it does not.
pub trait Take<S>: Sized {
    fn take(value: S) -> Result<Self, Unfit>;
}

/// Return an argument as the candidate declares it.
pub fn take<S, T: Take<S>>(value: S) -> T {
    T::take(value).unwrap_or_else(|unfit| resume_unwind(Box::new(unfit)))
}

macro_rules! takes {
    ($([$($parameters:tt)*] $source:ty => $target:ty, $value:ident: $result:expr;)+) => {$(
        impl<$($parameters)*> Take<$source> for $target {
            fn take($value: $source) -> Result<Self, Unfit> {
                $result
            }
        }
    )+};
}

fn each<S, T: Take<S>, C: FromIterator<T>>(items: impl IntoIterator<Item = S>) -> Result<C, Unfit> {
    items.into_iter().map(T::take).collect()
}

fn entries<K, V, L: Take<K>, W: Take<V>, C: FromIterator<(L, W)>>(
    items: impl IntoIterator<Item = (K, V)>,
) -> Result<C, Unfit> {
    items.into_iter().map(|(k, v)| Ok((L::take(k)?, W::take(v)?))).collect()
}

takes! {
    [] () => (), x: Ok(x);
    [] bool => bool, x: Ok(x);
    [] String => String, x: Ok(x);
    ['a] String => &'a str, x: Ok(Box::leak(x.into_boxed_str()));
    ['a] String => Cow<'a, str>, x: Ok(Cow::Owned(x));
    [] String => Box<str>, x: Ok(x.into_boxed_str());
    [] String => Rc<str>, x: Ok(x.into());
    [] String => Arc<str>, x: Ok(x.into());
    [] String => char, x: {
        let mut all = x.chars();
        match (all.next(), all.next()) {
            (Some(c), None) => Ok(c),
            _ => Err(unfit::<char>(&x)),
        }
    };
    [S, T: Take<S>] Option<S> => Option<T>, x: x.map(T::take).transpose();
    [S, T: Take<S>] Vec<S> => Vec<T>, x: each(x);
    [S, T: Take<S>] Vec<S> => VecDeque<T>, x: each(x);
    ['a, S, T: Take<S>] Vec<S> => &'a [T], x: Ok(Box::leak(each::<S, T, Vec<T>>(x)?.into_boxed_slice()));
    ['a, S, T: Take<S>] Vec<S> => &'a mut [T], x: Ok(Box::leak(each::<S, T, Vec<T>>(x)?.into_boxed_slice()));
    [S, T: Take<S>] Vec<S> => Box<[T]>, x: Ok(each::<S, T, Vec<T>>(x)?.into_boxed_slice());
    [S, T: Take<S>] Vec<S> => Rc<[T]>, x: Ok(each::<S, T, Vec<T>>(x)?.into());
    [S, T: Take<S>, const N: usize] Vec<S> => [T; N], x: {
        let items: Vec<T> = each(x)?;
        let length = items.len();
        items.try_into().map_err(|_| unfit::<[T; N]>(&format_args!("a list of length {}", length)))
    };
    [K, V, L: Take<K> + Eq + Hash, W: Take<V>] HashMap<K, V> => HashMap<L, W>, x: entries(x);
    [K, V, L: Take<K> + Ord, W: Take<V>] HashMap<K, V> => BTreeMap<L, W>, x: entries(x);
    [S, T: Take<S> + Eq + Hash] HashSet<S> => HashSet<T>, x: each(x);
    [S, T: Take<S> + Ord] HashSet<S> => BTreeSet<T>, x: each(x);
    ['a, S, T: Take<S>] S => &'a T, x: Ok(Box::leak(Box::new(T::take(x)?)));
    ['a, S, T: Take<S>] S => &'a mut T, x: Ok(Box::leak(Box::new(T::take(x)?)));
    [S, T: Take<S>] S => Box<T>, x: Ok(Box::new(T::take(x)?));
    [S, T: Take<S>] S => Rc<T>, x: Ok(Rc::new(T::take(x)?));
    [S, T: Take<S>] S => Arc<T>, x: Ok(Arc::new(T::take(x)?));
}

/// A type of a generic candidate's that holds a value of the signature's type S without a conversion of its elements: so
/// the compiler finds out what the candidate's type parameters stand for.
pub trait Keep<S>: Sized {
    fn keep(value: S) -> Result<Self, Unfit>;
}

/// Return an argument as a generic candidate declares it.
pub fn keep<S, T: Keep<S>>(value: S) -> T {
    T::keep(value).unwrap_or_else(|unfit| resume_unwind(Box::new(unfit)))
}

macro_rules! keeps {
    ($([$($parameters:tt)*] $source:ty => $($target:ty),+;)+) => {$(
        keeps!(each [$($parameters)*] $source => $($target),+);
    )+};
    (each $parameters:tt $source:ty => $($target:ty),+) => {$(keeps!(one $parameters $source => $target);)+};
    (one [$($parameters:tt)*] $source:ty => $target:ty) => {
        impl<$($parameters)*> Keep<$source> for $target {
            fn keep(value: $source) -> Result<Self, Unfit> {
                Take::take(value)
            }
        }
    };
}

keeps! {
    [] () => ();
    [] bool => bool;
    [] isize => i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, f32, f64;
    [] f64 => f32, f64;
    ['a] String => String, &'a str, Cow<'a, str>, Box<str>, char;
    ['a, S: Take<S>] Vec<S> => Vec<S>, VecDeque<S>, &'a [S], &'a mut [S], Box<[S]>;
    [S: Take<S>, const N: usize] Vec<S> => [S; N];
    [S: Take<S>] Option<S> => Option<S>;
    [K: Take<K> + Eq + Hash, V: Take<V>] HashMap<K, V> => HashMap<K, V>;
    [K: Take<K> + Ord, V: Take<V>] HashMap<K, V> => BTreeMap<K, V>;
    [S: Take<S> + Eq + Hash] HashSet<S> => HashSet<S>;
    [S: Take<S> + Ord] HashSet<S> => BTreeSet<S>;
    [A: Take<A>, B: Take<B>] (A, B) => (A, B);
    [A: Take<A>, B: Take<B>, C: Take<C>] (A, B, C) => (A, B, C);
}

impl<'a, S, T: Keep<S>> Keep<S> for &'a T {
    fn keep(value: S) -> Result<Self, Unfit> {
        Ok(Box::leak(Box::new(T::keep(value)?)))
    }
}

impl<'a, S, T: Keep<S>> Keep<S> for &'a mut T {
    fn keep(value: S) -> Result<Self, Unfit> {
        Ok(Box::leak(Box::new(T::keep(value)?)))
    }
}

/// Call the entry point once and print a result that may stand for one of type W.
pub fn case_as<W, T: As<W>, F: FnOnce() -> T>(number: usize, call: F) {
    case(number, call);
}

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
            let message = match (cause.downcast_ref(), cause.downcast_ref::<String>(), cause.downcast_ref()) {
                (Some(x), _, _) => *x,
                (_, Some(x), _) => x.as_str(),
                (_, _, Some(Unfit(x))) => x.as_str(),
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
