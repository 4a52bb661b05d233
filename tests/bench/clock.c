/* Preloaded into a target, this measures how long the target stands still, as the target sees it.
 *
 * A thread of its own reads the clock in a tight loop and keeps the longest gap between two
 * readings. The loop never sleeps, so a voluntary context switch during a gap (getrusage(2)) means
 * that the thread was stopped; a gap without one is the scheduler's doing and does not count.
 *
 * GIMLI_CLOCK_FILE names a file of three 64-bit numbers: [0] is the question's number, written by
 * the benchmark; the thread starts anew when it changes and then writes it to [1]; [2] is the
 * longest stop since then in nanoseconds. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Shorter gaps are not looked into: an interrupt makes those. */
enum { WORTH_A_LOOK_NS = 20000 };

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static long stops(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

static void *watch(void *file)
{
    volatile uint64_t *shared = file;
    uint64_t before = now();
    long stops_before = stops();
    for (;;) {
        uint64_t question = shared[0];
        if (question != shared[1]) {
            shared[2] = 0;
            stops_before = stops();
            before = now();
            __atomic_store_n(&shared[1], question, __ATOMIC_RELEASE);
            continue;
        }
        uint64_t after = now(), gap = after - before;
        if (gap > WORTH_A_LOOK_NS) {
            long stops_after = stops();
            if (stops_after != stops_before && gap > shared[2])
                shared[2] = gap;
            stops_before = stops_after;
            after = now();
        }
        before = after;
    }
    return NULL;
}

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("GIMLI_CLOCK_FILE");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *shared = mmap(NULL, 3 * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (shared == MAP_FAILED)
        return;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_t thread;
    pthread_create(&thread, NULL, watch, shared);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}
