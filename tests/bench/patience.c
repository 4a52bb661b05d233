/* Preloaded into a program that valgrind counts: a child that is to be killed gets the time to end by
 * itself first, because callgrind writes its counts when the process ends. A child that only sleeps
 * will not end. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOKS = 6000, LOOK_US = 10000, ASLEEP_LOOKS = 50 };

static int sleeps(pid_t pid)
{
    char path[64], stat[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    size_t length = fread(stat, 1, sizeof stat - 1, file);
    fclose(file);
    stat[length] = 0;
    const char *state = strrchr(stat, ')');
    return state && strncmp(state, ") S", 3) == 0;
}

int kill(pid_t pid, int signal)
{
    int asleep = 0;
    for (int look = 0; signal == SIGKILL && look < LOOKS && asleep < ASLEEP_LOOKS; look++) {
        siginfo_t ended = {0};
        if (waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT | WNOHANG) < 0 || ended.si_pid == pid)
            break;
        usleep(LOOK_US);
        asleep = sleeps(pid) ? asleep + 1 : 0;
    }
    return (int)syscall(SYS_kill, pid, signal);
}
