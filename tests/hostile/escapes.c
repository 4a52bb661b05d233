/* A plugin that tries what it may not do, and prints how each attempt ended. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libgimli_ana.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *what, long result)
{
    printf("%s: %s\n", what, result >= 0 ? "done" : strerror(errno));
}

/* The parent of a process, 0 when it cannot be read: proc_pid_stat(5). */
static pid_t parent_of(pid_t pid)
{
    char path[64];
    int parent = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *stat = fopen(path, "r");
    if (stat) {
        if (fscanf(stat, "%*d (%*[^)]) %*c %d", &parent) != 1)
            parent = 0;
        fclose(stat);
    }
    return parent;
}

static void attempt(const gimli_proc_t proc)
{
    pid_t target = gimli_proc_pid(proc);
    char byte;
    struct iovec local = {&byte, 1}, remote = {&byte, 1};

    printf("user: %d %d %d\n", getuid(), geteuid(), getegid());
    printf("groups: %d\n", getgroups(0, NULL));
    say("become root", setuid(0));
    say("trace", ptrace(PTRACE_SEIZE, target, 0, 0));
    say("read memory", process_vm_readv(target, &local, 1, &remote, 1, 0));
    say("signal the target", kill(target, 0));
    say("signal the keeper", kill(parent_of(getppid()), 0));
    say("make a file", open("/tmp/gimli-escaped", O_CREAT | O_WRONLY, 0600));
    say("make a folder", mkdir("/tmp/gimli-escaped-folder", 0700));
    say("open a socket", socket(AF_INET, SOCK_STREAM, 0));
    say("execute", execl("/bin/true", "true", (char *)NULL));
    say("load a library", dlopen("libm.so.6", RTLD_NOW) ? 0 : -1);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    say("fork", child);
    waitpid(child, NULL, 0);
    fflush(stdout);
}

static void global_trace(gimli_proc_t proc, void *data)
{
    (void)data;
    attempt(proc);
}

int gimli_module_init(int api_version)
{
    (void)api_version;
    gimli_module_register_tracer((void *)global_trace, NULL);
    return 1;
}
