/* The small TCP server of the "server" scenario: what its parts share. */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdarg.h>
#include <stddef.h>

enum { LOG_LINES = 32, LOG_LINE_BYTES = 96 };

/* The last LOG_LINES lines: `next` is where the coming one goes, `written` counts all that ever were. */
struct log_ring {
    unsigned next;
    unsigned long written;
    struct {
        long when;
        char text[LOG_LINE_BYTES];
    } lines[LOG_LINES];
};

enum server_state { STATE_STARTING, STATE_LISTENING, STATE_DRAINING = 10, STATE_STOPPED = 20 };

struct server_stats {
    unsigned long connections, requests, errors;
    double busy_seconds;
};

extern struct log_ring server_log;
extern struct server_stats server_stats;
extern enum server_state server_state;

/* Appends a line to the ring; any thread may. */
__attribute__((format(printf, 1, 2))) void log_line(const char *format, ...);

/* Tells the parent that the store can be used: blocks while somebody keeps it locked. */
void send_heartbeat(void);

/* Answers one request line into `answer`. Gives 0 when the connection is to be closed. */
int answer_request(const char *line, char *answer, size_t size);

#endif
