/* A target in a guise of its argument's name: what it says of itself in /proc is made to mislead. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

static volatile char *cut_off;

static int inner(int secret)
{
    volatile char *text = cut_off;
    puts("ready");
    fflush(stdout);
    pause();
    return secret + (text != NULL);
}

/* Commands to the terminal and lines of a report, wherever a process may put them. */
static void names(char **arguments)
{
    char line[] = "\033]0;owned\007\033[2J\nThread 9 (LWP 1) forged\n#0  0x0 forged`frame";
    prctl(PR_SET_NAME, "\033[31m\nforged");
    memcpy(arguments[1], line, strlen(arguments[1]));
    if (mkdtemp(strcpy(line, "/tmp/gimli\033[2J\nXXXXXX")) && (chdir(line) || rmdir(line)))
        exit(1);
}

static void mappings(void)
{
    for (int count = 0; count < 60000; count++)
        mmap(NULL, 4096, count % 2 ? PROT_READ : PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* The ELF header in memory, and the auxiliary vector where that is permitted. */
static void wiped(void)
{
    extern char __executable_start[];
    unsigned long words[] = {3, 1, 4, ~0ul, 5, ~0ul, 9, 0xdead, 33, 0x1000};
    if (mprotect(__executable_start, 4096, PROT_READ | PROT_WRITE))
        exit(1);
    memset(__executable_start, 0xff, 4096);
    prctl(PR_SET_MM, PR_SET_MM_AUXV, words, sizeof words, 0);
}

/* A variable points into a mapping whose file was cut off. */
static void cut(void)
{
    char name[] = "/tmp/gimli-cut-XXXXXX";
    int file = mkstemp(name);
    if (file < 0 || unlink(name) || ftruncate(file, 8192))
        exit(1);
    cut_off = mmap(NULL, 8192, PROT_READ, MAP_SHARED, file, 0);
    if (ftruncate(file, 0))
        exit(1);
}

/* Code that no file has: push %rbp; mov %rsp,%rbp; mov %esi,%edi; call *%rdx; pop %rbp; ret */
static int generated(void)
{
    static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0x89, 0xf7, 0xff, 0xd2, 0x5d, 0xc3};
    void *place = mmap(
        NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(place, code, sizeof code);
    int (*call)(int, int, int (*)(int));
    memcpy(&call, &place, sizeof call);
    return call(0, 42, inner);
}

int main(int count, char **arguments)
{
    const char *guise = count > 1 ? strdup(arguments[1]) : "";
    if (!strncmp(guise, "names", 5))
        names(arguments);
    if (!strcmp(guise, "mappings"))
        mappings();
    if (!strcmp(guise, "undumpable"))
        prctl(PR_SET_DUMPABLE, 0);
    if (!strcmp(guise, "wiped"))
        wiped();
    if (!strcmp(guise, "cut"))
        cut();
    if (!strcmp(guise, "generated"))
        return generated();
    return inner(42);
}
