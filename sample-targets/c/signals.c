/* Blocked inside signal handlers: the frames below the handler belong to whatever was interrupted. */
#define _GNU_SOURCE
#include "scenario.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

struct reload {
    int generation;
    int requested_by;
};

static volatile sig_atomic_t generation = 4;
static _Alignas(16) char alternate_stack[64 * 1024];

static __attribute__((noinline)) void reload_configuration(const struct reload *reload)
{
    generation = reload->generation;
    block_here();
    generation = reload->generation + 1;
}

static void on_reload(int signo, siginfo_t *info, void *context)
{
    const ucontext_t *interrupted = context;
    struct reload reload = {generation + signo, info->si_pid};
    reload_configuration(&reload);
    generation += interrupted->uc_flags != 0;
}

/* A handler that is itself interrupted by the next signal. */
static void on_first_signal(int signo)
{
    int seen = signo;
    raise(SIGUSR2);
    generation += seen;
}

static void handle(int signo, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};
    if (sigaction(signo, &action, NULL) < 0)
        die("sigaction");
}

static int compare_and_signal(const void *left, const void *right)
{
    int a = *(const int *)left, b = *(const int *)right;
    if (a + b == 30)
        raise(SIGUSR1);
    return (a > b) - (a < b);
}

static __attribute__((noinline)) int sort_priorities(void)
{
    int priorities[] = {20, 10, 40, 30};
    qsort(priorities, 4, sizeof priorities[0], compare_and_signal);
    return priorities[0];
}

static void signal_handler(int argc, char **argv)
{
    (void)argc, (void)argv;
    handle(SIGUSR1, on_reload, 0);
    printf("%d\n", sort_priorities());
}

static void signal_alternate_stack(int argc, char **argv)
{
    (void)argc, (void)argv;
    stack_t stack = {.ss_sp = alternate_stack, .ss_size = sizeof alternate_stack};
    if (sigaltstack(&stack, NULL) < 0)
        die("sigaltstack");
    handle(SIGUSR1, on_reload, SA_ONSTACK);
    printf("%d\n", sort_priorities());
}

static void signal_nested(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct sigaction first = {.sa_handler = on_first_signal};
    if (sigaction(SIGUSR1, &first, NULL) < 0)
        die("sigaction");
    handle(SIGUSR2, on_reload, 0);
    printf("%d\n", sort_priorities());
}

const struct scenario signal_scenarios[] = {
    {"signal-handler", "", signal_handler},
    {"signal-alternate-stack", "", signal_alternate_stack},
    {"signal-nested", "", signal_nested},
    {NULL, NULL, NULL},
};
