/* Variables in unusual places: statics, thread-locals, nested scopes, vector registers, pieces, nowhere at all. */
#define _GNU_SOURCE
#include "scenario.h"
#include "variables.h"

#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

long count_bytes(int count, ...)
{
    va_list pointers;
    uintptr_t sum = 0;
    va_start(pointers, count);
    for (int i = 0; i < count; i++)
        sum += (uintptr_t)va_arg(pointers, void *);
    va_end(pointers);
    return (long)(sum % 997);
}

int shared_counter = 12;
static const char *const build_name = "sample";
static _Thread_local long thread_total = 5;

HOLDS long hold_statics(int seed)
{
    static int calls;
    static char last_name[8] = "none";
    static _Thread_local int calls_in_thread = 3;
    extern int shared_counter;
    calls += seed;
    calls_in_thread += seed;
    thread_total += seed;
    shared_counter += seed;
    memcpy(last_name, build_name, strlen(build_name) + 1);
    long below = hold_scopes(seed);
    return below + calls + last_name[0] + calls_in_thread + thread_total + shared_counter;
}

HOLDS long hold_scopes(int seed)
{
    int value = seed;
    long total = 0;
    for (int value = 10; value < 12 + seed; value++) { /* shadows the outer one on purpose */
        int square = value * value;
        if (value == 11) {
            const char *value = "innermost";
            char first = value[seed];
            total += hold_vectors(seed) + first + (long)strlen(value);
        } else {
            double not_in_scope = value / 2.0;
            total += (long)not_in_scope;
        }
        total += square;
    }
    {
        unsigned later = (unsigned)seed;
        total += later;
    }
    return total + value;
}

typedef int vector4 __attribute__((vector_size(16)));
typedef float vector4f __attribute__((vector_size(16)));

HOLDS long hold_vectors(int seed)
{
    vector4 lanes = {1, 2, 3, seed};
    vector4f weights = {0.5f, 1.5f, 2.5f, (float)seed};
    register float in_register = 1.25f * (float)seed;
    register long also_in_register = 77L * seed;
    unsigned columns = 3u * (unsigned)seed;
    int row[columns];
    for (unsigned i = 0; i < columns; i++)
        row[i] = (int)(i * 11);
    lanes += lanes;
    weights *= weights;
    long below = hold_formats(seed);
    return below + lanes[seed] + (long)weights[seed] + (long)in_register + also_in_register + row[seed];
}

/* --- what optimisation makes of variables --- */

struct span {
    const char *begin;
    const char *end;
};

/* At -O2 the span lives in two registers, or in pieces of which some are constants. */
static inline __attribute__((always_inline)) long measure(struct span span)
{
    long length = span.end - span.begin;
    const struct span *whole = &span; /* points at what may have no address: an implicit pointer */
    long twice = 2 * (whole->end - whole->begin);
    block_here();
    return length + twice;
}

/* No parameter is needed after the call: a debugger gets them from the caller's call site, if at all. */
static HOLDS long only_by_entry_value(int request, const char *verb, double weight)
{
    printf("%d %s %.2f\n", request, verb, weight);
    fflush(stdout);
    block_here();
    return 1;
}

static HOLDS long hold_constants(int seed)
{
    const int limit = 4096;
    const double threshold = 0.75;
    const char *const verb = "DELETE";
    int computed = limit / 4 + 1;
    struct span fixed = {verb, verb + 6};
    uint64_t gone = (uint64_t)seed * 3; /* used before the call only */
    long below = (long)(gone & 1) + only_by_entry_value(seed + 41, verb, threshold * 2);
    return below + computed + (fixed.end - fixed.begin) + limit;
}

static HOLDS long hold_pieces(const char *text, int seed)
{
    struct span span = {text + seed, text + strlen(text)};
    return measure(span) + seed;
}

static void on_signal(int signo, siginfo_t *info, void *context)
{
    siginfo_t copy = *info;
    int from_us = copy.si_code == SI_TKILL;
    if (hold_constants(signo) == 0 || !context || !from_us)
        thread_total = 0;
}

HOLDS long hold_optimised(int seed)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    int result = raise(SIGUSR1);
    return result + seed;
}

static void variables_in_pieces(int argc, char **argv)
{
    (void)argv;
    printf("%ld\n", hold_pieces("text of a span", argc + 1));
}

const struct scenario piece_scenarios[] = {
    {"variables-in-pieces", "", variables_in_pieces},
    {NULL, NULL, NULL},
};
