/* A module as they were first written: one hook, the first four functions. */
#include <libgimli_ana.h>
#include <stdio.h>
#include <stdlib.h>

static void perform_trace(const struct gimli_ana_api *api, const char *object)
{
    struct gimli_symbol *symbol = api->sym_lookup(object, "my_int");
    char name[256];
    int value;
    if (symbol && api->read_mem((void *)(intptr_t)symbol->addr, &value, sizeof(value)) == sizeof(value)) {
        printf("my_int: %d\n", value);
        printf("%s %s\n", symbol->name, symbol->rawname);
        printf("%s\n", api->sym_name((void *)(intptr_t)symbol->addr, name, sizeof(name)));
    }
    symbol = api->sym_lookup(NULL, "my_str");
    if (symbol) {
        char *text = api->read_string((void *)(intptr_t)symbol->addr);
        printf("my_str: %s\n", text ? text : "null");
        free(text);
    }
    if (api->read_mem(NULL, &value, sizeof(value)) == 0) {
        printf("nothing at NULL\n");
    }
}

static struct gimli_ana_module module = {1, perform_trace, NULL, NULL, NULL, NULL, NULL, NULL};

struct gimli_ana_module *gimli_ana_init(const struct gimli_ana_api *api)
{
    return api->api_version >= 1 ? &module : NULL;
}
