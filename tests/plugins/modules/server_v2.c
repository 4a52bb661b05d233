/* What an operator wants to know of the C sample server, with the means of version 2: the section
 * after the threads, something at every thread, hidden frames, and values of its own words. */
#include <libgimli_ana.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stats {
    unsigned long connections, requests, errors;
};

static int begin_thread(const struct gimli_ana_api *api, const char *object, int tid, int nframes, void **pcs,
                        void **contexts)
{
    (void)api, (void)object, (void)pcs, (void)contexts;
    printf("thread %d: %d frames\n", tid, nframes);
    return GIMLI_ANA_CONTINUE;
}

static void end_thread(const struct gimli_ana_api *api, const char *object, int tid, int nframes, void **pcs,
                       void **contexts)
{
    (void)api, (void)object, (void)nframes, (void)pcs, (void)contexts;
    printf("end of thread %d\n", tid);
}

/* Whether the function of a frame is `wanted`, by the name of its pc. */
static int is_function(const struct gimli_ana_api *api, void *pc, const char *wanted)
{
    char name[512];
    const char *symbol = strchr(api->sym_name(pc, name, sizeof name), '`');
    size_t length = strlen(wanted);
    return symbol && strncmp(symbol + 1, wanted, length) == 0 && symbol[1 + length] == '+';
}

static int before_frame(const struct gimli_ana_api *api, const char *object, int tid, int frameno, void *pc,
                        void *context)
{
    const char *datatype;
    void *address;
    uint64_t size;
    int connection, line;
    char file[512];
    (void)object, (void)tid, (void)frameno;
    if (is_function(api, pc, "run_worker"))
        return GIMLI_ANA_SUPPRESS;
    if (is_function(api, pc, "serve_connection") &&
        api->get_parameter(context, "connection", &datatype, &address, &size) && size == sizeof connection &&
        api->read_mem(address, &connection, (int)size) == (int)size && api->get_source_info(pc, file, sizeof file, &line))
        printf("%s of %d bytes is open: %s, %s\n", datatype, (int)size, connection > 2 ? "yes" : "no",
               strrchr(file, '/') ? strrchr(file, '/') + 1 : file);
    return GIMLI_ANA_CONTINUE;
}

static void after_frame(const struct gimli_ana_api *api, const char *object, int tid, int frameno, void *pc,
                        void *context)
{
    (void)object, (void)tid, (void)frameno, (void)context;
    if (is_function(api, pc, "serve_connection"))
        puts("that was a connection");
}

static int before_variable(const struct gimli_ana_api *api, const char *object, int tid, int frameno, void *pc,
                           void *context, const char *datatype, const char *name, void *address, uint64_t size)
{
    int point[2];
    (void)object, (void)tid, (void)frameno, (void)pc, (void)context;
    if (strcmp(datatype, "struct point") == 0 && size == sizeof point &&
        api->read_mem(address, point, sizeof point) == sizeof point) {
        printf("point %s is (%d|%d)\n", name, point[0], point[1]);
        return GIMLI_ANA_SUPPRESS;
    }
    /* Hidden without a word. */
    return strcmp(name, "unnamed") == 0 ? GIMLI_ANA_SUPPRESS : GIMLI_ANA_CONTINUE;
}

static void after_variable(const struct gimli_ana_api *api, const char *object, int tid, int frameno, void *pc,
                           void *context, const char *datatype, const char *name, void *address, uint64_t size)
{
    (void)api, (void)object, (void)tid, (void)frameno, (void)pc, (void)context, (void)datatype, (void)address, (void)size;
    if (strcmp(name, "header") == 0)
        puts("that was the header");
}

static void perform_trace(const struct gimli_ana_api *api, const char *object)
{
    char name[512], latest[64], *text = api->get_string_symbol(object, "my_str_ptr");
    int number;
    struct stats stats;
    struct {
        unsigned next;
        unsigned long written;
        long when;
        char text[96];
    } log;
    struct gimli_symbol *symbol = api->sym_lookup(object, "server_log");
    if (text)
        printf("greeting: %s\n", text);
    free(text);
    if (api->copy_from_symbol(object, "my_int", 0, &number, sizeof number))
        printf("requests: %d\n", number);
    if (api->copy_from_symbol(object, "my_str", 0, latest, sizeof latest))
        printf("latest: %s\n", latest);
    if (api->copy_from_symbol(object, "my_foo_ptr", 1, &number, sizeof number))
        printf("keys: %d\n", number);
    if (api->copy_from_symbol(object, "server_state", 0, &number, sizeof number))
        printf("state: %d\n", number);
    if (api->copy_from_symbol(object, "server_stats", 0, &stats, sizeof stats))
        printf("stats: %lu connections, %lu requests, %lu errors\n", stats.connections, stats.requests, stats.errors);
    if (api->copy_from_symbol(object, "server_log", 0, &log, sizeof log))
        printf("log: %lu lines, first: %s\n", log.written, log.text);
    if (symbol)
        printf("%s\n", api->sym_name((void *)(uintptr_t)(symbol->addr + 8), name, sizeof name));
}

static struct gimli_ana_module module = {
    .api_version = 2,
    .perform_trace = perform_trace,
    .on_begin_thread_trace = begin_thread,
    .before_print_frame = before_frame,
    .before_print_frame_var = before_variable,
    .after_print_frame_var = after_variable,
    .after_print_frame = after_frame,
    .on_end_thread_trace = end_thread,
};

struct gimli_ana_module *gimli_ana_init(const struct gimli_ana_api *api)
{
    return api->api_version >= 2 ? &module : NULL;
}
