// What a scenario is, and how it reports that it has come to its place.
#pragma once

#include <string>
#include <vector>

using Arguments = std::vector<std::string>;

struct Scenario {
    const char *name;
    const char *arguments; // for the usage text, "" when it takes none
    void (*run)(const Arguments &arguments);
};

using ScenarioTable = std::vector<Scenario>;

// One table per source file.
extern const ScenarioTable fault_scenarios;
extern const ScenarioTable crash_handler_scenarios;
extern const ScenarioTable frame_scenarios;
extern const ScenarioTable thread_scenarios;
extern const ScenarioTable exception_scenarios;
extern const ScenarioTable variable_scenarios;
extern const ScenarioTable library_scenarios;

// The argument at `index` as a number from 1 to `most`, `otherwise` when it is absent.
unsigned argument(const Arguments &arguments, std::size_t index, unsigned otherwise, unsigned most);

// Says "ready PID" on standard output. Async-signal-safe.
void announce_ready();

// Says "ready PID" and sleeps. Returns only when SIGTERM asks the program to end.
void block_here();

// Sleeps until SIGTERM asks the program to end; for the threads that do not announce.
void wait_for_shutdown();
