// One generated program. All names and types that it needs are declared before the candidate, which can then define any name
// or macro, also `main`. Its entry point gets another name, since the C library may declare the same one.
#include <stddef.h>
#ifdef GLOTSMITH_HEADERS  // the candidate uses what it does not include
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#endif

// The types of the parameters; build.sh tries others than those of the signature.
#ifndef GLOTSMITH_INT
#define GLOTSMITH_INT long
#endif
#ifndef GLOTSMITH_INTS
#define GLOTSMITH_INTS long
#endif
#ifndef GLOTSMITH_TEXTS
#define GLOTSMITH_TEXTS const char *
#endif
#define GLOTSMITH_NAME(type) GLOTSMITH_QUOTED(type)
#define GLOTSMITH_QUOTED(type) #type

typedef GLOTSMITH_INT glotsmith_int;
typedef GLOTSMITH_INTS glotsmith_ints;
typedef GLOTSMITH_TEXTS glotsmith_texts;
typedef long glotsmith_long;
typedef double glotsmith_double;
typedef _Bool glotsmith_bool;
typedef const char *glotsmith_text;
typedef size_t glotsmith_size;
typedef void glotsmith_any;
static const char *const glotsmith_int_name = GLOTSMITH_NAME(GLOTSMITH_INT);
static const char *const glotsmith_ints_name = GLOTSMITH_NAME(GLOTSMITH_INTS);

void glotsmith_start(const char *), glotsmith_event(const char *), glotsmith_leave(int), glotsmith_begin_value(int);
void glotsmith_end_value(void), glotsmith_put(const char *), glotsmith_put_int(long long), glotsmith_put_text(const char *);
void glotsmith_put_unsigned(unsigned long long), glotsmith_put_bool(_Bool), glotsmith_put_truth(long long);
void glotsmith_put_float(double), *glotsmith_allocate(unsigned long);
char *glotsmith_copy(const char *);
long glotsmith_misfit(int, long, const char *);
extern void *glotsmith_back[5];

static int glotsmith_case;
static glotsmith_int glotsmith_fit(long value) {
    return (glotsmith_int)value == value ? (glotsmith_int)value
                                         : (glotsmith_int)glotsmith_misfit(glotsmith_case, value, glotsmith_int_name);
}
static double glotsmith_same(double value) { return value; }  // a constant could be converted without an error
static glotsmith_any *glotsmith_fill_ints(const long *from, unsigned long count) {
    glotsmith_ints *to = glotsmith_allocate(count * sizeof *to);
    for (unsigned long i = 0; i < count; i++) {
        to[i] = (glotsmith_ints)from[i];
        if (to[i] != from[i]) glotsmith_misfit(glotsmith_case, from[i], glotsmith_ints_name);
    }
    return to;
}
static glotsmith_any *glotsmith_fill(const void *from, unsigned long bytes) {
    char *to = glotsmith_allocate(bytes);
    for (unsigned long i = 0; i < bytes; i++) to[i] = ((const char *)from)[i];
    return to;
}

// An array argument is a pointer and a length, in memory of its own. The length has the type int, which each wider type takes.
#define GLOTSMITH_ARRAY(type, ...) \
    GLOTSMITH_FILLED(type, ((type[]){__VA_ARGS__}), sizeof((type[]){__VA_ARGS__})), \
        (int)(sizeof((type[]){__VA_ARGS__}) / sizeof(type))
#define GLOTSMITH_FILLED(type, items, bytes)                                               \
    _Generic((type *)0,                                                                    \
        glotsmith_long *: (glotsmith_ints *)glotsmith_fill_ints((glotsmith_any *)(items), (bytes) / sizeof(glotsmith_long)), \
        glotsmith_text *: (glotsmith_texts *)glotsmith_fill((items), (bytes)),             \
        default: (type *)glotsmith_fill((items), (bytes)))
#define GLOTSMITH_PASS(...) GLOTSMITH_CHOOSE(__VA_ARGS__, GLOTSMITH_TWO, GLOTSMITH_ONE)(__VA_ARGS__)
#define GLOTSMITH_CHOOSE(a, b, chosen, ...) chosen
#define GLOTSMITH_TWO(a, b) a, b
#define GLOTSMITH_ONE(x)                                                                          \
    _Generic((x), glotsmith_long: glotsmith_fit(_Generic((x), glotsmith_long: (x), default: 0)),  \
        glotsmith_double: glotsmith_same(_Generic((x), glotsmith_double: (x), default: 0)), default: (x))

