/* A target with many threads, one of which sees to it that the process becomes a new one (execve(2)) as soon as it
 * is traced. The new one does the same again. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 300, STACK = 1 << 16 };

static void *rest(void *argument)
{
    pause();
    return argument;
}

static void *watch(void *status)
{
    char *again[] = {"evades", "again", NULL}, text[4096];
    do {
        ssize_t length = pread(*(int *)status, text, sizeof text - 1, 0);
        text[length > 0 ? length : 0] = 0;
        char *tracer = strstr(text, "TracerPid:\t");
        if (tracer && tracer[strlen("TracerPid:\t")] != '0')
            execv("/proc/self/exe", again);
    } while (*text);
    return NULL;
}

int main(int count, char **arguments)
{
    (void)arguments;
    int status = open("/proc/self/status", O_RDONLY);
    pthread_t thread;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread, &small, rest, NULL);
    pthread_create(&thread, &small, watch, &status);
    if (count == 1) {
        puts("ready");
        fflush(stdout);
    }
    pause();
    return 0;
}
