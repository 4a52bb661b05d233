/* Says so as soon as it is mapped. */
#include <libgimli_ana.h>
#include <stdio.h>

__attribute__((constructor)) static void say_so(void)
{
    puts("a constructor ran");
}

int gimli_module_init(int api_version)
{
    (void)api_version;
    return 0;
}
