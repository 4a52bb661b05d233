/* Says its name and the object that it was loaded for. */
#include <libgimli_ana.h>
#include <stdio.h>

static void perform_trace(const struct gimli_ana_api *api, const char *object)
{
    (void)api;
    printf("%s for %s\n", NAME, object);
}

static struct gimli_ana_module module = {.api_version = 2, .perform_trace = perform_trace};

struct gimli_ana_module *gimli_ana_init(const struct gimli_ana_api *api)
{
    (void)api;
    return &module;
}
