/* Every way of a plugin to misbehave: HOW is the way, WHERE the hook (FRAME, GLOBAL or LOAD). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libgimli_ana.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAME 1
#define GLOBAL 2
#define LOAD 3

static int recurse(volatile int depth)
{
    volatile char page[4096];
    page[0] = (char)depth;
    return depth > 0 ? recurse(depth + 1) + page[0] : 0;
}

static void *sleep_for_ever(void *nothing)
{
    for (;;)
        pause();
    return nothing;
}

static void misbehave(void)
{
    const char *how = HOW;
    pthread_t thread;
    puts("before it went wrong");
    if (strcmp(how, "segv") == 0) {
        *(volatile int *)8 = 1;
    } else if (strcmp(how, "loop") == 0) {
        for (;;)
            ;
    } else if (strcmp(how, "exit") == 0) {
        exit(0);
    } else if (strcmp(how, "_exit") == 0) {
        _exit(0);
    } else if (strcmp(how, "close") == 0) {
        for (int i = 0; i < 1000; i++)
            close(i);
    } else if (strcmp(how, "dup2") == 0) {
        int zero = open("/dev/zero", O_RDWR);
        for (int i = 3; i < 64; i++)
            if (i != zero)
                dup2(zero, i);
    } else if (strcmp(how, "stack") == 0) {
        recurse(1);
    } else if (strcmp(how, "flood") == 0) {
        for (;;)
            puts("a line that nobody wants to read a million times");
    } else if (strcmp(how, "memory") == 0) {
        for (char *piece; (piece = malloc(1 << 20)); memset(piece, 1, 1 << 20))
            ;
        abort();
    } else if (strcmp(how, "stop") == 0) {
        raise(SIGSTOP);
    } else if (strcmp(how, "deadlock") == 0) {
        static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
        pthread_mutex_lock(&lock);
        pthread_mutex_lock(&lock);
    } else if (strcmp(how, "abort") == 0) {
        abort();
    } else if (strcmp(how, "kill") == 0) {
        kill(getpid(), SIGKILL);
    } else if (strcmp(how, "group") == 0) {
        kill(0, SIGTERM);
    } else if (strcmp(how, "fork") == 0) {
        /* Both go on: glider must not be continued by two. */
        fork();
    } else if (strcmp(how, "thread") == 0) {
        pthread_create(&thread, NULL, sleep_for_ever, NULL);
        pthread_join(thread, NULL);
    } else if (strcmp(how, "free") == 0) {
        free((void *)0x1234560);
    }
}

static int before_frame(const struct gimli_ana_api *api, const char *object, int tid, int frameno, void *pc, void *context)
{
    static int calls;
    (void)api, (void)object, (void)tid, (void)frameno, (void)pc, (void)context;
    /* Not at once: other threads are in the report by then. */
    if (++calls == 12)
        misbehave();
    return GIMLI_ANA_CONTINUE;
}

static void perform_trace(const struct gimli_ana_api *api, const char *object)
{
    (void)api, (void)object;
    misbehave();
}

static struct gimli_ana_module module = {
    .api_version = 2,
    .perform_trace = WHERE == GLOBAL ? perform_trace : NULL,
    .before_print_frame = WHERE == FRAME ? before_frame : NULL,
};

struct gimli_ana_module *gimli_ana_init(const struct gimli_ana_api *api)
{
    (void)api;
    if (WHERE == LOAD)
        misbehave();
    return &module;
}
