/* A server that faults in the way its first argument names, once: the file named by the second argument says that
 * it has done so, and the next start serves. Built with libgimli. */
#define _GNU_SOURCE
#include <libgimli.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *mode = "";
static volatile int *bad = (volatile int *)0x2a;

/* What cannot be said (output closed) is not. */
static void say(const char *text) { ssize_t n = write(1, text, strlen(text)); (void)n; }

/* True on the first start: the fault has yet to happen. */
static int first_start(const char *mark) {
  int fd = open(mark, O_CREAT | O_EXCL | O_WRONLY, 0666);
  if (fd < 0) return 0;
  close(fd);
  return 1;
}

static void hook(int signo, siginfo_t *si) {
  (void)signo; (void)si;
  say("hook\n");
  if (!strcmp(mode, "fault-in-hook")) *bad = 1;
  if (!strcmp(mode, "abort-in-hook")) abort();
  if (!strcmp(mode, "exit-in-hook")) _exit(0);
  if (!strcmp(mode, "hang-in-hook")) for (;;) pause();
}

static int deeper(int n) {
  volatile char room[4096];
  room[0] = (char)n;
  return deeper(n + 1) + room[0];
}

static void *fault(void *arg) { (void)arg; *bad = 1; return NULL; }
static void *overflow(void *arg) { (void)arg; return (void *)(long)deeper(0); }

static pthread_barrier_t barrier;
static void *fault_together(void *arg) {
  pthread_barrier_wait(&barrier);
  switch ((long)arg % 4) {
  case 0: *bad = 1; break;
  case 1: raise(SIGBUS); break;
  case 2: __builtin_trap();
  default: abort();
  }
  return NULL;
}
static void *sleeper(void *arg) { (void)arg; for (;;) pause(); return NULL; }

static void in_thread(void *(*what)(void *)) {
  pthread_t t;
  if (pthread_create(&t, NULL, what, NULL)) _exit(98);
  pthread_join(t, NULL);
}

static void on_usr1(int signo) { (void)signo; *bad = 1; }
static void at_the_end(void) { *bad = 1; }
static int with_loader_lock(struct dl_phdr_info *info, size_t size, void *arg) {
  (void)info; (void)size; (void)arg;
  *bad = 1;
  return 0;
}

static void bus(void) {
  char name[] = "/tmp/gimli-bus-XXXXXX";
  int fd = mkstemp(name);
  unlink(name);
  if (fd < 0 || ftruncate(fd, 4096)) _exit(97);
  volatile char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (ftruncate(fd, 0)) _exit(97);
  page[0] = 1;
}

static void refused_call(void) {
  struct sock_filter code[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = { 4, code };
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) _exit(96);
  syscall(SYS_getppid);
}

static void limited(int resource, rlim_t soft) {
  struct rlimit limit = { soft, RLIM_INFINITY };
  if (setrlimit(resource, &limit)) _exit(95);
}

