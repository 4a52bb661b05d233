/* A server with a crash handler: it stops the process where the fault is, so that it can be looked at. */
#define _GNU_SOURCE
#include "scenario.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static const int fault_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

/* The alternate stack leaves the main thread's handler room when the ordinary stack has overflowed. */
static _Alignas(16) char handler_stack[64 * 1024];

static void on_fault(int signo, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    raise(SIGSTOP);
    /* SA_RESETHAND put the default action back: when somebody continues us, we die as we should have. */
    raise(signo);
}

void install_crash_handler(void)
{
    stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
    if (sigaltstack(&stack, NULL) < 0)
        die("sigaltstack");
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof fault_signals / sizeof fault_signals[0]; i++)
        if (sigaction(fault_signals[i], &action, NULL) < 0)
            die("sigaction");
}

static void fault_under_handler(int argc, char **argv)
{
    const char *name = argc > 0 ? argv[0] : "null";
    for (const struct scenario *s = fault_scenarios; s->name; s++) {
        if (s == find_scenario(name)) {
            install_crash_handler();
            s->run(0, argv);
            return;
        }
    }
    fprintf(stderr, "not a fault: %s\n", name);
    exit(64);
}

const struct scenario crash_handler_scenarios[] = {
    {"fault-handler", "[FAULT]", fault_under_handler},
    {NULL, NULL, NULL},
};
