/* A nest hatches programs: it lives in a sandbox, and for each request makes a child in namespaces of its own (PID and
   mounts; of the network, whose making is slow, a namespace that nobody else is in), with fresh file systems, limits, no rights and a system call filter. Compiled in two ways:

   - as a program, it executes each request's command;
   - as a library (-DPRELOAD) in LD_PRELOAD, it takes the place of fork(): an interpreter loads what it needs, sets
     GLOTSMITH_FORK in its environment and calls fork(). In the interpreter that call never returns; it returns 0 in
     each program's process, which is thus a copy of the loaded interpreter, and has never run anything else.
     (The variable tells the interpreter's fork from those of shells that may start it.) An interpreter that has no fork
     but can call functions of libraries, like Lua, calls become_fork_server().

   A request comes on the socket whose number is in GLOTSMITH_FORK_SERVER, with four descriptors: stdin, stdout, stderr, and a
   channel. What is heard on the channel comes from the stub, process 1 of the program's namespace, which holds it alone:

     B  the build runs        R  the program runs        M  there is no such command
     (R is not said of a program that is not built and soon ends)
     U  the build failed      E  all is over: struct ending

   When the other side shuts the channel down, the stub kills all that is in its namespace.
   See namespaces(7), pid_namespaces(7), clone(2), seccomp(2), capabilities(7). */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STDIN, STDOUT, STDERR, CHANNEL, DESCRIPTORS };
enum { SOON_MS = 10, BEAT_MS = 250, MOST_SLOTS = 1024, MOST_WORDS = 4096, PROGRAM_USER = 1000 };

struct request { /* numbers as glotsmith.sandbox.fork_server.request packs them; words and files follow */
  uint32_t slot; /* no two programs that run at once have the same */
  uint32_t cpu_s, build_cpu_s, file_mb, shm_mb, tasks, open_files, stack_mb;
  uint32_t files, argv, build, env; /* how many of each: files are (path, content), the others words */
};

struct ending {
  char event; /* E */
  char unused[3];
  int32_t status; /* of the program, as wait(2) has it; -1 where it never ran */
  uint64_t cpu_us; /* user and system time of all that was waited for */
  uint64_t build_cpu_us;
};

static const char *const scratch[] = {"/box/work", "/tmp", "/dev/shm"};
static struct sock_fprog filter;
static char *buffer; /* the request; mapped, since the heap of an interpreter is not ours */
static size_t capacity;

/* ------------------------------------------------------------------------------------------ reading a request */

static int read_all(int fd, void *to, size_t size) {
  for (char *at = to; size;) {
    ssize_t got = read(fd, at, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return -1;
    at += got, size -= got;
  }
  return 0;
}

/* Return a descriptor of the same file that takes the place of no standard stream: an interpreter may have closed its own. */
static int above_streams(int fd) {
  if (fd < 0 || fd > STDERR_FILENO) return fd;
  int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  close(fd);
  return moved;
}

/* Read a message's length, which comes with the descriptors, then the message into the buffer. */
static ssize_t receive(int control, int fds[DESCRIPTORS]) {
  uint32_t length;
  union { struct cmsghdr header; char space[CMSG_SPACE(DESCRIPTORS * sizeof(int))]; } told;
  struct iovec io = {&length, sizeof length};
  struct msghdr message = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = &told, .msg_controllen = sizeof told};
  ssize_t got;
  do got = recvmsg(control, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL); while (got < 0 && errno == EINTR);
  if (got != sizeof length) return -1;
  struct cmsghdr *c = CMSG_FIRSTHDR(&message);
  if (fds && c && c->cmsg_type == SCM_RIGHTS) {
    memcpy(fds, CMSG_DATA(c), DESCRIPTORS * sizeof(int));
    for (int i = 0; i < DESCRIPTORS; i++) fds[i] = above_streams(fds[i]);
  }
  if (length > capacity) {
    if (buffer) munmap(buffer, capacity);
    capacity = (length + 0xfffff) & ~(size_t)0xfffff;
    buffer = mmap(0, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer == MAP_FAILED) return -1;
  }
  return read_all(control, buffer, length) ? -1 : (ssize_t)length;
}

