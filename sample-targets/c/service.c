/* The "server" scenario: a TCP server on the loopback address with an acceptor and a pool of workers. */
#define _GNU_SOURCE
#include "service.h"

#include "scenario.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 4, QUEUE_PLACES = 64, HEARTBEAT_MS = 500 };

/* Accepted connections on their way from the acceptor to the workers. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int connections[QUEUE_PLACES];
    unsigned first, count;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void push_connection(int connection)
{
    pthread_mutex_lock(&queue.lock);
    while (queue.count == QUEUE_PLACES)
        pthread_cond_wait(&queue.changed, &queue.lock);
    queue.connections[(queue.first + queue.count) % QUEUE_PLACES] = connection;
    queue.count++;
    server_stats.connections++;
    pthread_cond_broadcast(&queue.changed);
    pthread_mutex_unlock(&queue.lock);
}

static int pop_connection(void)
{
    pthread_mutex_lock(&queue.lock);
    while (queue.count == 0)
        pthread_cond_wait(&queue.changed, &queue.lock);
    int connection = queue.connections[queue.first];
    queue.first = (queue.first + 1) % QUEUE_PLACES;
    queue.count--;
    pthread_cond_broadcast(&queue.changed);
    pthread_mutex_unlock(&queue.lock);
    return connection;
}

static void serve_connection(int connection)
{
    char line[256], answer[256];
    FILE *requests = fdopen(connection, "r");
    if (!requests) {
        close(connection);
        return;
    }
    while (fgets(line, sizeof line, requests)) {
        line[strcspn(line, "\r\n")] = '\0';
        int keep_open = answer_request(line, answer, sizeof answer);
        if (dprintf(connection, "%s\n", answer) < 0 || !keep_open)
            break;
    }
    fclose(requests);
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *run_worker(void *closure)
{
    for (;;) {
        int connection = pop_connection();
        double start = seconds_now();
        log_line("connection %d opened", connection);
        serve_connection(connection);
        server_stats.busy_seconds += seconds_now() - start;
    }
    return closure;
}

static int listen_on_loopback(unsigned port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), reuse = 1;
    if (listener < 0)
        die("socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 64) < 0)
        die("listen");
    if (getsockname(listener, (struct sockaddr *)&address, &size) < 0)
        die("getsockname");
    printf("listening on port %u\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static void serve(int argc, char **argv)
{
    unsigned port = argc > 0 && strcmp(argv[0], "0") != 0 ? argument(argc, argv, 0, 0, 65535) : 0;
    int listener = listen_on_loopback(port);
    signal(SIGPIPE, SIG_IGN);
    int supervised = argc > 1 && strcmp(argv[1], "supervised") == 0;
    if (supervised || (argc > 1 && strcmp(argv[1], "stop-on-fault") == 0))
        install_crash_handler();
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_t thread;
        char name[16];
        snprintf(name, sizeof name, "worker-%u", i);
        if (pthread_create(&thread, NULL, run_worker, NULL) != 0)
            die("pthread_create");
        pthread_setname_np(thread, name);
    }
    server_state = STATE_LISTENING;
    log_line("listening");
    announce_ready();
    struct pollfd coming = {.fd = listener, .events = POLLIN};
    for (;;) {
        if (supervised) {
            send_heartbeat();
            int events = poll(&coming, 1, HEARTBEAT_MS);
            if (events == 0)
                continue;
            if (events < 0)
                break;
        }
        int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection < 0)
            break;
        push_connection(connection);
    }
    /* A signal that ends the program interrupts accept. */
    server_state = STATE_STOPPED;
    close(listener);
}

const struct scenario service_scenarios[] = {
    {"server", "[PORT [stop-on-fault|supervised]]", serve},
    {NULL, NULL, NULL},
};
