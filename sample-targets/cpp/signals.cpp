// Blocked or stopped inside signal handlers: a crash handler, and one that interrupts a sort.
#include "scenario.h"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace {

// The alternate stack leaves room for a handler when the ordinary stack has overflowed.
alignas(16) std::array<char, 64 * 1024> handler_stack;

// Stops the process where the fault is, so that it can be looked at, and then lets it die of it.
void on_fault(int signo, siginfo_t *, void *)
{
    std::raise(SIGSTOP);
    std::raise(signo);
}

void check(int result, const char *what)
{
    if (result < 0)
        throw std::system_error(errno, std::generic_category(), what);
}

void install(std::initializer_list<int> signals, void (*handler)(int, siginfo_t *, void *), int flags)
{
    stack_t stack = {};
    stack.ss_sp = handler_stack.data();
    stack.ss_size = handler_stack.size();
    check(sigaltstack(&stack, nullptr), "sigaltstack");
    struct sigaction action = {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | flags;
    for (int signo : signals)
        check(sigaction(signo, &action, nullptr), "sigaction");
}

void fault_under_handler(const Arguments &arguments)
{
    const std::string name = arguments.empty() ? "null" : arguments[0];
    for (const ScenarioTable *table : {&fault_scenarios, &exception_scenarios}) {
        for (const Scenario &fault : *table) {
            if (fault.name == name) {
                install({SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}, on_fault, SA_ONSTACK | SA_RESETHAND);
                fault.run({});
                return;
            }
        }
    }
    std::fprintf(stderr, "not a fault: %s\n", name.c_str());
    std::exit(64);
}

struct Reload {
    int generation;
    int requested_by;
};

volatile std::sig_atomic_t generation = 4;

void on_reload(int signo, siginfo_t *info, void *)
{
    Reload reload = {generation + signo, info->si_pid};
    block_here();
    generation = reload.generation;
}

int compare_and_signal(const void *left, const void *right)
{
    int a = *static_cast<const int *>(left), b = *static_cast<const int *>(right);
    if (a + b == 30)
        std::raise(SIGUSR1);
    return (a > b) - (a < b);
}

void signal_handler_with(int flags)
{
    int priorities[] = {20, 10, 40, 30};
    install({SIGUSR1}, on_reload, flags);
    std::qsort(priorities, 4, sizeof priorities[0], compare_and_signal);
    std::printf("%d\n", priorities[0]);
}

void signal_handler(const Arguments &)
{
    signal_handler_with(0);
}

void signal_alternate_stack(const Arguments &)
{
    signal_handler_with(SA_ONSTACK);
}

} // namespace

const ScenarioTable crash_handler_scenarios = {
    {"fault-handler", "[FAULT]", fault_under_handler},
    {"signal-handler", "", signal_handler},
    {"signal-alternate-stack", "", signal_alternate_stack},
};
