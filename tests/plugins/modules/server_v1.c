/* What an operator wants to know of the C sample server, with the means of version 1. */
#include <libgimli_ana.h>
#include <stdio.h>
#include <stdlib.h>

struct stats {
    unsigned long connections, requests, errors;
};

static int read_global(const struct gimli_ana_api *api, const char *object, const char *name, void *into, int size)
{
    struct gimli_symbol *symbol = api->sym_lookup(object, name);
    return symbol && api->read_mem((void *)(uintptr_t)symbol->addr, into, size) == size;
}

static void perform_trace(const struct gimli_ana_api *api, const char *object)
{
    char name[512], *text, latest[64];
    void *greeting;
    int number;
    struct stats stats;
    struct gimli_symbol *log = api->sym_lookup(object, "server_log");
    unsigned long written;
    if (read_global(api, object, "my_str_ptr", &greeting, sizeof greeting) && (text = api->read_string(greeting))) {
        printf("greeting: %s\n", text);
        free(text);
    }
    if (read_global(api, object, "my_int", &number, sizeof number))
        printf("requests: %d\n", number);
    if (read_global(api, object, "my_str", latest, sizeof latest))
        printf("latest: %s\n", latest);
    if (read_global(api, object, "my_foo", &number, sizeof number))
        printf("keys: %d\n", number);
    if (read_global(api, object, "server_state", &number, sizeof number))
        printf("state: %d\n", number);
    if (read_global(api, object, "server_stats", &stats, sizeof stats))
        printf("stats: %lu connections, %lu requests, %lu errors\n", stats.connections, stats.requests, stats.errors);
    if (log && api->read_mem((void *)(uintptr_t)(log->addr + 8), &written, sizeof written) == sizeof written &&
        (text = api->read_string((void *)(uintptr_t)(log->addr + 24)))) {
        printf("log: %lu lines, first: %s\n", written, text);
        free(text);
    }
    if (log)
        printf("%s\n", api->sym_name((void *)(uintptr_t)(log->addr + 8), name, sizeof name));
}

static struct gimli_ana_module module = {.api_version = 1, .perform_trace = perform_trace};

struct gimli_ana_module *gimli_ana_init(const struct gimli_ana_api *api)
{
    return api->api_version >= 1 ? &module : NULL;
}
