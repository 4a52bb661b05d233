/* The example of slides.c with the first version of the interface: one hook, and what it needs. */
#include <libgimli_ana.h>
#include <stdio.h>
#include <stdlib.h>

struct foo {
    int value;
};

/* Copies a global variable. */
static int copy(const struct gimli_ana_api *api, const char *object, const char *name, void *dest, int size)
{
    struct gimli_symbol *symbol = api->sym_lookup(object, name);
    return symbol && api->read_mem((void *)(uintptr_t)symbol->addr, dest, size) == size;
}

static void perform_trace(const struct gimli_ana_api *api, const char *object)
{
    void *pointer;
    char *text = NULL;
    char buf[1024];
    int value;
    struct foo foo;

    if (copy(api, object, "my_str_ptr", &pointer, sizeof(pointer))) {
        text = api->read_string(pointer);
    }
    printf("%s\n", text ? text : "null");
    free(text);
    if (copy(api, object, "my_int", &value, sizeof(value))) {
        printf("my_int: %d\n", value);
    }
    if (copy(api, object, "my_str", buf, sizeof(buf))) {
        printf("my_str: %s\n", buf);
    }
    if (copy(api, object, "my_foo", &foo, sizeof(foo))) {
        printf("foo.value: %d\n", foo.value);
    }
    if (copy(api, object, "my_foo_ptr", &pointer, sizeof(pointer)) &&
        api->read_mem(pointer, &foo, sizeof(foo)) == sizeof(foo)) {
        printf("foo_ptr->value: %d\n", foo.value);
    }
    if (copy(api, object, "my_function_ptr", &pointer, sizeof(pointer))) {
        printf("%p = %s\n", pointer, api->sym_name(pointer, buf, sizeof(buf)));
    }
}

static struct gimli_ana_module module = {1, perform_trace, NULL, NULL, NULL, NULL, NULL, NULL};

struct gimli_ana_module *gimli_ana_init(const struct gimli_ana_api *api)
{
    return api->api_version >= 1 ? &module : NULL;
}
