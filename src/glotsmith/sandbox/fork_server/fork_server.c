/* Fork server: isolates warm programs. It runs in a sandbox of its own.

   Events of a program, which process 1 of its PID namespace (program_init) reports on the channel:
     B  the build runs
     U  the build failed
     R  the program runs
     M  the command does not exist
     E  the program and its children are dead: struct ending
   R is not sent for a program without a build that ends within READY_DELAY_MS.

   Protocol. Requests arrive on the socket whose number is in the first line of GLOTSMITH_FORK_SERVER. The other lines
   are prefixes of toolchains below scratch folders. The fresh file systems of each program contain them, read-only.
   Each request has four descriptors: stdin, stdout, stderr and a channel. Only process 1 has the channel. When the peer
   shuts down the channel, process 1 kills everything in its namespace.

   Isolation. For each request, the fork server creates a process in new PID and mount namespaces, with fresh file
   systems, resource limits, no capabilities and a system call filter. Creating a network namespace is slow, so network
   namespaces are reused. Two programs never share one at the same time.

   Modes. This file is compiled twice:
   - As a program, it executes the command of each request.
   - As a library (-DPRELOAD) that is loaded through LD_PRELOAD, it replaces fork(). An interpreter loads what programs
     need, sets GLOTSMITH_FORK in its environment and calls fork(). A shell that starts the interpreter may also call
     fork(); GLOTSMITH_FORK distinguishes the call of the interpreter. In the interpreter, this call never returns: the
     interpreter becomes the fork server. The call returns 0 in the process of each program, which is a copy of the
     loaded interpreter that has run no other program. An interpreter without fork() that can call functions of
     shared libraries, such as Lua, calls become_fork_server().

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
enum { READY_DELAY_MS = 10, POLL_MS = 250, MAX_SLOTS = 1024, MAX_WORDS = 4096, PROGRAM_USER = 1000 };

struct request { /* numbers as pack_request in process.py writes them; files and words follow */
  uint32_t slot; /* unique among the programs that run at the same time */
  uint32_t cpu_s, build_cpu_s, file_mb, shm_mb, threads, open_files, stack_mb;
  uint32_t files, argv, build, env; /* counts: a file is a pair (path, content), all others are words */
};

struct ending {
  char event; /* always E */
  char unused[3];
  int32_t status; /* exit status of the program as in wait(2); -1 if it never ran */
  uint64_t cpu_us; /* user and system time of all processes that were waited for */
  uint64_t build_cpu_us;
};

static const char *const scratch[] = {"/box/work", "/tmp", "/dev/shm"};
static char prefixes[16384]; /* of toolchains in scratch folders, one a line */
static struct sock_fprog filter;
static char *buffer; /* the request; mapped, because the heap belongs to the interpreter */
static size_t capacity;

/* ------------------------------------------------------------------------------------------------ reading a request */

