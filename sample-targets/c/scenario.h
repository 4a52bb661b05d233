/* What a scenario is, and how it reports that it has come to its place. */
#ifndef SCENARIO_H
#define SCENARIO_H

struct scenario {
    const char *name;
    const char *arguments; /* for the usage text, "" when it takes none */
    void (*run)(int argc, char **argv);
};

/* Tables of scenarios, one per source file, each ending with a NULL name. */
extern const struct scenario fault_scenarios[];
extern const struct scenario crash_handler_scenarios[];
extern const struct scenario frame_scenarios[];
extern const struct scenario thread_scenarios[];
extern const struct scenario signal_scenarios[];
extern const struct scenario syscall_scenarios[];
extern const struct scenario variable_scenarios[];
extern const struct scenario piece_scenarios[];
extern const struct scenario format_scenarios[];
extern const struct scenario service_scenarios[];

/* Finds a scenario by name in all tables; NULL when there is none. */
const struct scenario *find_scenario(const char *name);

/* The argument at `index` as a number from 1 to `most`, `otherwise` when it is absent. */
unsigned argument(int argc, char **argv, int index, unsigned otherwise, unsigned most);

/* Says "ready PID" on standard output. Async-signal-safe. */
void announce_ready(void);

/* Says "ready PID" and sleeps. Returns only when SIGTERM asks the program to end. */
void block_here(void);

/* Sleeps until SIGTERM asks the program to end; for the threads that do not announce. */
void wait_for_shutdown(void);

/* From now on a fault stops the process, in a handler on the thread that faulted. */
void install_crash_handler(void);

/* Ends the program with the name of the call that failed and errno's words. */
_Noreturn void die(const char *what);

#endif
