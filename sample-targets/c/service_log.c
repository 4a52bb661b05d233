/* The server's memory of its last lines: a ring, so that a crash finds them in the process. */
#include "service.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

struct log_ring server_log;

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

void log_line(const char *format, ...)
{
    va_list arguments;
    pthread_mutex_lock(&log_lock);
    unsigned place = server_log.next;
    server_log.lines[place].when = (long)time(NULL);
    va_start(arguments, format);
    vsnprintf(server_log.lines[place].text, LOG_LINE_BYTES, format, arguments);
    va_end(arguments);
    server_log.next = (place + 1) % LOG_LINES;
    server_log.written++;
    pthread_mutex_unlock(&log_lock);
}
