// What all drivers share, precompiled once a machine: all that programs may use, and the printer of typed results.
#pragma once
#include <assert.h>
#include <bits/stdc++.h>
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

template <class T> void show(std::string &s, const T &x) {
    if constexpr (std::is_same_v<T, bool>) s += x ? "true" : "false";
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
        if (x) glotsmith::show(s, *x); else s += "null";
    } else if constexpr (is_range<T>::value) {
        const char *comma = "";
        s += is_map<T>::value ? "{\"m\":[" : is_set<T>::value ? "{\"s\":[" : "[";
        for (const typename T::value_type &item : x) {
            s += comma, comma = ",";
            if constexpr (is_map<T>::value) {
                s += '[', glotsmith::show(s, item.first), s += ',', glotsmith::show(s, item.second), s += ']';
            } else glotsmith::show(s, item);
        }
        s += is_set<T>::value ? "]}" : "]";
    } else if constexpr (is_tuple<T>::value) {
        const char *comma = "";
        s += "{\"t\":[";
        std::apply([&](const auto &...item) { ((s += comma, comma = ",", glotsmith::show(s, item)), ...); }, x);
        s += "]}";
    } else s += "{\"x\":\"object\"}";
}

template <class Wanted, class Call> void run(int number, Call call) {
    std::string line = "value " + std::to_string(number) + " ", error = "raised " + std::to_string(number) + " ";
    try {
        if constexpr (std::is_void_v<decltype(call())>) {
            static_assert(std::is_same_v<Wanted, std::nullopt_t>, "the function has to return a value");
            call();
            line += "null";
        } else {
            static_assert(std::is_convertible_v<decltype(call()), Wanted>, "the result is of another type");
            const auto result = call();
            glotsmith::show(line, result);
        }
        return emit(line);
    } catch (const std::exception &e) {
        text(error, e.what());
    } catch (...) {
        text(error, "something that is no std::exception");
    }
    emit(error);
}

void cases();
}  // namespace glotsmith
