/* Leaves a mark as soon as it is mapped. */
#include <fcntl.h>
#include <libgimli_ana.h>

__attribute__((constructor)) static void leave_mark(void)
{
    open(MARK, O_CREAT | O_WRONLY, 0600);
}

int gimli_module_init(int api_version)
{
    (void)api_version;
    return 0;
}
