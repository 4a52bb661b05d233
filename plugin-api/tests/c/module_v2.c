/* The example of slides.c with every hook and function of version 2. */
#include <libgimli_ana.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct foo {
    int value;
};

static int begin_thread(const struct gimli_ana_api *api, const char *object, int tid, int nframes,
                        void **pcaddrs, void **contexts)
{
    char name[256];
    printf("thread %d of %s has %d frames\n", tid, object, nframes);
    if (nframes > 0 && contexts[0]) {
        printf("innermost: %s\n", api->sym_name(pcaddrs[0], name, sizeof(name)));
    }
    return GIMLI_ANA_CONTINUE;
}

static void end_thread(const struct gimli_ana_api *api, const char *object, int tid, int nframes,
                       void **pcaddrs, void **contexts)
{
    (void)api, (void)object, (void)pcaddrs, (void)contexts;
    printf("end of thread %d after %d frames\n", tid, nframes);
}

static int before_frame(const struct gimli_ana_api *api, const char *object, int tid, int frameno, void *pcaddr,
                        void *context)
{
    char file[256];
    int line;
    const char *datatype;
    void *addr;
    uint64_t size;
    (void)object, (void)tid;
    if (api->get_source_info(pcaddr, file, sizeof(file), &line)) {
        printf("frame %d is at %s:%d\n", frameno, file, line);
    }
    if (api->get_parameter(context, "pointer", &datatype, &addr, &size)) {
        void *pointer;
        struct foo foo;
        if (size == sizeof(pointer) && api->read_mem(addr, &pointer, (int)size) == (int)size &&
            api->read_mem(pointer, &foo, sizeof(foo)) == sizeof(foo)) {
            printf("%s pointer points at a foo of %d\n", datatype, foo.value);
        }
    }
    return GIMLI_ANA_CONTINUE;
}

static void after_frame(const struct gimli_ana_api *api, const char *object, int tid, int frameno, void *pcaddr,
                        void *context)
{
    (void)api, (void)object, (void)tid, (void)pcaddr, (void)context;
    printf("after frame %d\n", frameno);
}

static int before_variable(const struct gimli_ana_api *api, const char *object, int tid, int frameno,
                           void *pcaddr, void *context, const char *datatype, const char *varname,
                           void *varaddr, uint64_t varsize)
{
    (void)api, (void)object, (void)tid, (void)frameno, (void)pcaddr, (void)context;
    if (strcmp(varname, "password") == 0) {
        printf("%s %s is not shown, it has %" PRIu64 " bytes\n", datatype, varname, varsize);
        return varaddr ? GIMLI_ANA_SUPPRESS : GIMLI_ANA_CONTINUE;
    }
    return GIMLI_ANA_CONTINUE;
}

static void after_variable(const struct gimli_ana_api *api, const char *object, int tid, int frameno,
                           void *pcaddr, void *context, const char *datatype, const char *varname,
                           void *varaddr, uint64_t varsize)
{
    (void)api, (void)object, (void)tid, (void)frameno, (void)pcaddr, (void)context, (void)datatype;
    (void)varaddr, (void)varsize;
    if (strcmp(varname, "local") == 0) {
        printf("that was local\n");
    }
}

static void perform_trace(const struct gimli_ana_api *api, const char *object)
{
    const struct gimli_proc_stat *stat = api->get_proc_status();
    char *text = api->get_string_symbol(object, "my_str_ptr");
    char buf[1024];
    int value, line;
    struct foo foo;
    void *pointer;
    struct gimli_symbol *symbol = api->sym_lookup(object, "my_str");

    printf("%s\n", text ? text : "null");
    free(text);
    if (api->copy_from_symbol(object, "my_int", 0, &value, sizeof(value))) {
        printf("my_int: %d\n", value);
    }
    text = symbol ? api->read_string((void *)(uintptr_t)symbol->addr) : NULL;
    printf("my_str: %s\n", text ? text : "null");
    free(text);
    if (api->copy_from_symbol(object, "my_foo", 0, &foo, sizeof(foo))) {
        printf("foo.value: %d\n", foo.value);
    }
    if (api->copy_from_symbol(object, "my_foo_ptr", 1, &foo, sizeof(foo))) {
        printf("foo_ptr->value: %d\n", foo.value);
    }
    if (api->copy_from_symbol(object, "my_function_ptr", 0, &pointer, sizeof(pointer))) {
        printf("%p = %s\n", pointer, api->sym_name(pointer, buf, sizeof(buf)));
        if (api->get_source_info(pointer, buf, sizeof(buf), &line)) {
            printf("%p => %s:%d\n", pointer, buf, line);
        }
    }
    if (stat->pr_rssize <= stat->pr_size) {
        printf("process %d\n", (int)stat->pid);
    }
}

static struct gimli_ana_module module = {
    .api_version = GIMLI_ANA_API_VERSION,
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
