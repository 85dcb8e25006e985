/* Two OCaml runtimes in one process: native code compiles a program (compiler.ml), bytecode runs it (worker.ml). Neither
   sees the other's values; bytes go between them. This file is a part of both: with -DCOMPILER of the native library,
   whose calls of the runtime are bound to its own (-Bsymbolic), else of the bytecode's. */

#define _GNU_SOURCE
#define CAML_INTERNALS
#define CAML_NAME_SPACE
#include <caml/alloc.h>
#include <caml/callback.h>
#include <caml/domain.h>
#include <caml/fail.h>
#include <caml/mlvalues.h>
#include <caml/startup.h>
#include <dlfcn.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* What a child allocates comes in huge pages: one fault in place of hundreds. */
static void enlarge_pages(void) {
  const uintptr_t huge = 2 << 20;
  uintptr_t from = (uintptr_t)Caml_state->young_start & -huge, to = (uintptr_t)Caml_state->young_end;
  madvise((void *)from, (to - from + huge - 1) & -huge, MADV_HUGEPAGE);
}

#ifdef COMPILER
static value call(const char *name, const char *text) {
  value result = caml_callback_exn(*caml_named_value(name), caml_copy_string(text));
  if (Is_exception_result(result)) abort();
  return result;
}

void compiler_start(const char *folder) {
  char *argv[] = {"compiler", 0};
  caml_startup(argv);
  call("start", folder);
}

const char *compiler_compile(const char *path, size_t *length) {
  value made = call("compile", path);
  *length = caml_string_length(made);
  return String_val(made);
}

void compiler_tidy(void) {
  call("tidy", "");
  enlarge_pages();
}
#else
static const char *(*compile)(const char *, size_t *);
static void (*tidy)(void);

value glotsmith_load(value library, value folder) {
  mallopt(M_MMAP_THRESHOLD, 1 << 20); /* heaps are mapped each, and not moved into one by what is freed */
  void *handle = dlopen(String_val(library), RTLD_NOW | RTLD_LOCAL);
  if (!handle) caml_failwith(dlerror());
  void (*start)(const char *) = dlsym(handle, "compiler_start");
  compile = dlsym(handle, "compiler_compile");
  tidy = dlsym(handle, "compiler_tidy");
  start(String_val(folder));
  return Val_unit;
}

value glotsmith_compile(value path) {
  size_t length;
  const char *made = compile(String_val(path), &length);
  return caml_alloc_initialized_string(length, made);
}

value glotsmith_fork(value unit) {
  tidy();
  enlarge_pages();
  setenv("GLOTSMITH_FORK", "1", 1);
  fork();
  return Val_unit;
}
#endif
