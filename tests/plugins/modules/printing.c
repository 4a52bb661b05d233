/* Prints in every way that C has. */
#include <libgimli_ana.h>
#include <stdio.h>
#include <unistd.h>

static int before_frame(const struct gimli_ana_api *api, const char *object, int tid, int frameno, void *pc, void *context)
{
    (void)api, (void)object, (void)tid, (void)pc, (void)context;
    printf("this is frame %d\n", frameno);
    return GIMLI_ANA_CONTINUE;
}

static void perform_trace(const struct gimli_ana_api *api, const char *object)
{
    (void)api, (void)object;
    printf("1 printf\n");
    puts("2 puts");
    if (write(STDOUT_FILENO, "3 write\n", 8) != 8)
        puts("write failed");
    fprintf(stderr, "4 stderr\n");
    printf("5 stdio again");
    fputs(" without an end", stdout);
}

static struct gimli_ana_module module = {
    .api_version = 2, .perform_trace = perform_trace, .before_print_frame = before_frame};

struct gimli_ana_module *gimli_ana_init(const struct gimli_ana_api *api)
{
    (void)api;
    return &module;
}
