/* Deep calls that keep no frame pointer, even at -O0: only call frame information finds the callers. */
#ifndef __clang__ /* clang knows no such pragma; there the optimised builds serve. */
#pragma GCC optimize("omit-frame-pointer")
#endif
#include "scenario.h"

#include <stdio.h>

void without_frame_pointers(int argc, char **argv);

struct visit {
    unsigned level;
    unsigned levels;
    unsigned long visited[8];
};

static unsigned long visit_even(struct visit visit);

static __attribute__((noinline)) unsigned long visit_odd(struct visit visit)
{
    visit.visited[visit.level % 8]++;
    visit.level++;
    if (visit.level >= visit.levels) {
        block_here();
        return visit.visited[1];
    }
    return visit_even(visit) + visit.level;
}

static __attribute__((noinline)) unsigned long visit_even(struct visit visit)
{
    unsigned long more[4] = {visit.level, visit.levels};
    visit.level++;
    if (visit.level >= visit.levels)
        block_here();
    else
        more[2] = visit_odd(visit);
    return more[0] + more[1] + more[2] + more[3];
}

void without_frame_pointers(int argc, char **argv)
{
    unsigned levels = argument(argc, argv, 0, 30, 10000);
    printf("%lu\n", visit_even((struct visit){.levels = levels}));
}
