// What all drivers share, precompiled once a machine: all that programs may use, and the printer of typed results.
#pragma once
#include <assert.h>
#include <bits/stdc++.h>
#include <cxxabi.h>
#include <unistd.h>

extern "C" ssize_t glotsmith_write(int, const void *, size_t) __asm__("write");
extern "C" [[noreturn]] void glotsmith_exit(int) __asm__("_exit");  // runs no destructor and no atexit function

namespace glotsmith {
extern const char *const mark;

int out = 1;

void emit(const std::string &event) {
    fflush(nullptr);
    std::string line = std::string("\n") + mark + " " + event + "\n";
    for (size_t done = 0; done < line.size();) {
        ssize_t count = glotsmith_write(out, line.data() + done, line.size() - done);
        if (count > 0) done += count;
        else if (errno != EINTR && out == 1) return;
        else if (errno != EINTR) out = 1;  // the program closed ours
    }
}

void start() {
    out = dup2(1, 200);
    if (out < 0) out = 1;
    emit("start");
}

void text(std::string &s, std::string_view x) {
    char code[8];
    s += '"';
    for (unsigned char c : x) {
        if (c == '"' || c == '\\') s += '\\';
        if (c >= 32 && c != 127) s += c;
        else snprintf(code, sizeof code, "\\u%04x", c), s += code;
    }
    s += '"';
}

template <class T, class = void> struct is_range : std::false_type {};
template <class T>
struct is_range<T, std::void_t<typename T::value_type, typename T::const_iterator>> : std::true_type {};
template <class T, class = void> struct is_set : std::false_type {};
template <class T> struct is_set<T, std::void_t<typename T::key_type>> : std::true_type {};
template <class T, class = void> struct is_map : std::false_type {};
template <class T> struct is_map<T, std::void_t<typename T::mapped_type>> : std::true_type {};
template <class T, class = void> struct is_tuple : std::false_type {};
template <class T> struct is_tuple<T, std::void_t<decltype(std::tuple_size<T>::value)>> : std::true_type {};
template <class T> struct is_optional : std::false_type {};
template <class T> struct is_optional<std::optional<T>> : std::true_type {};

// The type of W's elements, where W has some: what a result's elements may stand for.
template <class W, class = void> struct element { using type = void; };
template <class W> struct element<W, std::void_t<typename W::value_type>> { using type = typename W::value_type; };
template <class W, size_t I, class = void> struct member { using type = void; };
template <class W, size_t I>
struct member<W, I, std::enable_if_t<(I < std::tuple_size<W>::value)>> { using type = std::tuple_element_t<I, W>; };

template <class T> constexpr bool is_wide = std::is_same_v<T, __int128> || std::is_same_v<T, unsigned __int128>;

template <class T> void wide(std::string &s, T x) {
    if (x < 0) s += '-';
    char digits[40], *first = digits + 40;
    for (unsigned __int128 rest = x < 0 ? -(unsigned __int128)x : x; rest || first == digits + 40; rest /= 10)
        *--first = (char)('0' + (int)(rest % 10));
    s.append(first, digits + 40 - first);
}

template <class W, class T> void show(std::string &s, const T &x);

template <class W, class T, size_t... I> void members(std::string &s, const T &x, std::index_sequence<I...>) {
    const char *comma = "";
    ((s += comma, comma = ",", glotsmith::show<typename member<W, I>::type>(s, std::get<I>(x))), ...);
}

// Show a result that stands for a W; void where that is not known.
template <class W, class T> void show(std::string &s, const T &x) {
    if constexpr (std::is_same_v<T, bool>) s += x ? "true" : "false";
    else if constexpr (std::is_same_v<T, char> && std::is_same_v<W, std::string>) text(s, {&x, 1});
    else if constexpr (is_wide<T>) wide(s, x);
    else if constexpr (std::is_integral_v<T>) s += std::to_string(x);
    else if constexpr (std::is_enum_v<T>) s += std::to_string((long long)x);
    else if constexpr (std::is_floating_point_v<T>) {
        char digits[64];
        snprintf(digits, sizeof digits, "%.17g", (double)x);
        s += std::isnan(x) ? "{\"f\":\"nan\"}" : std::string("{\"f\":\"") + digits + "\"}";
    } else if constexpr (std::is_pointer_v<std::decay_t<T>> && std::is_convertible_v<T, const char *>) {
        if (x) text(s, x); else s += "null";
    } else if constexpr (std::is_convertible_v<const T &, std::string_view>) text(s, x);
    else if constexpr (std::is_same_v<T, std::nullopt_t>) s += "null";
    else if constexpr (is_optional<T>::value) {
        using Item = std::conditional_t<is_optional<W>::value, typename element<W>::type, W>;
        if (x) glotsmith::show<Item>(s, *x); else s += "null";
    } else if constexpr (is_range<T>::value) {
        using Item = typename element<W>::type;
        const char *comma = "";
        s += is_map<T>::value ? "{\"m\":[" : is_set<T>::value ? "{\"s\":[" : "[";
        for (const typename T::value_type &item : x) {
            s += comma, comma = ",";
            if constexpr (is_map<T>::value) {
                s += '[', members<Item>(s, item, std::make_index_sequence<2>()), s += ']';
            } else glotsmith::show<Item>(s, item);
        }
        s += is_set<T>::value ? "]}" : "]";
    } else if constexpr (is_tuple<T>::value) {
        s += "{\"t\":[";
        members<W>(s, x, std::make_index_sequence<std::tuple_size<T>::value>());
        s += "]}";
    } else s += "{\"x\":\"object\"}";
}

// Whether a result of type R may stand for a W.
template <class W, class R, class = void> struct stands : std::is_convertible<R, W> {};
template <> struct stands<std::string, char> : std::true_type {};
template <> struct stands<std::string, std::string_view> : std::true_type {};
template <class W, class R> struct stands<std::optional<W>, std::optional<R>> : stands<W, R> {};
template <class W, class R> constexpr bool is_alike =
    is_range<W>::value && is_range<R>::value && is_set<W>::value == is_set<R>::value &&
    is_map<W>::value == is_map<R>::value && !std::is_same_v<W, std::string> && !std::is_convertible_v<R, std::string_view>;
template <class W, class R> struct stands<W, R, std::enable_if_t<is_alike<W, R>>>
    : stands<std::decay_t<typename W::value_type>, std::decay_t<typename R::value_type>> {};
template <class W, class R, class I> struct stand;
template <class W, class R, size_t... I> struct stand<W, R, std::index_sequence<I...>>
    : std::conjunction<stands<std::decay_t<std::tuple_element_t<I, W>>, std::decay_t<std::tuple_element_t<I, R>>>...> {};
template <class W, class R> constexpr bool is_as_long = false;
template <class... W, class... R> constexpr bool is_as_long<std::tuple<W...>, std::tuple<R...>> =
    sizeof...(W) == sizeof...(R);
template <class A, class B, class R, class S> constexpr bool is_as_long<std::pair<A, B>, std::pair<R, S>> = true;
template <class A, class B, class R, class S> constexpr bool is_as_long<std::tuple<A, B>, std::pair<R, S>> = true;
template <class W, class R> struct stands<W, R, std::enable_if_t<is_as_long<W, R>>>
    : stand<W, R, std::make_index_sequence<std::tuple_size<W>::value>> {};

// Conversion of an argument of the signature's type S to the candidate's own type T, which has to hold its value.
struct unfit {
    std::string text;
};

template <class T> [[noreturn]] void refuse(const std::string &value) {
    int status;
    const char *name = abi::__cxa_demangle(typeid(T).name(), nullptr, nullptr, &status);
    throw unfit{value + " does not fit the declared type " + (name ? name : typeid(T).name())};
}

template <class T, class S, class = void> struct as : std::false_type {};

template <class T> struct as<T, T> : std::true_type {
    static const T &from(T &x) { return x; }
};

template <class T, class S>
struct as<T, S, std::enable_if_t<std::is_arithmetic_v<T> && std::is_arithmetic_v<S> && !std::is_same_v<T, S>>>
    : std::true_type {
    static T from(S &x) {
        if constexpr (std::is_floating_point_v<S> && std::is_floating_point_v<T>) {
            const T y = (T)x;  // a fraction takes the nearest value; a whole number stays what it is
            if ((S)y == x || x != x || (std::trunc(x) != x && std::isnormal(y))) return y;
        } else if constexpr (std::is_floating_point_v<T>) {
            if ((__int128)(long double)(T)x == (__int128)x) return (T)x;
        } else if constexpr (std::is_floating_point_v<S>) {
            if (std::trunc(x) == x && std::fabs(x) < 9e18 && (__int128)(T)(long)x == (__int128)x) return (T)(long)x;
        } else if ((__int128)(T)x == (__int128)x) return (T)x;
        std::ostringstream value;
        value << std::boolalpha << x;
        refuse<T>(value.str());
    }
};

template <class T> struct as<T, long, std::enable_if_t<is_wide<T> && !std::is_arithmetic_v<T>>> : std::true_type {
    static T from(long &x) {
        if (x >= 0 || std::is_same_v<T, __int128>) return (T)x;
        refuse<T>(std::to_string(x));
    }
};

template <class T> struct as<T, std::string, std::enable_if_t<std::is_same_v<T, char>>> : std::true_type {
    static char from(std::string &x) {
        if (x.size() == 1) return x[0];
        refuse<char>('"' + x + '"');
    }
};

template <class T>
struct as<T, std::string, std::enable_if_t<std::is_same_v<T, char *> || std::is_same_v<T, const char *>>> : std::true_type {
    static T from(std::string &x) {
        if (x.find('\0') == std::string::npos) return x.data();
        refuse<T>("a text with a NUL");
    }
};

template <> struct as<std::string_view, std::string> : std::true_type {
    static std::string_view from(std::string &x) { return x; }
};

template <class T, class S> struct as<std::optional<T>, std::optional<S>, std::enable_if_t<!std::is_same_v<T, S>>>
    : as<T, S> {
    static std::optional<T> from(std::optional<S> &x) { return x ? std::optional<T>(as<T, S>::from(*x)) : std::nullopt; }
};

template <class T, class S> struct as<std::optional<T>, S, std::enable_if_t<!is_optional<S>::value>> : as<T, S> {
    static std::optional<T> from(S &x) { return as<T, S>::from(x); }
};

template <class T, class = void> struct is_filled : std::false_type {};
template <class T>
struct is_filled<T, std::void_t<decltype(std::declval<T &>().insert(std::declval<T &>().end(), std::declval<typename T::value_type>()))>>
    : std::true_type {};
template <class T, class S> constexpr bool is_converted = is_alike<T, S> && !std::is_same_v<T, S> && is_filled<T>::value;

template <class T, class S> struct as<T, S, std::enable_if_t<is_converted<T, S> && !is_map<S>::value>>
    : as<std::remove_const_t<typename T::value_type>, typename S::value_type> {
    static T from(S &x) {
        T result;
        using Item = typename S::value_type;
        for (auto &&item : x) {
            if constexpr (std::is_same_v<Item, bool>) {
                bool bit = item;
                result.insert(result.end(), as<typename T::value_type, bool>::from(bit));
            } else result.insert(result.end(), as<typename T::value_type, Item>::from(const_cast<Item &>(item)));
        }
        return result;
    }
};

template <class T, class S> struct as<T, S, std::enable_if_t<is_converted<T, S> && is_map<S>::value>>
    : std::conjunction<as<typename T::key_type, typename S::key_type>, as<typename T::mapped_type, typename S::mapped_type>> {
    static T from(S &x) {
        T result;
        for (auto &[key, value] : x) {
            result.emplace(as<typename T::key_type, typename S::key_type>::from(const_cast<typename S::key_type &>(key)),
                as<typename T::mapped_type, typename S::mapped_type>::from(value));
        }
        return result;
    }
};

template <class T, size_t N, class S> struct as<std::array<T, N>, std::vector<S>> : as<T, S> {
    static std::array<T, N> from(std::vector<S> &x) {
        if (x.size() != N) refuse<std::array<T, N>>("a list of length " + std::to_string(x.size()));
        std::vector<T> items = as<std::vector<T>, std::vector<S>>::from(x);
        std::array<T, N> result;
        std::copy(items.begin(), items.end(), result.begin());
        return result;
    }
};

template <class... T, class... S>
struct as<std::tuple<T...>, std::tuple<S...>, std::enable_if_t<sizeof...(T) == sizeof...(S) &&
    !std::is_same_v<std::tuple<T...>, std::tuple<S...>>>> : std::conjunction<as<T, S>...> {
    static std::tuple<T...> from(std::tuple<S...> &x) {
        return std::apply([](auto &...item) { return std::tuple<T...>(as<T, S>::from(item)...); }, x);
    }
};

template <class A, class B, class R, class S>
struct as<std::pair<A, B>, std::tuple<R, S>> : std::conjunction<as<A, R>, as<B, S>> {
    static std::pair<A, B> from(std::tuple<R, S> &x) {
        return {as<A, R>::from(std::get<0>(x)), as<B, S>::from(std::get<1>(x))};
    }
};

// The parameter types of an entry point, which may be a function or an object that is called: only the overload that has
// so many parameters counts.
template <class... A> struct types {};
template <size_t N> using count = std::integral_constant<size_t, N>;

#define GLOTSMITH_ARITY(n, ...)                                                                 \
    template <class R, ##__VA_ARGS__> types<GLOTSMITH_NAMES_##n> parameters(count<n>, R (*)(GLOTSMITH_NAMES_##n)); \
    template <class F, class R, ##__VA_ARGS__> types<GLOTSMITH_NAMES_##n> operands(count<n>, R (F::*)(GLOTSMITH_NAMES_##n)); \
    template <class F, class R, ##__VA_ARGS__> types<GLOTSMITH_NAMES_##n> operands(count<n>, R (F::*)(GLOTSMITH_NAMES_##n) const);
#define GLOTSMITH_NAMES_0
#define GLOTSMITH_NAMES_1 A
#define GLOTSMITH_NAMES_2 A, B
#define GLOTSMITH_NAMES_3 A, B, C
#define GLOTSMITH_NAMES_4 A, B, C, D
#define GLOTSMITH_NAMES_5 A, B, C, D, E
#define GLOTSMITH_NAMES_6 A, B, C, D, E, G
#define GLOTSMITH_NAMES_7 A, B, C, D, E, G, H
#define GLOTSMITH_NAMES_8 A, B, C, D, E, G, H, I
GLOTSMITH_ARITY(0)
GLOTSMITH_ARITY(1, class A)
GLOTSMITH_ARITY(2, class A, class B)
GLOTSMITH_ARITY(3, class A, class B, class C)
GLOTSMITH_ARITY(4, class A, class B, class C, class D)
GLOTSMITH_ARITY(5, class A, class B, class C, class D, class E)
GLOTSMITH_ARITY(6, class A, class B, class C, class D, class E, class G)
GLOTSMITH_ARITY(7, class A, class B, class C, class D, class E, class G, class H)
GLOTSMITH_ARITY(8, class A, class B, class C, class D, class E, class G, class H, class I)
template <class N, class F> auto parameters(N n, const F &) -> decltype(operands(n, &F::operator()));

// The number of parameters, N or more, of which those behind the first N must have default values; 0 if that is not known.
template <class Types, size_t N> constexpr size_t arity() {
    if constexpr (std::is_invocable_v<Types, count<N>>) return N;
    else if constexpr (N < 8) return arity<Types, N + 1>();
    else return 0;
}

template <class... A, size_t... I>
types<std::tuple_element_t<I, std::tuple<A...>>...> leading(types<A...>, std::index_sequence<I...>);

template <class A, class S> using taken = as<std::remove_cv_t<std::remove_reference_t<A>>, S>;

// An argument that is passed for a parameter of type A.
template <class A, class S, class T = std::remove_cv_t<std::remove_reference_t<A>>> struct passed {
    T value;
    passed(S &x) : value(as<T, S>::from(x)) {}
};
template <class A, class S> struct passed<A, S, S> {
    S &value;
    passed(S &x) : value(x) {}
};

// A function whose parameter types are not known, since it is one of several or has template parameters: an argument that
// C++ could change is passed as a `checked`, which converts itself to the parameter's type, wherever that is decided.
template <class S> constexpr bool is_changeable = std::is_same_v<S, long> || std::is_same_v<S, double> ||
    is_optional<S>::value || is_tuple<S>::value;

template <class S> struct checked {
    S &value;
    operator S &() const { return value; }
    template <class T, class = std::enable_if_t<!std::is_same_v<T, S> && as<T, S>::value>> operator T() const {
        return as<T, S>::from(value);
    }
};

}  // namespace glotsmith

