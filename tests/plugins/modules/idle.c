/* Has every hook of version 2, and each does nothing but count: what the count comes to is told at the end. */
#include <libgimli_ana.h>
#include <stdio.h>

static unsigned long threads, frames, values, ends;

static int thread(const struct gimli_ana_api *api, const char *object, int tid, int nframes, void **pcs, void **contexts)
{
    (void)api, (void)object, (void)tid, (void)nframes, (void)pcs, (void)contexts;
    threads++;
    return GIMLI_ANA_CONTINUE;
}

static void after_thread(const struct gimli_ana_api *api, const char *object, int tid, int nframes, void **pcs, void **contexts)
{
    (void)api, (void)object, (void)tid, (void)nframes, (void)pcs, (void)contexts;
}

static int frame(const struct gimli_ana_api *api, const char *object, int tid, int frameno, void *pc, void *context)
{
    (void)api, (void)object, (void)tid, (void)frameno, (void)pc, (void)context;
    frames++;
    return GIMLI_ANA_CONTINUE;
}

static void after_frame(const struct gimli_ana_api *api, const char *object, int tid, int frameno, void *pc, void *context)
{
    (void)api, (void)object, (void)tid, (void)frameno, (void)pc, (void)context;
}

static int variable(const struct gimli_ana_api *api, const char *object, int tid, int frameno, void *pc, void *context,
                    const char *datatype, const char *name, void *address, uint64_t size)
{
    (void)api, (void)object, (void)tid, (void)frameno, (void)pc, (void)context, (void)datatype, (void)name, (void)address, (void)size;
    values++;
    return GIMLI_ANA_CONTINUE;
}

static void after_variable(const struct gimli_ana_api *api, const char *object, int tid, int frameno, void *pc, void *context,
                           const char *datatype, const char *name, void *address, uint64_t size)
{
    (void)api, (void)object, (void)tid, (void)frameno, (void)pc, (void)context, (void)datatype, (void)name, (void)address, (void)size;
    ends++;
}

static void perform_trace(const struct gimli_ana_api *api, const char *object)
{
    (void)api, (void)object;
    printf("called for %lu threads, %lu frames, %lu values, %lu ends of values\n", threads, frames, values, ends);
}

static struct gimli_ana_module module = {
    .api_version = 2,
    .perform_trace = perform_trace,
    .on_begin_thread_trace = thread,
    .before_print_frame = frame,
    .before_print_frame_var = variable,
    .after_print_frame_var = after_variable,
    .after_print_frame = after_frame,
    .on_end_thread_trace = after_thread,
};

struct gimli_ana_module *gimli_ana_init(const struct gimli_ana_api *api)
{
    (void)api;
    return &module;
}