/* A word is its length, its bytes and a NUL. */
static char *next(char **at, uint32_t *length) {
  memcpy(length, *at, sizeof *length);
  char *word = *at + sizeof *length;
  *at = word + *length + 1;
  return word;
}

static void words(char **at, uint32_t count, char **to) {
  uint32_t length;
  for (uint32_t i = 0; i < count; i++) to[i] = next(at, &length);
  to[count] = 0;
}

/* ------------------------------------------------------------------------------------------- setting up the room */

static void say(int channel, char event) {
  if (send(channel, &event, 1, MSG_NOSIGNAL) < 0) _exit(1);
}

static void fail(const char *what) {
  dprintf(STDERR_FILENO, "%s: %s\n", what, strerror(errno));
  _exit(1);
}

static void mount_scratch(const char *path, uint32_t megabytes) {
  char options[64];
  snprintf(options, sizeof options, "size=%um,mode=1777", megabytes);
  if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options)) fail(path);
}

static void write_file(const char *folder, const char *name, const char *content, uint32_t length) {
  char path[4096];
  int end = snprintf(path, sizeof path, "%s/", folder);
  for (const char *c = name; *c && end < (int)sizeof path - 1; c++) {
    if (*c == '/') path[end] = 0, mkdir(path, 0755);
    path[end++] = *c;
  }
  path[end] = 0;
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) fail(path);
  for (uint32_t at = 0; at < length;) {
    ssize_t done = write(fd, content + at, length - at);
    if (done < 0) fail(path);
    at += done;
  }
  close(fd);
}

static char *make_room(const struct request *r, char *at) {
  const char *folder = "/box/program";
  const unsigned long flags = MS_NOSUID | MS_NODEV;
  uint32_t length;
  if (mount(0, "/", 0, MS_REC | MS_PRIVATE, 0)) fail("mounts");
  if (mount("proc", "/proc", "proc", flags | MS_NOEXEC, 0)) fail("/proc");
  for (int i = 0; i < 3; i++) mount_scratch(scratch[i], i == 2 ? r->shm_mb : r->file_mb);
  if (mount("tmpfs", folder, "tmpfs", flags, "mode=755")) fail(folder);
  for (uint32_t i = 0; i < r->files; i++) {
    char *name = next(&at, &length);
    char *content = next(&at, &length);
    write_file(folder, name, content, length);
  }
  if (mount(0, folder, 0, MS_REMOUNT | MS_RDONLY | flags, 0)) fail(folder);
  return at;
}

static int networks[MOST_SLOTS]; /* by slot; 0 where there is none yet */

/* Return a network of a slot's own, with nothing in it but a loopback device; made when it is first needed. */
static int network(uint32_t slot) {
  if (slot >= MOST_SLOTS) return -1;
  if (!networks[slot]) {
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    if (unshare(CLONE_NEWNET)) return -1;
    int with = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ioctl(with, SIOCSIFFLAGS, &lo);
    close(with);
    networks[slot] = above_streams(syscall(SYS_openat, AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  }
  return networks[slot];
}

/* --------------------------------------------------------------------------------------- becoming the program */

static void limit(int what, uint64_t value) {
  struct rlimit both = {value, value}, now;
  if (!getrlimit(what, &now) && now.rlim_max < value) return;
  setrlimit(what, &both);
}

/* As high as the machine allows, if that is less. */
static void limit_stack(uint64_t value) {
  struct rlimit now;
  if (!getrlimit(RLIMIT_STACK, &now)) limit(RLIMIT_STACK, now.rlim_max < value ? now.rlim_max : value);
}

static void drop_rights(void) {
  if (getuid() == 0) { /* of root's prepared namespace */
    syscall(SYS_setgroups, 0, 0);
    if (syscall(SYS_setresgid, PROGRAM_USER, PROGRAM_USER, PROGRAM_USER)) fail("setresgid");
    if (syscall(SYS_setresuid, PROGRAM_USER, PROGRAM_USER, PROGRAM_USER)) fail("setresuid");
  }
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2] = {{0}};
  if (syscall(SYS_capset, &header, none)) fail("capset");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) fail("no_new_privs");
  if (filter.len && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0)) fail("seccomp");
}

