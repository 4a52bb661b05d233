/* Processes that get the ids of others.

   impostor PID: has a child with this id, which says that it is ready and waits. When its standard
   input ends it says whether anything has stopped it meanwhile. Exit status 3: the id cannot be had.

   impostor: threads end all the time, and each id goes to a child of a few milliseconds. When its
   standard input ends it says how many children something has stopped. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* fork(2) with an id of choice. */
static pid_t fork_as(pid_t id)
{
    struct clone_args arguments = {
        .exit_signal = SIGCHLD, .set_tid = (uintptr_t) &id, .set_tid_size = 1};
    return (pid_t) syscall(SYS_clone3, &arguments, sizeof arguments);
}

/* Waits for so long (-1: for ever), or for the end of standard input. A stop ends epoll_wait(2) with
   EINTR, see signal(7), and no signal has a handler here. */
static int is_stopped_within(int milliseconds)
{
    struct epoll_event event = {.events = EPOLLIN};
    int set = epoll_create1(0);
    epoll_ctl(set, EPOLL_CTL_ADD, 0, &event);
    return epoll_wait(set, &event, 1, milliseconds) < 0;
}

static int be_impostor(pid_t id)
{
    pid_t child = -1;
    for (int attempt = 0; attempt < 1000 && (child = fork_as(id)) < 0 && errno == EEXIST; attempt++)
        usleep(1000);
    if (child < 0) {
        fprintf(stderr, "clone3: errno %d\n", errno);
        return 3;
    }
    if (child > 0)
        return waitpid(child, NULL, 0) != child;
    puts("ready");
    fflush(stdout);
    puts(is_stopped_within(-1) ? "stopped" : "never stopped");
    return 0;
}

static void *end(void *id)
{
    *(pid_t *) id = gettid();
    return NULL;
}

int main(int count, char **arguments)
{
    if (count > 1)
        return be_impostor(atoi(arguments[1]));
    _Atomic int *stopped =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct pollfd input = {.fd = 0, .events = POLLIN};
    puts("ready");
    fflush(stdout);
    while (poll(&input, 1, 0) == 0) {
        pthread_t thread;
        pid_t id = 0;
        if (pthread_create(&thread, NULL, end, &id) || pthread_join(thread, NULL))
            return 1;
        pid_t child = fork_as(id);
        if (child == 0) {
            *stopped += is_stopped_within(3);
            _exit(0);
        }
        if (child > 0)
            waitpid(child, NULL, 0);
    }
    printf("%d stopped\n", *stopped);
    return 0;
}
