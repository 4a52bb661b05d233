/* Programs to hold, one scenario each: target SCENARIO PROGRESS-FILE [COUNT].
   Prints "ready" once it is in the state that is meant. While it runs it counts in the
   progress file, which the test maps too. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static _Atomic unsigned long *progress;
static int count;
static pthread_barrier_t all_there;

static void ready(void) {
    if (write(1, "ready\n", 6) != 6)
        _exit(3);
}

static void *count_for_ever(void *unused) {
    for (;;)
        atomic_fetch_add(progress, 1);
    return unused;
}

/* A deadline of its own making: counts and sleeps a little. */
static void *tick_for_ever(void *unused) {
    ready();
    for (;;) {
        atomic_fetch_add(progress, 1);
        usleep(200);
    }
    return unused;
}

static void *wait_for_ever(void *unused) {
    pthread_barrier_wait(&all_there);
    for (;;)
        pause();
    return unused;
}

static void *end_at_once(void *unused) {
    atomic_fetch_add(progress, 1);
    return unused;
}

static void *spawn_for_ever(void *unused) {
    for (;;) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, end_at_once, NULL) == 0)
            pthread_join(thread, NULL);
    }
    return unused;
}

static void count_signal(int signal) {
    (void)signal;
    atomic_fetch_add(progress, 1);
}

static void stay_in_handler(int signal, siginfo_t *information, void *context) {
    (void)signal, (void)information, (void)context;
    ready();
    for (;;)
        pause();
}

static void *raise_in_thread(void *unused) {
    raise(SIGUSR1);
    return unused;
}

static void start(void *(*run)(void *)) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 * 1024);
    if (pthread_create(&thread, &attributes, run, NULL) != 0) {
        perror("pthread_create");
        exit(3);
    }
}

/* Known values in registers, then a loop of two bytes that changes nothing. */
__attribute__((noinline, noreturn)) static void known_registers(void) {
    static const double st0 = 0.5;
    static const unsigned long xmm[2] = {0x1111222233334444, 0x5555666677778888};
    ready();
    __asm__ volatile("fldl %0\n\t"
                     "movups %1, %%xmm9\n\t"
                     "movq $0x1b1b, %%rbx\n\t"
                     "movq $0x1c1c, %%r12\n\t"
                     "movq $0x1f1f, %%r15\n\t"
                     "1: jmp 1b"
                     :
                     : "m"(st0), "m"(*(const unsigned long(*)[2])xmm)
                     : "rbx", "r12", "r15", "xmm9", "memory");
    __builtin_unreachable();
}

struct steps {
    volatile unsigned long first, second;
};

/* At each moment both numbers are equal, or the first is one ahead. */
__attribute__((noinline, noreturn)) static void keep_step(struct steps *steps) {
    ready();
    for (;;) {
        steps->first++;
        steps->second++;
        atomic_fetch_add(progress, 1);
    }
}

/* More memory than is copied, full of pointers into itself. */
static void **fill_heap(long words) {
    void **heap = malloc(words * sizeof *heap);
    for (long i = 0; heap && i < words; i++)
        heap[i] = heap + i * 7919 % words;
    return heap;
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 64;
    int file = open(argv[2], O_RDWR);
    progress = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (progress == MAP_FAILED)
        return 3;
    count = argc > 3 ? atoi(argv[3]) : 1;
    const char *scenario = argv[1];
    if (strcmp(scenario, "busy") == 0) {
        for (int i = 1; i < count; i++)
            start(count_for_ever);
        ready();
        count_for_ever(NULL);
    } else if (strcmp(scenario, "tick") == 0) {
        tick_for_ever(NULL);
    } else if (strcmp(scenario, "threads") == 0) {
        pthread_barrier_init(&all_there, NULL, count + 1);
        for (int i = 0; i < count; i++)
            start(wait_for_ever);
        pthread_barrier_wait(&all_there);
        ready();
        for (;;)
            pause();
    } else if (strcmp(scenario, "spawn") == 0) {
        for (int i = 1; i < count; i++)
            start(spawn_for_ever);
        ready();
        spawn_for_ever(NULL);
    } else if (strcmp(scenario, "leader-exits") == 0) {
        start(tick_for_ever);
        pthread_exit(NULL);
    } else if (strcmp(scenario, "handler") == 0) {
        /* Without SA_SIGINFO the kernel leaves the siginfo_t on the stack unwritten. */
        struct sigaction action = {.sa_sigaction = stay_in_handler, .sa_flags = SA_SIGINFO};
        sigaction(SIGUSR1, &action, NULL);
        raise(SIGUSR1);
    } else if (strcmp(scenario, "handler-in-last") == 0) {
        struct sigaction action = {.sa_sigaction = stay_in_handler, .sa_flags = SA_SIGINFO};
        sigaction(SIGUSR1, &action, NULL);
        pthread_barrier_init(&all_there, NULL, count + 1);
        for (int i = 0; i < count; i++)
            start(wait_for_ever);
        pthread_barrier_wait(&all_there);
        start(raise_in_thread);
        for (;;)
            pause();
    } else if (strcmp(scenario, "count-signals") == 0) {
        /* Real-time signals are queued, so each one counts. */
        struct sigaction action = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
        sigaction(SIGRTMIN, &action, NULL);
        ready();
        for (;;)
            __asm__ volatile("pause");
    } else if (strcmp(scenario, "vfork") == 0) {
        if (vfork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            ready();
            for (;;)
                pause();
        }
    } else if (strcmp(scenario, "zombie") == 0) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        siginfo_t information;
        waitid(P_PID, child, &information, WEXITED | WNOWAIT);
        atomic_store(progress, child);
        ready();
        for (;;)
            pause();
    } else if (strcmp(scenario, "steps") == 0) {
        keep_step(calloc(1, sizeof(struct steps)));
    } else if (strcmp(scenario, "steps-in-much-memory") == 0) {
        static void **heap;
        heap = fill_heap(12 << 20);
        keep_step(heap ? calloc(1, sizeof(struct steps)) : NULL);
    } else if (strcmp(scenario, "registers") == 0) {
        known_registers();
    }
    return 64;
}