/* Once for all programs: no right that they may come by in executing a file; the nest's own stay. */
static void drop_rights_of_files(void) {
  for (int i = 0; !prctl(PR_CAPBSET_DROP, i, 0, 0, 0); i++) {}
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static void forget_signals(void) {
  struct sigaction plain = {.sa_handler = SIG_DFL};
  for (int i = 1; i < NSIG; i++) sigaction(i, &plain, 0);
}

static void become(const struct request *r, const int fds[DESCRIPTORS], uint32_t cpu_s, int input, int output) {
  setsid();
  dup2(input, STDIN_FILENO), dup2(output, STDOUT_FILENO), dup2(fds[STDERR], STDERR_FILENO);
  int oom = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC); /* if memory runs out, take this one first */
  if (oom >= 0 && write(oom, "1000", 4) >= 0) close(oom);
  limit(RLIMIT_CORE, 0), limit(RLIMIT_NOFILE, r->open_files), limit(RLIMIT_CPU, cpu_s);
  limit(RLIMIT_FSIZE, (uint64_t)r->file_mb << 20);
  limit_stack((uint64_t)r->stack_mb << 20);
  if (r->tasks) limit(RLIMIT_NPROC, r->tasks);
  if (chdir("/box/work")) fail("/box/work");
  drop_rights();
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* so that it may open its own /proc/self/fd */
}

static void execute(char **argv, char **env, int channel) {
  sigset_t none;
  forget_signals();
  sigemptyset(&none), sigprocmask(SIG_SETMASK, &none, 0);
  execvpe(argv[0], argv, env);
  if (errno == ENOENT || errno == EACCES) say(channel, 'M');
  dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
  _exit(127);
}

/* ------------------------------------------------------------------------------------------------ the stub */

/* Wait for one child of the namespace's, reaping all others, until it ends or the other side goes away. If it does not
   end soon, say that it runs, where that is still ``untold``: who listens is woken once for most programs. */
static int await(pid_t wanted, int channel, int untold) {
  int handle = syscall(SYS_pidfd_open, wanted, 0), status;
  struct pollfd watched[] = {{channel, POLLIN | POLLRDHUP, 0}, {handle, POLLIN, 0}};
  for (;;) {
    int ready = poll(watched, 2, untold ? SOON_MS : BEAT_MS);
    if (untold && (ready == 0 || watched[0].revents)) say(channel, 'R'), untold = 0;
    if (ready > 0 && watched[0].revents) return -1;
    for (pid_t one; (one = waitpid(-1, &status, WNOHANG)) > 0;)
      if (one == wanted) return close(handle), status;
    if (ready < 0 && errno != EINTR) return -1;
  }
}

static uint64_t cpu_us(void) {
  struct rusage u;
  getrusage(RUSAGE_CHILDREN, &u);
  return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000ull + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static void end(struct ending e, int channel) {
  kill(-1, SIGKILL);
  while (waitpid(-1, 0, 0) > 0 || errno == EINTR) {}
  e.event = 'E';
  e.cpu_us = cpu_us() - e.build_cpu_us;
  send(channel, &e, sizeof e, MSG_NOSIGNAL);
  _exit(0);
}

/* Process 1 of the program's namespace. Returns in the program only, and there only if nothing is to be executed. */
static void stub(int fds[DESCRIPTORS], int net, pid_t (*copy)(void), const sigset_t *mask) {
  static char *argv[MOST_WORDS], *build[MOST_WORDS], *env[MOST_WORDS];
  struct request r;
  struct ending e = {.status = -1};
  const int channel = fds[CHANNEL];
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 0);
  if (setns(net, CLONE_NEWNET)) fail("network");
  for (int i = 0; i < MOST_SLOTS; i++)
    if (networks[i]) close(networks[i]);
  memcpy(&r, buffer, sizeof r);
  char *at = make_room(&r, buffer + sizeof r);
  words(&at, r.argv, argv), words(&at, r.build, build), words(&at, r.env, env);
  if (r.build) {
    say(channel, 'B');
    pid_t builder = fork();
    if (builder == 0) {
      int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
      become(&r, fds, r.build_cpu_s, nothing, fds[STDERR]);
      execute(build, env, channel);
    }
    int status = await(builder, channel, 0);
    e.build_cpu_us = cpu_us();
    if (status) {
      e.status = status;
      say(channel, 'U');
      end(e, channel);
    }
  }
  if (r.build) say(channel, 'R');
  pid_t program = copy();
  if (program < 0) fail("fork");
  if (program == 0) {
    become(&r, fds, r.cpu_s, fds[STDIN], fds[STDOUT]);
    if (r.argv) execute(argv, env, channel);
    for (int i = 0; i < DESCRIPTORS; i++) close(fds[i]);
    sigprocmask(SIG_SETMASK, mask, 0);
    return;
  }
  for (int i = 0; i < CHANNEL; i++) close(fds[i]);
  e.status = await(program, channel, !r.build);
  end(e, channel);
}

