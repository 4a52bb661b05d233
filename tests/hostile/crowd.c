/* A target with four threads and a frame with several variables. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void *rest(void *argument)
{
    pause();
    return argument;
}

int main(void)
{
    int one = 1, two = 2, three = 3;
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, rest, NULL);
    puts("ready");
    fflush(stdout);
    pause();
    return one + two + three;
}
