/* A tracer module for a server that keeps its last log lines in memory: prints its state, its
 * statistics, and the log, oldest line first. A template for modules of your own, written against
 * version 2 of the interface.
 *
 *     cc -std=c11 -Wall -Wextra -fPIC -shared -I .../plugin-api/include -I .../the-server -o gimli_server.so ringlog.c
 *
 * It includes the server's own header, so that both always agree on the layout; recompile it with the server.
 */
#include "service.h"

#include <libgimli_ana.h>
#include <stdio.h>

/* Reads a whole global of the server: 1, or 0 and a word about it. The server may be built without a
 * variable, or be corrupt: what cannot be read costs its own part of the output only. */
#define READ(name, into) read_global(api, object, name, into, sizeof *(into))

static int read_global(const struct gimli_ana_api *api, const char *object, const char *name, void *into,
                       uint32_t size)
{
    if (api->copy_from_symbol(object, name, 0, into, size))
        return 1;
    printf("%s cannot be read\n", name);
    return 0;
}

/* --- the state machine --- */

static const char *state_name(unsigned state)
{
    switch (state) {
    case STATE_STARTING: return "STATE_STARTING";
    case STATE_LISTENING: return "STATE_LISTENING";
    case STATE_DRAINING: return "STATE_DRAINING";
    case STATE_STOPPED: return "STATE_STOPPED";
    default: return NULL;
    }
}

static void print_state(const struct gimli_ana_api *api, const char *object)
{
    /* A number, not an enum server_state: nothing keeps the server from having another one there. */
    unsigned state;
    if (!READ("server_state", &state))
        return;
    const char *name = state_name(state);
    if (name)
        printf("state: %s\n", name);
    else
        printf("state: %u, which is none: server_state is corrupt\n", state);
}

/* --- statistics --- */

static void print_statistics(const struct gimli_ana_api *api, const char *object)
{
    struct server_stats stats;
    if (!READ("server_stats", &stats))
        return;
    printf("connections: %lu\nrequests: %lu, %lu of them errors\nbusy: %.3f s\n", stats.connections, stats.requests,
           stats.errors, stats.busy_seconds);
}

/* --- the circular log --- */

static void print_line(long when, const char *text)
{
    /* The time of day in UTC. The text need not have its NUL: "%.*s" stops in any case. */
    long second = ((when % 86400) + 86400) % 86400;
    printf("    %02ld:%02ld:%02ld %.*s\n", second / 3600, second / 60 % 60, second % 60, LOG_LINE_BYTES, text);
}

static void print_log(const struct gimli_ana_api *api, const char *object)
{
    static struct log_ring ring; /* 3 KB, copied once */
    if (!READ("server_log", &ring))
        return;
    /* An index of the server's is not to be trusted with our memory. */
    if (ring.next >= LOG_LINES) {
        printf("log: corrupt, the next line would be number %u of %d\n", ring.next, LOG_LINES);
        return;
    }
    unsigned kept = ring.written < LOG_LINES ? (unsigned)ring.written : LOG_LINES;
    printf("log: the last %u of %lu lines\n", kept, ring.written);
    for (unsigned i = 0; i < kept; i++) {
        unsigned place = (ring.next + LOG_LINES - kept + i) % LOG_LINES;
        print_line(ring.lines[place].when, ring.lines[place].text);
    }
}

/* --- what glider calls --- */

static void perform_trace(const struct gimli_ana_api *api, const char *object)
{
    print_state(api, object);
    print_statistics(api, object);
    print_log(api, object);
}

struct gimli_ana_module *gimli_ana_init(const struct gimli_ana_api *api)
{
    static struct gimli_ana_module module = {.api_version = 2, .perform_trace = perform_trace};
    return api->api_version >= 2 ? &module : NULL;
}