/* ------------------------------------------------------------------------------------------------ the nest */

/* Serve until the other side goes away. Returns in programs only. */
static void serve(int control, pid_t (*copy)(void)) {
  const unsigned long apart = CLONE_NEWPID | CLONE_NEWNS; /* IPC between programs is refused by the filter */
  sigset_t all, mask;
  ssize_t size = receive(control, 0);
  if (size < 0) _exit(1);
  struct sock_filter *rules = mmap(0, size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(rules, buffer, size);
  filter = (struct sock_fprog){size / sizeof *rules, rules};
  sigfillset(&all), sigprocmask(SIG_SETMASK, &all, &mask);
  drop_rights_of_files();
  for (;;) {
    int fds[DESCRIPTORS] = {-1, -1, -1, -1};
    if (receive(control, fds) < 0) _exit(0);
    int net = network(*(uint32_t *)buffer);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* not before: a process without this can't open its own /proc/self/ns */
    pid_t child = syscall(SYS_clone, apart | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
      close(control);
      stub(fds, net, copy, &mask);
      return;
    }
    for (int i = 0; i < DESCRIPTORS; i++) close(fds[i]);
    while (waitpid(-1, 0, WNOHANG) > 0) {}
  }
}

static int control_socket(void) {
  const char *number = getenv("GLOTSMITH_FORK_SERVER");
  int control = -1;
  if (number && sscanf(number, "%d", &control) != 1) control = -1;
  unsetenv("GLOTSMITH_FORK_SERVER"), unsetenv("GLOTSMITH_FORK"), unsetenv("LD_PRELOAD"), unsetenv("LD_BIND_NOW");
  if (control >= 0) fcntl(control, F_SETFD, FD_CLOEXEC);
  return control;
}

#ifdef PRELOAD
/* Julia's compiler writes code through a second mapping of shared memory, or through /proc/self/mem. In a forked child
   either would write into the interpreter, and so into all its other children. Without both it writes where it runs. */

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset) {
  if ((flags & MAP_SHARED) && (protection & PROT_EXEC)) return errno = EACCES, MAP_FAILED;
  return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}

void *mmap64(void *, size_t, int, int, int, off_t) __attribute__((alias("mmap")));

int open(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0;
  va_end(more);
  if (!strcmp(path, "/proc/self/mem")) return errno = EACCES, -1;
  return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open64(const char *, int, ...) __attribute__((alias("open")));

pid_t fork(void) {
  pid_t (*copy)(void) = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");
  if (!getenv("GLOTSMITH_FORK")) return copy();
  serve(control_socket(), copy);
  return 0;
}

int become_fork_server(void *state) { /* a lua_CFunction that returns nothing */
  (void)state;
  setenv("GLOTSMITH_FORK", "1", 1);
  fork();
  return 0;
}
#else
int main(void) {
  int control = control_socket();
  if (control >= 0) serve(control, fork);
  return 1;
}
#endif
