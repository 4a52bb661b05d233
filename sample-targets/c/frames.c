/* Shapes of stacks: deep, inlined, without frame pointers, with moving stack pointers, through other objects. */
#include "libsample/sample.h"
#include "scenario.h"

#include <alloca.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- deep recursion: a directory walk that goes down a given number of levels --- */

static __attribute__((noinline)) unsigned long walk_directory(unsigned level, unsigned levels)
{
    unsigned long entries = level * 2UL;
    if (level == levels)
        block_here();
    else
        entries += walk_directory(level + 1, levels);
    return entries + level;
}

static void deep_recursion(int argc, char **argv)
{
    unsigned levels = argument(argc, argv, 0, 200, 100000);
    printf("%lu entries\n", walk_directory(1, levels));
}

/* --- inlined calls: a header parser whose pieces the compiler folds into one function --- */

struct header {
    char name[16];
    long value;
};

static inline __attribute__((always_inline)) int digit_value(char digit)
{
    int value = digit - '0';
    if (value == 7)
        block_here();
    return value;
}

static inline __attribute__((always_inline)) long parse_number(const char *text, const char *end)
{
    long number = 0;
    for (const char *at = text; at < end; at++) {
        int next = digit_value(*at);
        number = number * 10 + next;
    }
    return number;
}

static inline __attribute__((always_inline)) int parse_header(const char *line, struct header *header)
{
    const char *colon = strchr(line, ':');
    size_t name_length = colon ? (size_t)(colon - line) : 0;
    if (!colon || name_length >= sizeof header->name)
        return 0;
    memcpy(header->name, line, name_length);
    header->value = parse_number(colon + 1, line + strlen(line));
    return 1;
}

static __attribute__((noinline)) int parse_request(const char *line)
{
    struct header header = {.value = -1};
    int parsed = parse_header(line, &header);
    printf("%s is %ld\n", header.name, header.value);
    return parsed;
}

static void inlined(int argc, char **argv)
{
    (void)argc, (void)argv;
    parse_request("length:4179");
}

/* --- stacks whose frame size is known only at run time --- */

static __attribute__((noinline)) int checksum_vla(size_t rows, size_t columns)
{
    int grid[rows][columns];
    int sum = 0;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            sum += grid[r][c] = (int)(r * 10 + c);
    block_here();
    return sum + grid[rows - 1][columns - 1];
}

static void vla(int argc, char **argv)
{
    unsigned rows = argument(argc, argv, 0, 3, 100);
    printf("sum %d\n", checksum_vla(rows, 5));
}

static __attribute__((noinline)) size_t join_path(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = alloca(size);
    snprintf(path, size, "%s/%s", folder, name);
    block_here();
    return strlen(path);
}

static void with_alloca(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("%zu\n", join_path("/var/spool/sample", "queue.db"));
}

/* --- frames in other objects: libc's qsort, libsample, a library loaded later --- */

struct route {
    const char *prefix;
    int cost;
};

static int compare_routes(const void *left, const void *right)
{
    const struct route *a = left, *b = right;
    if (a->cost == 7 || b->cost == 7)
        block_here();
    return (a->cost > b->cost) - (a->cost < b->cost);
}

static void qsort_callback(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct route routes[] = {{"10.0.0.0/8", 20}, {"192.168.0.0/16", 7}, {"0.0.0.0/0", 100}};
    qsort(routes, sizeof routes / sizeof routes[0], sizeof routes[0], compare_routes);
    printf("best route %s\n", routes[0].prefix);
}

static long visit_job(struct sample_job *job, void *closure)
{
    long *remaining = closure;
    if (--*remaining == 0)
        block_here();
    return (long)(job->weight * 10.0);
}

static void library_callback(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct sample_job jobs[] = {{1, "index", 0.5}, {2, "compact", 1.25}, {3, "flush", 8.0}};
    long remaining = 2;
    printf("%ld\n", sample_visit_jobs(jobs, sizeof jobs / sizeof jobs[0], visit_job, &remaining));
}

struct extension_request {
    const char *verb;
    int attempt;
};

static int on_extension_request(const struct extension_request *request)
{
    int known = strcmp(request->verb, "reload") == 0;
    block_here();
    return known;
}

static void dlopened(int argc, char **argv)
{
    (void)argc, (void)argv;
    void *library = dlopen("plugin.so", RTLD_NOW);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    int (*run)(int (*)(const struct extension_request *), int);
    *(void **)&run = dlsym(library, "extension_run");
    if (!run) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    printf("%d\n", run(on_extension_request, 3));
    dlclose(library);
}

void without_frame_pointers(int argc, char **argv);

const struct scenario frame_scenarios[] = {
    {"deep-recursion", "[FRAMES]", deep_recursion},
    {"inlined", "", inlined},
    {"no-frame-pointer", "[FRAMES]", without_frame_pointers},
    {"vla", "[ROWS]", vla},
    {"alloca", "", with_alloca},
    {"qsort-callback", "", qsort_callback},
    {"library-callback", "", library_callback},
    {"dlopen", "", dlopened},
    {NULL, NULL, NULL},
};
