// The C++ sample: `server SCENARIO [ARGUMENT...]` prints "ready PID" and then blocks or faults.
#include "scenario.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace {

// A sample that nobody ended must not stay for ever.
constexpr unsigned lifetime_seconds = 3600;

volatile std::sig_atomic_t shutting_down;
std::string ready_line;

void on_terminate(int)
{
    shutting_down = 1;
}

std::vector<const ScenarioTable *> all_tables()
{
    return {&fault_scenarios,     &crash_handler_scenarios, &frame_scenarios,  &thread_scenarios,
            &exception_scenarios, &variable_scenarios,      &library_scenarios};
}

const Scenario *find_scenario(const std::string &name)
{
    for (const ScenarioTable *table : all_tables())
        for (const Scenario &scenario : *table)
            if (scenario.name == name)
                return &scenario;
    return nullptr;
}

void list_scenarios(std::FILE *out)
{
    for (const ScenarioTable *table : all_tables())
        for (const Scenario &scenario : *table)
            std::fprintf(out, "%s%s%s\n", scenario.name, *scenario.arguments ? " " : "", scenario.arguments);
}

} // namespace

unsigned argument(const Arguments &arguments, std::size_t index, unsigned otherwise, unsigned most)
{
    if (index >= arguments.size())
        return otherwise;
    char *end;
    unsigned long number = std::strtoul(arguments[index].c_str(), &end, 10);
    if (*end || number < 1 || number > most) {
        std::fprintf(stderr, "not a number from 1 to %u: %s\n", most, arguments[index].c_str());
        std::exit(64);
    }
    return static_cast<unsigned>(number);
}

void announce_ready()
{
    if (write(STDOUT_FILENO, ready_line.data(), ready_line.size()) < 0)
        _exit(1);
}

void wait_for_shutdown()
{
    while (!shutting_down)
        pause();
}

void block_here()
{
    announce_ready();
    wait_for_shutdown();
}

int main(int argc, char **argv)
{
    const Arguments arguments(argv + 1, argv + argc);
    if (arguments == Arguments{"--list"}) {
        list_scenarios(stdout);
        return 0;
    }
    const Scenario *chosen = arguments.empty() ? nullptr : find_scenario(arguments[0]);
    if (!chosen) {
        std::fprintf(stderr, "usage: %s SCENARIO [ARGUMENT...]\n", argv[0]);
        list_scenarios(stderr);
        return 64;
    }
    struct sigaction terminate = {};
    terminate.sa_handler = on_terminate;
    sigaction(SIGTERM, &terminate, nullptr);
    alarm(lifetime_seconds);
    ready_line = "ready " + std::to_string(getpid()) + "\n";
    chosen->run(Arguments(arguments.begin() + 1, arguments.end()));
}