static int read_all(int fd, void *to, size_t size) {
  for (char *at = to; size;) {
    ssize_t got = read(fd, at, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return -1;
    at += got, size -= got;
  }
  return 0;
}

/* Return a descriptor of the same file above the standard streams, in case the interpreter has closed some of these. */
static int move_above_streams(int fd) {
  if (fd < 0 || fd > STDERR_FILENO) return fd;
  int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  close(fd);
  return moved;
}

/* Read the length of a message and the descriptors that come with it, then read the message into the buffer. */
static ssize_t receive(int peer, int fds[DESCRIPTORS]) {
  uint32_t length;
  union { struct cmsghdr header; char space[CMSG_SPACE(DESCRIPTORS * sizeof(int))]; } control;
  struct iovec io = {&length, sizeof length};
  struct msghdr message = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t got;
  do got = recvmsg(peer, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL); while (got < 0 && errno == EINTR);
  if (got != sizeof length) return -1;
  struct cmsghdr *c = CMSG_FIRSTHDR(&message);
  if (fds && c && c->cmsg_type == SCM_RIGHTS) {
    memcpy(fds, CMSG_DATA(c), DESCRIPTORS * sizeof(int));
    for (int i = 0; i < DESCRIPTORS; i++) fds[i] = move_above_streams(fds[i]);
  }
  if (length > capacity) {
    if (buffer) munmap(buffer, capacity);
    capacity = (length + 0xfffff) & ~(size_t)0xfffff;
    buffer = mmap(0, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer == MAP_FAILED) return -1;
  }
  return read_all(peer, buffer, length) ? -1 : (ssize_t)length;
}

/* A word consists of its length, its bytes and a NUL. */
static char *next_word(char **at, uint32_t *length) {
  memcpy(length, *at, sizeof *length);
  char *word = *at + sizeof *length;
  *at = word + *length + 1;
  return word;
}

static void read_words(char **at, uint32_t count, char **to) {
  uint32_t length;
  for (uint32_t i = 0; i < count; i++) to[i] = next_word(at, &length);
  to[count] = 0;
}

/* -------------------------------------------------------------------------------------- setting up the file systems */

static void send_event(int channel, char event) {
  if (send(channel, &event, 1, MSG_NOSIGNAL) < 0) _exit(1);
}

static void fail(const char *what) {
  dprintf(STDERR_FILENO, "%s: %s\n", what, strerror(errno));
  _exit(1);
}

/* Bind a prefix that a fresh file system hides. `hidden` is the folder below the file system at `folder`. */
static void bind_prefix(int hidden, const char *folder, char *prefix) {
  char source[4200];
  struct stat found;
  size_t start = strlen(folder);
  snprintf(source, sizeof source, "/proc/self/fd/%d%s", hidden, prefix + start);
  if (stat(source, &found)) fail(prefix);
  for (char *c = prefix + start; *c && (c = strchr(c + 1, '/')); *c = '/') *c = 0, mkdir(prefix, 0755);
  if (S_ISDIR(found.st_mode)) mkdir(prefix, 0755);
  else close(open(prefix, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (mount(source, prefix, 0, MS_BIND | MS_REC, 0)) fail(prefix);
}

static void mount_scratch(const char *folder, uint32_t megabytes) {
  char options[64];
  size_t length = strlen(folder);
  int hidden = open(folder, O_PATH | O_CLOEXEC);
  snprintf(options, sizeof options, "size=%um,mode=1777", megabytes);
  if (mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, options)) fail(folder);
  for (char *line = prefixes; *line; line += strlen(line) + 1)
    if (!strncmp(line, folder, length) && strchr("/", line[length])) bind_prefix(hidden, folder, line);
  close(hidden);
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

static char *mount_file_systems(const struct request *r, char *at) {
  const char *folder = "/box/program";
  const unsigned long flags = MS_NOSUID | MS_NODEV;
  uint32_t length;
  if (mount(0, "/", 0, MS_REC | MS_PRIVATE, 0)) fail("mounts");
  if (mount("proc", "/proc", "proc", flags | MS_NOEXEC, 0)) fail("/proc");
  for (int i = 0; i < 3; i++) mount_scratch(scratch[i], i == 2 ? r->shm_mb : r->file_mb);
  if (mount("tmpfs", folder, "tmpfs", flags, "mode=755")) fail(folder);
  for (uint32_t i = 0; i < r->files; i++) {
    char *name = next_word(&at, &length);
    char *content = next_word(&at, &length);
    write_file(folder, name, content, length);
  }
  if (mount(0, folder, 0, MS_REMOUNT | MS_RDONLY | flags, 0)) fail(folder);
  return at;
}

static int slot_networks[MAX_SLOTS]; /* descriptors by slot; 0 if not created yet */

/* Return the network namespace of a slot. It contains only a loopback device and is created on first use. */
static int slot_network(uint32_t slot) {
  if (slot >= MAX_SLOTS) return -1;
  if (!slot_networks[slot]) {
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    if (unshare(CLONE_NEWNET)) return -1;
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ioctl(any, SIOCSIFFLAGS, &lo);
    close(any);
    slot_networks[slot] = move_above_streams(syscall(SYS_openat, AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  }
  return slot_networks[slot];
}

/* ------------------------------------------------------------------------------- preparing the process of a program */

static void set_limit(int what, uint64_t value) {
  struct rlimit both = {value, value}, now;
  if (!getrlimit(what, &now) && now.rlim_max < value) return;
  setrlimit(what, &both);
}

/* Use the hard limit of the machine if it is lower. */
static void set_stack_limit(uint64_t value) {
  struct rlimit now;
  if (!getrlimit(RLIMIT_STACK, &now)) set_limit(RLIMIT_STACK, now.rlim_max < value ? now.rlim_max : value);
}

static void drop_privileges(void) {
  if (getuid() == 0) { /* user 0 of the user namespace that root prepared */
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

/* Prevent all programs from gaining capabilities by executing a file. The fork server keeps its own capabilities. */
static void drop_bounding_set(void) {
  for (int i = 0; !prctl(PR_CAPBSET_DROP, i, 0, 0, 0); i++) {}
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static void reset_signals(void) {
  struct sigaction plain = {.sa_handler = SIG_DFL};
  for (int i = 1; i < NSIG; i++) sigaction(i, &plain, 0);
}

static void prepare_process(const struct request *r, const int fds[DESCRIPTORS], uint32_t cpu_s, int input, int output) {
  setsid();
  dup2(input, STDIN_FILENO), dup2(output, STDOUT_FILENO), dup2(fds[STDERR], STDERR_FILENO);
  /* The kernel kills this process first if memory runs out. */
  int oom = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (oom >= 0 && write(oom, "1000", 4) >= 0) close(oom);
  set_limit(RLIMIT_CORE, 0), set_limit(RLIMIT_NOFILE, r->open_files), set_limit(RLIMIT_CPU, cpu_s);
  set_limit(RLIMIT_FSIZE, (uint64_t)r->file_mb << 20);
  set_stack_limit((uint64_t)r->stack_mb << 20);
  if (r->threads) set_limit(RLIMIT_NPROC, r->threads);
  if (chdir("/box/work")) fail("/box/work");
  drop_privileges();
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* allows the program to open its own /proc/self/fd */
}

static void execute(char **argv, char **env, int channel) {
  sigset_t none;
  reset_signals();
  sigemptyset(&none), sigprocmask(SIG_SETMASK, &none, 0);
  execvpe(argv[0], argv, env);
  if (errno == ENOENT || errno == EACCES) send_event(channel, 'M');
  dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
  _exit(127);
}

/* --------------------------------------------------------------------------- process 1 of a program's PID namespace */

/* Wait for one child and reap all others, until the child ends or the peer shuts down the channel (-1). If
   `report_ready` is set, send R only when the child outlives READY_DELAY_MS: this saves the peer a wakeup for most
   programs. */
static int wait_for_child(pid_t wanted, int channel, int report_ready) {
  int handle = syscall(SYS_pidfd_open, wanted, 0), status;
  struct pollfd poll_fds[] = {{channel, POLLIN | POLLRDHUP, 0}, {handle, POLLIN, 0}};
  for (;;) {
    int ready = poll(poll_fds, 2, report_ready ? READY_DELAY_MS : POLL_MS);
    if (report_ready && (ready == 0 || poll_fds[0].revents)) send_event(channel, 'R'), report_ready = 0;
    if (ready > 0 && poll_fds[0].revents) return -1;
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

static void finish(struct ending e, int channel) {
  kill(-1, SIGKILL);
  while (waitpid(-1, 0, 0) > 0 || errno == EINTR) {}
  e.event = 'E';
  e.cpu_us = cpu_us() - e.build_cpu_us;
  send(channel, &e, sizeof e, MSG_NOSIGNAL);
  _exit(0);
}

/* Run as process 1. Returns only in the process of a program, and only if the program is not executed as a command. */
static void program_init(int fds[DESCRIPTORS], int net, pid_t (*real_fork)(void), const sigset_t *mask) {
  static char *argv[MAX_WORDS], *build[MAX_WORDS], *env[MAX_WORDS];
  struct request r;
  struct ending e = {.status = -1};
  const int channel = fds[CHANNEL];
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 0);
  if (setns(net, CLONE_NEWNET)) fail("network");
  for (int i = 0; i < MAX_SLOTS; i++)
    if (slot_networks[i]) close(slot_networks[i]);
  memcpy(&r, buffer, sizeof r);
  char *at = mount_file_systems(&r, buffer + sizeof r);
  read_words(&at, r.argv, argv), read_words(&at, r.build, build), read_words(&at, r.env, env);
  if (r.build) {
    send_event(channel, 'B');
    pid_t builder = fork();
    if (builder == 0) {
      int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
      prepare_process(&r, fds, r.build_cpu_s, nothing, fds[STDERR]);
      execute(build, env, channel);
    }
    int status = wait_for_child(builder, channel, 0);
    e.build_cpu_us = cpu_us();
    if (status) {
      e.status = status;
      send_event(channel, 'U');
      finish(e, channel);
    }
  }
  if (r.build) send_event(channel, 'R');
  pid_t program = real_fork();
  if (program < 0) fail("fork");
  if (program == 0) {
    prepare_process(&r, fds, r.cpu_s, fds[STDIN], fds[STDOUT]);
    if (r.argv) execute(argv, env, channel);
    for (int i = 0; i < DESCRIPTORS; i++) close(fds[i]);
    sigprocmask(SIG_SETMASK, mask, 0);
    return;
  }
  for (int i = 0; i < CHANNEL; i++) close(fds[i]);
  e.status = wait_for_child(program, channel, !r.build);
  finish(e, channel);
}

/* ------------------------------------------------------------------------------------------------------- the server */

/* Serve requests until the peer closes the socket. Returns only in the processes of programs. */
static void serve(int control, pid_t (*real_fork)(void)) {
  const unsigned long namespaces = CLONE_NEWPID | CLONE_NEWNS; /* no IPC namespace: the filter denies IPC */
  sigset_t all, mask;
  ssize_t size = receive(control, 0);
  if (size < 0) _exit(1);
  struct sock_filter *rules = mmap(0, size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(rules, buffer, size);
  filter = (struct sock_fprog){size / sizeof *rules, rules};
  sigfillset(&all), sigprocmask(SIG_SETMASK, &all, &mask);
  drop_bounding_set();
  for (;;) {
    int fds[DESCRIPTORS] = {-1, -1, -1, -1};
    if (receive(control, fds) < 0) _exit(0);
    int net = slot_network(*(uint32_t *)buffer);
    /* After slot_network: a process that is not dumpable cannot open its own /proc/self/ns. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    pid_t child = syscall(SYS_clone, namespaces | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
      close(control);
      program_init(fds, net, real_fork, &mask);
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
  const char *more = number ? strchr(number, '\n') : 0;
  if (more) snprintf(prefixes, sizeof prefixes - 1, "%s", more + 1);
  for (char *c = prefixes; (c = strchr(c, '\n'));) *c++ = 0;
  unsetenv("GLOTSMITH_FORK_SERVER"), unsetenv("GLOTSMITH_FORK"), unsetenv("LD_PRELOAD"), unsetenv("LD_BIND_NOW");
  if (control >= 0) fcntl(control, F_SETFD, FD_CLOEXEC);
  return control;
}

#ifdef PRELOAD
/* Julia's compiler writes code through a second mapping of shared memory or through /proc/self/mem. In a forked child,
   both would write into the memory of the interpreter, and so of all its other children. Both fail here, and Julia then
   writes code in place. */

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
  pid_t (*real_fork)(void) = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");
  if (!getenv("GLOTSMITH_FORK")) return real_fork();
  serve(control_socket(), real_fork);
  return 0;
}

int become_fork_server(void *state) { /* lua_CFunction without results */
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