#define GLOTSMITH_SHOW_INT(x)                                                                                      \
    _Generic((x), float: glotsmith_put_float, double: glotsmith_put_float, unsigned long: glotsmith_put_unsigned,  \
        unsigned long long: glotsmith_put_unsigned, glotsmith_bool: glotsmith_put_bool, default: glotsmith_put_int)(x)
#define GLOTSMITH_SHOW_FLOAT(x) GLOTSMITH_SHOW_INT(x)
#define GLOTSMITH_SHOW_BOOL(x) _Generic((x), glotsmith_bool: glotsmith_put_bool, default: glotsmith_put_truth)(x)
#define GLOTSMITH_SHOW_TEXT(x) glotsmith_put_text(x)
#define GLOTSMITH_RESULT_INT(...) GLOTSMITH_SHOW_INT(GLOTSMITH_ENTRY(__VA_ARGS__));
#define GLOTSMITH_RESULT_FLOAT(...) GLOTSMITH_SHOW_FLOAT(GLOTSMITH_ENTRY(__VA_ARGS__));
#define GLOTSMITH_RESULT_BOOL(...) GLOTSMITH_SHOW_BOOL(GLOTSMITH_ENTRY(__VA_ARGS__));
#define GLOTSMITH_RESULT_TEXT(...) GLOTSMITH_SHOW_TEXT(GLOTSMITH_ENTRY(__VA_ARGS__));
#define GLOTSMITH_RESULT_ARRAY_INT(...) GLOTSMITH_ITEMS(GLOTSMITH_SHOW_INT, __VA_ARGS__)
#define GLOTSMITH_RESULT_ARRAY_FLOAT(...) GLOTSMITH_ITEMS(GLOTSMITH_SHOW_FLOAT, __VA_ARGS__)
#define GLOTSMITH_RESULT_ARRAY_BOOL(...) GLOTSMITH_ITEMS(GLOTSMITH_SHOW_BOOL, __VA_ARGS__)
#define GLOTSMITH_RESULT_ARRAY_TEXT(...) GLOTSMITH_ITEMS(GLOTSMITH_SHOW_TEXT, __VA_ARGS__)
// The function writes the length: a narrower type than size_t fills the low bytes of a zero.
#define GLOTSMITH_ITEMS(show, ...)                                                                        \
    glotsmith_size glotsmith_length = 0;                                                                  \
    __auto_type glotsmith_items = GLOTSMITH_ENTRY(__VA_ARGS__ __VA_OPT__(, ) (glotsmith_any *)&glotsmith_length); \
    glotsmith_put("[");                                                                                   \
    for (glotsmith_size glotsmith_i = 0; glotsmith_i < glotsmith_length; glotsmith_i++) {                 \
        if (glotsmith_i) glotsmith_put(",");                                                              \
        show(glotsmith_items[glotsmith_i]);                                                               \
    }                                                                                                     \
    glotsmith_put("]");
#define GLOTSMITH_CASE(number, ...)              \
    glotsmith_case = number;                     \
    if (!__builtin_setjmp(glotsmith_back)) {     \
        glotsmith_begin_value(number);           \
        GLOTSMITH_RESULT_@{printer}(__VA_ARGS__) \
        glotsmith_end_value();                   \
    }
#define GLOTSMITH_ENTRY(...) @{name}(__VA_ARGS__)
@{bindings}

__attribute__((constructor(100))) static void glotsmith_first(void) { glotsmith_start("@{mark}"); }
static void glotsmith_cases(void);
int main(void) {
    glotsmith_event("loaded");
    glotsmith_cases();
    glotsmith_event("end");
    glotsmith_leave(0);
}

#define main glotsmith_candidate_main
#define @{name} glotsmith_candidate_@{name}
#include <candidate.c>  // found in a system folder: no warning about the candidate is written
// An argument that the call would change is an error.
#pragma GCC diagnostic error "-Wconversion"
#pragma GCC diagnostic error "-Wsign-conversion"
#pragma GCC diagnostic error "-Wint-conversion"
#pragma GCC diagnostic error "-Wincompatible-pointer-types"
static void glotsmith_cases(void) {
@{cases}
}
