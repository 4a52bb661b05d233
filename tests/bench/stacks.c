/* A target for the benchmark: `stacks THREADS FRAMES [MIB [spin]]` has that many threads, each with that
 * many frames on its stack, every one with variables worth showing, and so many MiB of other memory, full of
 * pointers into itself; prints "ready PID" and blocks, or has all threads spin. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum stage { STAGE_PARSE, STAGE_ROUTE, STAGE_REPLY };

struct address {
    unsigned char octets[4];
    unsigned short port;
};

struct job {
    long id;
    const char *title;
    enum stage stage;
    struct address from;
    double weights[3];
    struct job *caused_by;
};

static pthread_barrier_t all_there;
static volatile long checksum;
static int spins;

static long route(int left, struct job *cause);

__attribute__((noinline)) static void arrive(void)
{
    pthread_barrier_wait(&all_there);
    while (spins)
        checksum++;
    for (;;)
        pause();
}

__attribute__((noinline)) static long parse(int left, struct job *cause)
{
    char text[24];
    struct job job = {left, "parse a request", STAGE_PARSE, {{10, 0, 0, (unsigned char)left}, 8080}, {0.5, 1.5, left}, cause};
    snprintf(text, sizeof text, "request %d", left);
    if (left <= 1)
        arrive();
    else
        checksum += route(left - 1, &job);
    return job.id + text[0];
}

__attribute__((noinline)) static long route(int left, struct job *cause)
{
    int table[6] = {left, left, left, 1, 2, 3};
    struct job job = {left, "route it", left % 2 ? STAGE_ROUTE : STAGE_REPLY, cause->from, {1, 2, 4}, cause};
    if (left <= 1)
        arrive();
    else
        checksum += parse(left - 1, &job);
    return job.id + table[left % 6];
}

/* What stands around the calls above: pause and arrive inside, and outside start_thread and clone3
 * for a thread, the C library's three for main. */
enum { AROUND_THREAD = 5, AROUND_MAIN = 6 };

static void *run(void *frames)
{
    /* This function's own frame is one of them. */
    return (void *)parse(*(int *)frames - AROUND_THREAD, NULL);
}

/* What a server keeps on its heap. */
static void **fill_heap(long mib)
{
    long count = (mib << 20) / (long)sizeof(void *) + 1, seed = 1;
    void **heap = malloc(count * sizeof *heap);
    for (long i = 0; heap && i < count; i++) {
        seed = (seed * 25214903917 + 11) & 0xffffffffffff;
        heap[i] = heap + (seed >> 8) % count;
    }
    return heap;
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 0, frames = argc > 2 ? atoi(argv[2]) : 0;
    if (threads < 1 || frames < 8 || frames > 1000000 ) {
        fprintf(stderr, "usage: stacks THREADS FRAMES [MIB [spin]] (at least 1 and 8)\n");
        return 64;
    }
    spins = argc > 4;
    void **heap = fill_heap(argc > 3 ? atol(argv[3]) : 0);
    if (!heap) {
        perror("malloc");
        return 1;
    }
    /* For the frames of this thread; the others' stacks are made to measure. */
    struct rlimit stack;
    getrlimit(RLIMIT_STACK, &stack);
    stack.rlim_cur = stack.rlim_max < 100u << 20 ? stack.rlim_max : 100u << 20;
    setrlimit(RLIMIT_STACK, &stack);
    pthread_barrier_init(&all_there, NULL, (unsigned)threads);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 128 * 1024 + (size_t)frames * 512);
    for (int i = 1; i < threads; i++) {
        pthread_t thread;
        int error = pthread_create(&thread, &attributes, run, &frames);
        if (error) {
            fprintf(stderr, "pthread_create: %s\n", strerror(error));
            return 1;
        }
    }
    printf("ready %d\n", getpid());
    fflush(stdout);
    return (int)parse(frames - AROUND_MAIN, NULL) + (heap[0] != NULL);
}