// A template that excludes numbers excludes a `checked` number, too.
template <class S> struct std::is_integral<glotsmith::checked<S>> : std::is_integral<S> {};
template <class S> struct std::is_floating_point<glotsmith::checked<S>> : std::is_floating_point<S> {};
template <class S> struct std::is_arithmetic<glotsmith::checked<S>> : std::is_arithmetic<S> {};
template <class S> struct std::is_signed<glotsmith::checked<S>> : std::is_signed<S> {};

namespace glotsmith {
template <class T> T &&declared();

// What an S in braces converts to: a constant is not narrowed.
template <class S> constexpr auto sample() -> std::enable_if_t<std::is_arithmetic_v<S>, long> { return 1; }
template <class S> auto sample() -> std::enable_if_t<!std::is_arithmetic_v<S>, S &>;

// Rivals of the entry point: those of position N take what C++ passes there unchanged, and convert all else. A call that still
// chooses the candidate passes this argument unchanged, too: it does not convert it.
struct rival {};
struct any {
    template <class T> any(T &&);
};
template <class... T> using just_one = std::enable_if_t<sizeof...(T) == 1, rival>;

#define GLOTSMITH_ANY glotsmith::any
#define GLOTSMITH_ANY_5 GLOTSMITH_ANY, GLOTSMITH_ANY, GLOTSMITH_ANY, GLOTSMITH_ANY, GLOTSMITH_ANY
#define GLOTSMITH_RIVAL(f, ...) template <class glotsmith_T> glotsmith::rival f(__VA_ARGS__);
#define GLOTSMITH_RIVALS(f, ...)                                                                            \
    GLOTSMITH_RIVAL(f, __VA_ARGS__)                                                                         \
    GLOTSMITH_RIVAL(f, __VA_ARGS__, GLOTSMITH_ANY)                                                          \
    GLOTSMITH_RIVAL(f, __VA_ARGS__, GLOTSMITH_ANY, GLOTSMITH_ANY)                                           \
    GLOTSMITH_RIVAL(f, __VA_ARGS__, GLOTSMITH_ANY, GLOTSMITH_ANY, GLOTSMITH_ANY)                            \
    GLOTSMITH_RIVAL(f, __VA_ARGS__, GLOTSMITH_ANY, GLOTSMITH_ANY, GLOTSMITH_ANY, GLOTSMITH_ANY)             \
    GLOTSMITH_RIVAL(f, __VA_ARGS__, GLOTSMITH_ANY_5)                                                        \
    GLOTSMITH_RIVAL(f, __VA_ARGS__, GLOTSMITH_ANY_5, GLOTSMITH_ANY)
// One parameter alone is a pack, which any template of the candidate's is preferred to.
#define GLOTSMITH_RIVALS_0(f)                                                                               \
    template <class... glotsmith_T> glotsmith::just_one<glotsmith_T...> f(const glotsmith_T &...);          \
    GLOTSMITH_RIVALS(f, const glotsmith_T &, GLOTSMITH_ANY)
#define GLOTSMITH_RIVALS_1(f) GLOTSMITH_RIVALS(f, GLOTSMITH_ANY, const glotsmith_T &)
#define GLOTSMITH_RIVALS_2(f) GLOTSMITH_RIVALS(f, GLOTSMITH_ANY, GLOTSMITH_ANY, const glotsmith_T &)
#define GLOTSMITH_RIVALS_3(f) GLOTSMITH_RIVALS(f, GLOTSMITH_ANY, GLOTSMITH_ANY, GLOTSMITH_ANY, const glotsmith_T &)
#define GLOTSMITH_RIVALS_4(f)                                                                               \
    GLOTSMITH_RIVALS(f, GLOTSMITH_ANY, GLOTSMITH_ANY, GLOTSMITH_ANY, GLOTSMITH_ANY, const glotsmith_T &)
#define GLOTSMITH_RIVALS_5(f) GLOTSMITH_RIVALS(f, GLOTSMITH_ANY_5, const glotsmith_T &)
#define GLOTSMITH_RIVALS_6(f) GLOTSMITH_RIVALS(f, GLOTSMITH_ANY_5, GLOTSMITH_ANY, const glotsmith_T &)
#define GLOTSMITH_RIVALS_7(f) GLOTSMITH_RIVALS(f, GLOTSMITH_ANY_5, GLOTSMITH_ANY, GLOTSMITH_ANY, const glotsmith_T &)

// Declares glotsmith_rivals::at(count<N>, ...), which returns what a call of `f` beside the rivals of position N returns.
#ifdef GLOTSMITH_OBJECT
template <class F, bool = std::is_class_v<F> && !std::is_final_v<F>> struct base { void operator()() const; };
template <class F> struct base<F, true> : F { using F::operator(); };
#define GLOTSMITH_CONTEST(f, n)                                                                             \
    struct glotsmith_own_##n { GLOTSMITH_RIVALS_##n(operator()) };                                          \
    struct glotsmith_contest_##n : glotsmith::base<std::remove_cv_t<decltype(::f)>>, glotsmith_own_##n {    \
        using glotsmith::base<std::remove_cv_t<decltype(::f)>>::operator();                                 \
        using glotsmith_own_##n::operator();                                                                \
    };                                                                                                      \
    template <class... glotsmith_T> auto at(glotsmith::count<n>, glotsmith_T &&...glotsmith_x)              \
        -> decltype(glotsmith::declared<glotsmith_contest_##n &>()(static_cast<glotsmith_T &&>(glotsmith_x)...));
#else
#define GLOTSMITH_CONTEST(f, n)                                                                             \
    namespace contest_##n { using ::f; GLOTSMITH_RIVALS_##n(f) }                                            \
    template <class... glotsmith_T> auto at(glotsmith::count<n>, glotsmith_T &&...glotsmith_x)              \
        -> decltype(contest_##n::f(static_cast<glotsmith_T &&>(glotsmith_x)...));
#endif
#define GLOTSMITH_CONTESTS(f) namespace glotsmith_rivals {                                                  \
    GLOTSMITH_CONTEST(f, 0) GLOTSMITH_CONTEST(f, 1) GLOTSMITH_CONTEST(f, 2) GLOTSMITH_CONTEST(f, 3)         \
    GLOTSMITH_CONTEST(f, 4) GLOTSMITH_CONTEST(f, 5) GLOTSMITH_CONTEST(f, 6) GLOTSMITH_CONTEST(f, 7) }

// Whether the call passes the argument at position N unchanged, although rivals would take it. Where it is the only argument,
// an ambiguous call means that the candidate is as good as the rival.
template <class Contest, size_t N, class Arguments, class = void> struct is_unchanged : std::false_type {};
template <class Contest, class S>
struct is_unchanged<Contest, 0, types<S>, std::enable_if_t<!std::is_invocable_v<Contest, count<0>, S>>> : std::true_type {};
template <class Contest, size_t N, class... A>
struct is_unchanged<Contest, N, types<A...>, std::enable_if_t<(sizeof...(A) <= 8) && std::is_invocable_v<Contest, count<N>, A...>>>
    : std::negation<std::is_same<std::invoke_result_t<Contest, count<N>, A...>, rival>> {};

// Whether an argument S between others reaches a parameter whose type is not deduced from it, and is not S. Braces come first:
// they have no type that a template could take, and so none with which the function is instantiated.
template <class Probes, class Call, class S, class Before, class After> struct is_changed : std::false_type {};
template <class Braced, class Contest, class Call, class S, class... B, class... A>
struct is_changed<types<Braced, Contest>, Call, S, types<B...>, types<A...>>
    : std::conjunction<std::bool_constant<is_changeable<S>>, std::is_invocable<Braced, types<B...>, types<A...>, types<S>>,
          std::negation<is_unchanged<Contest, sizeof...(B), types<B..., S &, A...>>>,
          std::is_invocable<Call, B..., checked<S>, A...>> {};

// The types of the arguments to pass, one after the other: S & or checked<S>.
template <class Probes, class Call, class... B> types<B...> safe(types<B...>, types<>) { return {}; }
template <class Probes, class Call, class... B, class S, class... A> auto safe(types<B...>, types<S, A...>) {
    using Passed = std::conditional_t<is_changed<Probes, Call, S, types<B...>, types<A &...>>::value, checked<S>, S &>;
    return safe<Probes, Call>(types<B..., Passed>(), types<A...>());
}

template <class Call, class Types, class... S> struct convertible : std::false_type {};
template <class Call, class... A, class... S>
struct convertible<Call, types<A...>, S...> : std::conjunction<taken<A, S>..., std::is_invocable<Call, A &&...>> {};

template <class Wanted, class Call, class... A> void answer(std::string &line, Call &call, A &&...arguments) {
    using Result = decltype(call(static_cast<A &&>(arguments)...));
    if constexpr (std::is_void_v<Result>) {
        static_assert(std::is_same_v<Wanted, std::nullopt_t>, "the function has to return a value");
        call(static_cast<A &&>(arguments)...);
        line += "null";
    } else {
        static_assert(stands<Wanted, std::decay_t<Result>>::value, "the result is of another type");
        const auto result = call(static_cast<A &&>(arguments)...);
        glotsmith::show<Wanted>(line, result);
    }
}

template <class Wanted, class Call, class... A, class... S>
void answer_converted(std::string &line, Call &call, types<A...>, S &...arguments) {
    std::tuple<passed<A, S>...> held(arguments...);  // as long as the result, which may refer to them
    std::apply([&](auto &...x) { answer<Wanted>(line, call, static_cast<A &&>(x.value)...); }, held);
}

template <class P, class S> P pass(S &x) {
    if constexpr (std::is_reference_v<P>) return x;
    else return P{x};
}

template <class Wanted, class Call, class... P, class... S>
void answer_checked(std::string &line, Call &call, types<P...>, S &...arguments) {
    answer<Wanted>(line, call, pass<P>(arguments)...);
}

// Answer with arguments of the signature's types, or, where no function takes those, of types that it does take.
template <class Wanted, class Probes, class Call, class... S>
void answer_unknown(std::string &line, Call &call, S &...arguments) {
    using Passed = decltype(safe<Probes, Call>(types<>(), types<S...>()));
    if constexpr (std::conjunction_v<std::negation<std::is_invocable<Call, S &...>>, std::is_invocable<Call, checked<S>...>>)
        answer_checked<Wanted>(line, call, types<checked<S>...>(), arguments...);
    else answer_checked<Wanted>(line, call, Passed(), arguments...);
}

template <class Wanted, class Types, class Probes, class Call, class... S>
void run(int number, Types parameters_of, Probes, Call call, S &...arguments) {
    std::string line = "value " + std::to_string(number) + " ", error = "raised " + std::to_string(number) + " ";
    try {
        if constexpr (constexpr size_t all = arity<Types, sizeof...(S)>(); all != 0 || std::is_invocable_v<Types, count<0>>) {
            using Parameters = decltype(leading(parameters_of(count<all>()), std::index_sequence_for<S...>()));
            if constexpr (convertible<Call, Parameters, S...>::value)
                answer_converted<Wanted>(line, call, Parameters(), arguments...);
            else answer_unknown<Wanted, Probes>(line, call, arguments...);
        } else answer_unknown<Wanted, Probes>(line, call, arguments...);
        return emit(line);
    } catch (const unfit &e) {
        text(error, e.text);
    } catch (const std::exception &e) {
        text(error, e.what());
    } catch (...) {
        text(error, "something that is no std::exception");
    }
    emit(error);
}

void cases();
}  // namespace glotsmith