static void crash(void) {
  pthread_t t;
  if (!strcmp(mode, "null-write") || strstr(mode, "-in-hook")) *bad = 1;
  if (!strcmp(mode, "read-only-write")) *(volatile char *)(unsigned long)"text" = 1;
  if (!strcmp(mode, "abort")) abort();
  if (!strcmp(mode, "bus")) bus();
  if (!strcmp(mode, "illegal")) __asm__ volatile("ud2");
  if (!strcmp(mode, "divide")) { volatile int zero = 0; volatile int one = 1; one = one / zero; }
  if (!strcmp(mode, "bad-call")) refused_call();
  if (!strcmp(mode, "trap")) __asm__ volatile("int3");
  if (!strcmp(mode, "cpu-limit")) { limited(RLIMIT_CPU, 1); for (volatile long i = 0;; i++) ; }
  if (!strcmp(mode, "file-limit")) {
    limited(RLIMIT_FSIZE, 0);
    char name[] = "/tmp/gimli-xfsz-XXXXXX";
    int fd = mkstemp(name);
    unlink(name);
    if (write(fd, "x", 1) == 1) _exit(94);
  }
  if (!strcmp(mode, "kill-segv")) kill(getpid(), SIGSEGV);
  if (!strcmp(mode, "kill-kill")) kill(getpid(), SIGKILL);
  if (!strcmp(mode, "jump-to-null")) ((void (*)(void))(unsigned long)0)();
  if (!strcmp(mode, "run-data")) { static char data[] = "\xc3"; ((void (*)(void))(unsigned long)data)(); }
  if (!strcmp(mode, "lost-stack")) __asm__ volatile("mov $0x10, %rsp; push %rax");
  if (!strcmp(mode, "overflow-main")) deeper(0);
  if (!strcmp(mode, "overflow-thread")) in_thread(overflow);
  if (!strcmp(mode, "fault-thread")) in_thread(fault);
  if (!strcmp(mode, "main-thread-gone")) {
    if (pthread_create(&t, NULL, fault, NULL)) _exit(98);
    pthread_exit(NULL);
  }
  if (!strcmp(mode, "many-threads")) {
    pthread_barrier_init(&barrier, NULL, 24);
    for (long i = 0; i < 24; i++) if (pthread_create(&t, NULL, fault_together, (void *)i)) _exit(98);
    pthread_join(t, NULL);
    pause();
  }
  if (!strcmp(mode, "in-signal-handler")) { signal(SIGUSR1, on_usr1); raise(SIGUSR1); }
  if (!strcmp(mode, "double-free")) { char *volatile p = malloc(2000); char *volatile q = p; free(p); free(q); }
  if (!strcmp(mode, "heap-smashed")) {
    char *volatile p = malloc(24);
    char *volatile q = malloc(2000);
    memset(p, 0x41, 40);
    free(q);
  }
  if (!strcmp(mode, "stdio-lock")) { flockfile(stdout); flockfile(stderr); *bad = 1; }
  if (!strcmp(mode, "loader-lock")) dl_iterate_phdr(with_loader_lock, NULL);
  if (!strcmp(mode, "at-exit")) { atexit(at_the_end); exit(0); }
  if (!strcmp(mode, "no-descriptors")) { while (dup(0) >= 0) ; *bad = 1; }
  if (!strcmp(mode, "all-closed")) { closefrom(0); *bad = 1; }
  if (!strcmp(mode, "other-user")) { if (setgid(65534) || setuid(65534)) _exit(93); *bad = 1; }
  if (!strcmp(mode, "signals-blocked")) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    *bad = 1;
  }
  if (!strcmp(mode, "segment-smashed")) { /* what a wild pointer may do to the words shared with the monitor */
    memset((void *)(unsigned long)gimli_heartbeat_attach(), 0xff, 4096);
    *bad = 1;
  }
  if (!strcmp(mode, "worker")) { /* a forked worker faults, its master goes on */
    pid_t worker = fork();
    if (worker == 0) *bad = 1;
    int status = 0;
    waitpid(worker, &status, 0);
    say(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV ? "worker gone\n" : "worker?\n");
    return;
  }
  if (!strcmp(mode, "other-users-worker")) {
    pid_t worker = fork();
    if (worker == 0) { if (setgid(65534) || setuid(65534)) _exit(93); *bad = 1; }
    waitpid(worker, NULL, 0);
    say("worker gone\n");
    return;
  }
  if (!strcmp(mode, "two-workers")) {
    for (int i = 0; i < 2; i++) if (fork() == 0) *bad = 1;
    while (wait(NULL) > 0) ;
    say("workers gone\n");
    return;
  }
  if (!strcmp(mode, "orphan")) { /* a forked worker faults when its master is gone */
    pid_t master = getpid();
    if (fork() == 0) {
      while (getppid() == master) usleep(1000);
      *bad = 1;
    }
    raise(SIGKILL);
  }
  if (!strcmp(mode, "vfork-child")) {
    pid_t child = vfork();
    if (child == 0) { *bad = 1; _exit(0); }
    waitpid(child, NULL, 0);
    *bad = 1;
  }
  _exit(92);
}

/* Runs before main, before anything is attached. */
__attribute__((constructor)) static void early(int argc, char **argv) {
  if (argc > 2 && !strcmp(argv[1], "before-main") && first_start(argv[2])) *bad = 1;
}

int main(int argc, char **argv) {
  if (argc < 3) return 64;
  mode = argv[1];
  volatile struct gimli_heartbeat *hb = gimli_heartbeat_attach();
  gimli_set_shutdown_func(hook);
  gimli_heartbeat_set(hb, GIMLI_HB_RUNNING);
  say("ready\n");
  if (!strcmp(mode, "crash-loop")) *bad = 1;
  if (!strcmp(mode, "thread-loop")) { pthread_t t; pthread_create(&t, NULL, sleeper, NULL); in_thread(overflow); }
  if (!strcmp(mode, "hang")) for (;;) pause();
  if (strcmp(mode, "serve") && first_start(argv[2])) crash();
  say("serving\n");
  for (;;) {
    usleep(20000);
    gimli_heartbeat_set(hb, GIMLI_HB_RUNNING);
  }
}
