// The large program: 64 threads, as a server has, each inside of calls that lead through twelve units. Prints "ready PID" and blocks.
// UNITS is the list of the units that the threads go through: UNIT(name) for each.
#include "large.hpp"
#include <cstdio>
#include <pthread.h>
#include <unistd.h>

#define UNIT(name) namespace name { long enter(request &request); }
UNITS
#undef UNIT

static long (*const entrances[])(request &) = {
#define UNIT(name) name::enter,
    UNITS
};

enum { THREADS = 64 };
static pthread_barrier_t all_there;

long pass_on(request &request)
{
    if (request.at < request.route.size()) {
        int next = request.route[request.at++];
        return entrances[next](request) + 1;
    }
    pthread_barrier_wait(&all_there);
    for (;;)
        pause();
}

static void *run(void *number)
{
    request request{static_cast<long>(reinterpret_cast<std::size_t>(number)), "a request", {}, 0};
    int units = sizeof entrances / sizeof entrances[0];
    for (int i = 0; i < units; i++)
        request.route.push_back((i * 5 + static_cast<int>(request.id)) % units);
    return reinterpret_cast<void *>(pass_on(request));
}

int main()
{
    pthread_barrier_init(&all_there, nullptr, THREADS);
    for (std::size_t i = 1; i < THREADS; i++) {
        pthread_t thread;
        pthread_create(&thread, nullptr, run, reinterpret_cast<void *>(i));
    }
    std::printf("ready %d\n", getpid());
    std::fflush(stdout);
    run(nullptr);
}
