/* Tells what version 2 says of the process as a whole. */
#include <libgimli_ana.h>
#include <stdio.h>

static void perform_trace(const struct gimli_ana_api *api, const char *object)
{
    const struct gimli_proc_stat *status = api->get_proc_status();
    (void)object;
    printf("%d %zu %zu\n", (int)status->pid, status->pr_size, status->pr_rssize);
}

static struct gimli_ana_module module = {.api_version = 2, .perform_trace = perform_trace};

struct gimli_ana_module *gimli_ana_init(const struct gimli_ana_api *api)
{
    return api->api_version >= 2 ? &module : NULL;
}
