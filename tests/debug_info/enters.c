/* Makes the file system mounted at the folder named first the whole world, as containers are
   entered, and becomes the program named second. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 3 || chdir(argv[1]) != 0 || mkdir("old", 0700) != 0 || syscall(SYS_pivot_root, ".", "old") != 0 ||
        umount2("/old", MNT_DETACH) != 0 || chdir("/") != 0)
        return perror("enter"), 1;
    execv(argv[2], argv + 2);
    return perror(argv[2]), 1;
}
