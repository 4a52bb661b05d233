/* The C sample: `server SCENARIO [ARGUMENT...]` prints "ready PID" and then blocks or faults. */
#include "scenario.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A sample that nobody ended must not stay for ever. */
enum { LIFETIME_SECONDS = 3600 };

static const struct scenario *const tables[] = {
    fault_scenarios,  crash_handler_scenarios, frame_scenarios,    thread_scenarios,
    signal_scenarios, syscall_scenarios,       variable_scenarios, piece_scenarios, format_scenarios,
    service_scenarios,
};

static volatile sig_atomic_t shutting_down;
static char ready_line[32];
static int ready_length;

static void on_terminate(int signo)
{
    (void)signo;
    shutting_down = 1;
}

const struct scenario *find_scenario(const char *name)
{
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
        for (const struct scenario *s = tables[t]; s->name; s++)
            if (strcmp(s->name, name) == 0)
                return s;
    return NULL;
}

unsigned argument(int argc, char **argv, int index, unsigned otherwise, unsigned most)
{
    if (index >= argc)
        return otherwise;
    char *end;
    unsigned long number = strtoul(argv[index], &end, 10);
    if (*end || number < 1 || number > most) {
        fprintf(stderr, "not a number from 1 to %u: %s\n", most, argv[index]);
        exit(64);
    }
    return (unsigned)number;
}

void announce_ready(void)
{
    if (write(STDOUT_FILENO, ready_line, ready_length) != ready_length)
        _exit(1);
}

void wait_for_shutdown(void)
{
    while (!shutting_down)
        pause();
}

void block_here(void)
{
    announce_ready();
    wait_for_shutdown();
}

void die(const char *what)
{
    perror(what);
    exit(1);
}

static void list_scenarios(FILE *out)
{
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
        for (const struct scenario *s = tables[t]; s->name; s++)
            fprintf(out, "%s%s%s\n", s->name, *s->arguments ? " " : "", s->arguments);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        list_scenarios(stdout);
        return 0;
    }
    const struct scenario *chosen = argc > 1 ? find_scenario(argv[1]) : NULL;
    if (!chosen) {
        fprintf(stderr, "usage: %s SCENARIO [ARGUMENT...]\n", argv[0]);
        list_scenarios(stderr);
        return 64;
    }
    struct sigaction terminate = {.sa_handler = on_terminate};
    sigaction(SIGTERM, &terminate, NULL);
    alarm(LIFETIME_SECONDS);
    ready_length = snprintf(ready_line, sizeof ready_line, "ready %d\n", (int)getpid());
    chosen->run(argc - 2, argv + 2);
    return 0;
}
