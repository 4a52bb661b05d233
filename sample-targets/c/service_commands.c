/* The commands that the server understands, one line each. */
#define _GNU_SOURCE
#include "service.h"

#include "scenario.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STORE_ENTRIES = 64 };

struct entry {
    char key[32];
    char value[64];
    unsigned long reads;
};

struct server_stats server_stats;
enum server_state server_state = STATE_STARTING;

static pthread_mutex_t store_lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry store[STORE_ENTRIES];
static unsigned store_used;

/* Global data of the plain kinds that a tracer module reads by name. */
struct foo {
    int value;
};
extern char *my_str_ptr;
extern int my_int;
extern char my_str[1024];
extern struct foo my_foo, *my_foo_ptr;

char *my_str_ptr = "hello";  /* the greeting */
int my_int;                  /* requests answered */
char my_str[1024];           /* the latest request */
struct foo my_foo;           /* how many keys the store holds */
struct foo *my_foo_ptr = &my_foo;

static struct entry *find_entry(const char *key)
{
    for (unsigned i = 0; i < store_used; i++)
        if (strcmp(store[i].key, key) == 0)
            return &store[i];
    return NULL;
}

static int set_entry(const char *key, const char *value)
{
    struct entry *entry = find_entry(key);
    if (!entry) {
        if (store_used == STORE_ENTRIES)
            return 0;
        entry = &store[store_used++];
        snprintf(entry->key, sizeof entry->key, "%s", key);
        my_foo.value = (int)store_used;
    }
    snprintf(entry->value, sizeof entry->value, "%s", value);
    return 1;
}

/* The mistake that the `crash` command makes: it counts a read of an entry that is not there. */
static __attribute__((noinline)) unsigned long count_read(struct entry *entry)
{
    return ++entry->reads;
}

static void count_request(const char *line)
{
    my_int++;
    snprintf(my_str, sizeof my_str, "%s", line);
    server_stats.requests++;
}

static int answer_locked(const char *line, char *answer, size_t size)
{
    char key[32] = "", value[64] = "";
    count_request(line);
    if (strcmp(line, "ping") == 0) {
        snprintf(answer, size, "pong");
    } else if (strcmp(line, "hello") == 0) {
        snprintf(answer, size, "%s", my_str_ptr);
    } else if (sscanf(line, "get %31s", key) == 1) {
        struct entry *entry = find_entry(key);
        snprintf(answer, size, "%s", entry ? entry->value : "(none)");
        if (entry)
            count_read(entry);
    } else if (sscanf(line, "set %31s %63s", key, value) == 2) {
        snprintf(answer, size, "%s", set_entry(key, value) ? "ok" : "full");
    } else if (strcmp(line, "stats") == 0) {
        snprintf(answer, size, "connections %lu requests %lu errors %lu", server_stats.connections,
                 server_stats.requests, server_stats.errors);
    } else if (strcmp(line, "crash") == 0) {
        count_read(find_entry("no such key"));
    } else if (strcmp(line, "hang") == 0) {
        log_line("waiting for a shutdown with the store locked");
        wait_for_shutdown();
    } else if (strcmp(line, "quit") == 0) {
        snprintf(answer, size, "bye");
        return 0;
    } else {
        server_stats.errors++;
        snprintf(answer, size, "what?");
    }
    return 1;
}

void send_heartbeat(void)
{
    pthread_mutex_lock(&store_lock);
    pthread_mutex_unlock(&store_lock);
    kill(getppid(), SIGUSR1);
}

int answer_request(const char *line, char *answer, size_t size)
{
    log_line("request: %s", line);
    answer[0] = '\0';
    pthread_mutex_lock(&store_lock);
    int keep_open = answer_locked(line, answer, size);
    pthread_mutex_unlock(&store_lock);
    return keep_open;
}
