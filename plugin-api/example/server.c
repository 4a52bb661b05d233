#include <stdio.h>
#include <unistd.h>

struct stats {
    unsigned long requests;
    unsigned errors;
};

struct request {
    int id;
    const char *path;
};

struct stats server_stats = {41, 1};
const char *server_name = "demo";

static void wait_for_ever(void)
{
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}

static int handle(struct request *request)
{
    server_stats.requests++;
    wait_for_ever();
    return request->id;
}

int main(void)
{
    struct request request = {7, "/index.html"};
    return handle(&request);
}
