/* Runs code that no file holds, as a just-in-time compiler makes it, and tells perf its name; with an
   argument, in shared memory, which has a name of its own. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void wait_for_ever(void)
{
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    /* push %rbp; mov %rsp,%rbp; sub $32,%rsp; call *%rdi; leave; ret */
    static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, 0x20, 0xff, 0xd7, 0xc9, 0xc3};
    int memory = argc > 1 ? memfd_create(argv[1], 0) : -1;
    if (memory != -1 && ftruncate(memory, 4096) != 0)
        return 1;
    unsigned char *made = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                               memory == -1 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, memory, 0);
    memcpy(made + 0x40, code, sizeof code);
    char path[64];
    snprintf(path, sizeof path, "/tmp/perf-%d.map", (int)getpid());
    FILE *map = fopen(path, "w");
    if (map == NULL)
        return 1;
    fprintf(map, "%lx %zx LazyCompile:~work /srv/app.js:3\n", (unsigned long)(made + 0x40), sizeof code);
    fclose(map);
    ((void (*)(void (*)(void)))(made + 0x40))(wait_for_ever);
    return 0;
}
