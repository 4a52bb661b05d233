/* The program that is shipped in every way: a few frames, an inlined call among them, with
   parameters and variables that the optimiser must keep. With SHARED it is a library. */
#include <stdio.h>
#include <unistd.h>

struct point {
    int x;
    long y;
    const char *name;
};

/* Not zero: a library mapped by hand has no .bss. */
static struct point *volatile shown = (struct point *)1;

__attribute__((noinline)) static int wait_here(int depth, struct point *where, void (*wait)(void))
{
    volatile int kept = depth * 2 + 1;
    shown = where;
    wait();
    return kept + shown->x;
}

static inline __attribute__((always_inline)) int middle(int seed, struct point *place, void (*wait)(void))
{
    volatile int doubled = seed * 2;
    return wait_here(doubled, place, wait) + doubled;
}

__attribute__((noinline)) int outer(int argument, void (*wait)(void))
{
    struct point here = {argument, 40 + argument, "here"};
    int result = middle(argument + 1, &here, wait);
    return result + here.x;
}

#ifndef SHARED
static void wait_for_ever(void)
{
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    return outer(argc + 4, wait_for_ever) + (argv == NULL);
}
#endif
