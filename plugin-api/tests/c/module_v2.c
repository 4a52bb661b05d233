/* A module that uses every hook and function of version 2. */
#include <libgimli_ana.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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
    if (api->get_parameter(context, "argc", &datatype, &addr, &size)) {
        int argc;
        if (size == sizeof(argc) && api->read_mem(addr, &argc, (int)size) == (int)size) {
            printf("%s argc = %d\n", datatype, argc);
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
        printf("%s %s is not shown, %" PRIu64 " bytes at %p\n", datatype, varname, varsize, varaddr);
        return GIMLI_ANA_SUPPRESS;
    }
    return GIMLI_ANA_CONTINUE;
}

static void after_variable(const struct gimli_ana_api *api, const char *object, int tid, int frameno,
                           void *pcaddr, void *context, const char *datatype, const char *varname,
                           void *varaddr, uint64_t varsize)
{
    (void)api, (void)object, (void)tid, (void)frameno, (void)pcaddr, (void)context, (void)datatype;
    (void)varaddr, (void)varsize;
    if (strcmp(varname, "argc") == 0) {
        printf("that was argc\n");
    }
}

static void perform_trace(const struct gimli_ana_api *api, const char *object)
{
    const struct gimli_proc_stat *stat = api->get_proc_status();
    char *text = api->get_string_symbol(object, "my_str_ptr");
    int value;
    printf("pid %d, %zu of %zu bytes resident\n", (int)stat->pid, stat->pr_rssize, stat->pr_size);
    printf("my_str_ptr: %s\n", text ? text : "null");
    if (api->copy_from_symbol(object, "my_int", 0, &value, sizeof(value))) {
        printf("my_int: %d\n", value);
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
