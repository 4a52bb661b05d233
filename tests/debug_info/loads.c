/* Gets the library made of shipped.c into memory in an unusual way, and waits in it:
   "twice FILE", "memfd FILE" or "archive FILE OFFSET". */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef int (*outer_function)(int, void (*)(void));

static outer_function second;

static void wait_for_ever(void)
{
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    for (;;)
        pause();
}

static void wait_in_second(void)
{
    second(5, wait_for_ever);
}

static void *require(void *value)
{
    if (value == NULL) {
        puts(dlerror());
        exit(1);
    }
    return value;
}

/* Maps the segments of an ELF file that lies in another file; it needs no relocation. */
static outer_function map_from_archive(const char *path, off_t start)
{
    int file = open(path, O_RDONLY);
    unsigned char *image = mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE, file, start);
    Elf64_Ehdr *header = (Elf64_Ehdr *)image;
    Elf64_Phdr *segments = (Elf64_Phdr *)(image + header->e_phoff);
    char *base = mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int index = 0; index < header->e_phnum; index++) {
        Elf64_Phdr *segment = &segments[index];
        if (segment->p_type != PT_LOAD)
            continue;
        uint64_t skip = segment->p_vaddr & 4095;
        int rights = (segment->p_flags & PF_R ? PROT_READ : 0) | (segment->p_flags & PF_W ? PROT_WRITE : 0) |
                     (segment->p_flags & PF_X ? PROT_EXEC : 0);
        mmap(base + segment->p_vaddr - skip, segment->p_filesz + skip, rights, MAP_PRIVATE | MAP_FIXED, file,
             start + (off_t)(segment->p_offset - skip));
    }
    Elf64_Shdr *sections = (Elf64_Shdr *)(image + header->e_shoff);
    for (int index = 0; index < header->e_shnum; index++) {
        if (sections[index].sh_type != SHT_DYNSYM)
            continue;
        Elf64_Sym *symbols = (Elf64_Sym *)(image + sections[index].sh_offset);
        const char *names = (const char *)(image + sections[sections[index].sh_link].sh_offset);
        for (uint64_t symbol = 0; symbol < sections[index].sh_size / sizeof *symbols; symbol++)
            if (strcmp(names + symbols[symbol].st_name, "outer") == 0)
                return (outer_function)(base + symbols[symbol].st_value);
    }
    exit(1);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 1;
    if (strcmp(argv[1], "archive") == 0)
        return map_from_archive(argv[2], atol(argv[3]))(5, wait_for_ever);
    if (strcmp(argv[1], "twice") == 0) {
        second = (outer_function)dlsym(require(dlmopen(LM_ID_NEWLM, argv[2], RTLD_NOW)), "outer");
        outer_function first = (outer_function)dlsym(require(dlopen(argv[2], RTLD_NOW)), "outer");
        return first(5, wait_in_second);
    }
    int memory = memfd_create("library", 0), file = open(argv[2], O_RDONLY);
    static char bytes[1 << 20];
    ssize_t size = read(file, bytes, sizeof bytes);
    if (write(memory, bytes, (size_t)size) != size)
        return 1;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
    return ((outer_function)dlsym(require(dlopen(path, RTLD_NOW)), "outer"))(5, wait_for_ever);
}
