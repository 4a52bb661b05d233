/* Threads asleep in system calls of many kinds, and a parent held by vfork. */
#define _GNU_SOURCE
#include "scenario.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_barrier_t in_place;

static int open_listener(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener, 8) < 0)
        die("listener");
    return listener;
}

/* The read end of a pipe to which nobody writes. */
static int open_silent_pipe(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        die("pipe2");
    return ends[0];
}

static void *in_read(void *closure)
{
    char line[64];
    int silent = open_silent_pipe();
    pthread_barrier_wait(&in_place);
    ssize_t count = read(silent, line, sizeof line);
    return count < 0 ? NULL : closure;
}

static void *in_poll(void *closure)
{
    struct pollfd descriptors[] = {{open_silent_pipe(), POLLIN, 0}, {open_silent_pipe(), POLLIN, 0}};
    pthread_barrier_wait(&in_place);
    int ready = poll(descriptors, 2, -1);
    return ready < 0 ? NULL : closure;
}

static void *in_epoll(void *closure)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 7};
    int silent = open_silent_pipe(), set = epoll_create1(EPOLL_CLOEXEC);
    if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, silent, &event) < 0)
        die("epoll");
    pthread_barrier_wait(&in_place);
    int ready = epoll_wait(set, &event, 1, -1);
    return ready < 0 ? NULL : closure;
}

static void *in_futex(void *closure)
{
    uint32_t word = 1;
    pthread_barrier_wait(&in_place);
    long woken = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
    return woken < 0 ? NULL : closure;
}

static void *in_nanosleep(void *closure)
{
    struct timespec left = {.tv_sec = 100000};
    pthread_barrier_wait(&in_place);
    while (nanosleep(&left, &left) != 0)
        ;
    return closure;
}

static void *in_accept(void *closure)
{
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;
    int listener = open_listener();
    pthread_barrier_wait(&in_place);
    int connection = accept(listener, (struct sockaddr *)&peer, &size);
    return connection < 0 ? NULL : closure;
}

static void *in_sigwait(void *closure)
{
    sigset_t awaited;
    siginfo_t info;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &awaited, NULL);
    pthread_barrier_wait(&in_place);
    int signo = sigwaitinfo(&awaited, &info);
    return signo < 0 ? NULL : closure;
}

static const struct sleeper {
    const char *name;
    void *(*run)(void *);
} sleepers[] = {
    {"in-read", in_read},           {"in-poll", in_poll},     {"in-epoll", in_epoll},     {"in-futex", in_futex},
    {"in-nanosleep", in_nanosleep}, {"in-accept", in_accept}, {"in-sigwait", in_sigwait},
};

static void sleeping_in_syscalls(int argc, char **argv)
{
    enum { SLEEPERS = sizeof sleepers / sizeof sleepers[0] };
    (void)argc, (void)argv;
    pthread_t threads[SLEEPERS];
    pthread_barrier_init(&in_place, NULL, SLEEPERS + 1);
    for (unsigned i = 0; i < SLEEPERS; i++) {
        if (pthread_create(&threads[i], NULL, sleepers[i].run, NULL) != 0)
            die("pthread_create");
        pthread_setname_np(threads[i], sleepers[i].name);
    }
    pthread_barrier_wait(&in_place);
    block_here();
}

static void vfork_wait(int argc, char **argv)
{
    (void)argc, (void)argv;
    int status;
    pid_t parent = getpid();
    pid_t child = vfork();
    if (child == 0) {
        /* The parent sleeps until this child is gone, so the child must not outlive it. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
            _exit(1);
        announce_ready();
        for (;;)
            pause();
    }
    waitpid(child, &status, 0);
}

const struct scenario syscall_scenarios[] = {
    {"sleeping-in-syscalls", "", sleeping_in_syscalls},
    {"vfork-wait", "", vfork_wait},
    {NULL, NULL, NULL},
};
