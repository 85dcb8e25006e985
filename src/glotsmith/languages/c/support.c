// Compiled once for each machine and linked to every program: the writer of the protocol, and what builds arguments. It asks
// the kernel directly where a program could define the function of the C library itself.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *mark = "";
static int out = 1;
static char *line;
static size_t used, size;

#if defined(__x86_64__)
static long ask(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
static long ask(long number, long a, long b, long c) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
#else
static long ask(long number, long a, long b, long c) { return syscall(number, a, b, c); }
#endif

void glotsmith_leave(int code) {
    for (;;) ask(SYS_exit_group, code, 0, 0);  // runs no atexit function and no destructor
}

static void put(const char *text, size_t length) {
    if (used + length > size) {
        size = 2 * (used + length);
        line = realloc(line, size);
        if (!line) abort();
    }
    for (size_t i = 0; i < length; i++) line[used + i] = text[i];
    used += length;
}

void glotsmith_put(const char *text) {
    size_t length = 0;
    while (text[length]) length++;
    put(text, length);
}

static void send(void) {
    fflush(NULL);
    for (size_t done = 0; done < used;) {
        long count = ask(SYS_write, out, (long)(line + done), (long)(used - done));
        if (count > 0) done += (size_t)count;
        else if (count != -4 && out == 1) break;  // EINTR is 4
        else if (count != -4) out = 1;            // the program closed ours
    }
    used = 0;
}

void glotsmith_event(const char *event) {
    used = 0;
    glotsmith_put("\n");
    glotsmith_put(mark);
    glotsmith_put(" ");
    glotsmith_put(event);
    glotsmith_put("\n");
    send();
}

void glotsmith_start(const char *its) {
    mark = its;
    out = dup2(1, 200);
    if (out < 0) out = 1;
    glotsmith_event("start");
}

void glotsmith_begin_value(int number) {
    char text[32];
    used = 0;
    glotsmith_put("\n");
    glotsmith_put(mark);
    snprintf(text, sizeof text, " value %d ", number);
    glotsmith_put(text);
}

void glotsmith_end_value(void) {
    glotsmith_put("\n");
    send();
}

void glotsmith_put_int(long long x) {
    char text[32];
    snprintf(text, sizeof text, "%lld", x);
    glotsmith_put(text);
}

void glotsmith_put_unsigned(unsigned long long x) {
    char text[32];
    snprintf(text, sizeof text, "%llu", x);
    glotsmith_put(text);
}

void glotsmith_put_bool(_Bool x) { glotsmith_put(x ? "true" : "false"); }

void glotsmith_put_truth(long long x) {  // an int where a bool is expected
    if (x == 0 || x == 1) glotsmith_put_bool(x == 1);
    else glotsmith_put_int(x);
}

void glotsmith_put_float(double x) {
    char text[48];
    if (x != x) strcpy(text, "{\"f\":\"nan\"}");
    else snprintf(text, sizeof text, "{\"f\":\"%.17g\"}", x);
    glotsmith_put(text);
}

void glotsmith_put_text(const char *x) {
    char code[8];
    if (!x) {
        glotsmith_put("null");
        return;
    }
    glotsmith_put("\"");
    for (; *x; x++) {
        unsigned char c = (unsigned char)*x;
        if (c == '"' || c == '\\') put("\\", 1);
        if (c >= 32 && c != 127) put(x, 1);
        else put(code, (size_t)snprintf(code, sizeof code, "\\u%04x", c));
    }
    glotsmith_put("\"");
}

void *glotsmith_allocate(unsigned long bytes) {
    void *found = malloc(bytes ? bytes : 1);
    if (!found) abort();
    return found;
}

char *glotsmith_copy(const char *text) {
    size_t length = 0;
    while (text[length]) length++;
    char *found = glotsmith_allocate(length + 1);
    for (size_t i = 0; i <= length; i++) found[i] = text[i];
    return found;
}

// The argument does not fit: the case ends here.
void *glotsmith_back[5];
long glotsmith_misfit(int number, long value, const char *type) {
    char text[160];
    snprintf(text, sizeof text, "raised %d \"%ld does not fit the declared type %s\"", number, value, type);
    glotsmith_event(text);
    __builtin_longjmp(glotsmith_back, 1);
}
