/* Faults as servers have them: each scenario ends the process by the signal that the mistake earns. */
#define _GNU_SOURCE
#include "scenario.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct session {
    int id;
    char peer[24];
    unsigned long requests;
    unsigned long latency_total;
    int (*on_line)(struct session *session, const char *line);
    struct session *next;
};

static int echo_line(struct session *session, const char *line)
{
    session->requests++;
    return (int)strlen(line);
}

static struct session second = {2, "192.0.2.7:40112", 0, 0, echo_line, NULL};
static struct session first = {1, "192.0.2.4:51920", 3, 12, echo_line, &second};
static struct session *sessions = &first;

static __attribute__((noinline)) struct session *find_session(int id)
{
    struct session *session = sessions;
    while (session && session->id != id)
        session = session->next;
    return session;
}

static __attribute__((noinline)) int dispatch(struct session *session, const char *line)
{
    int handled = session->on_line(session, line);
    session->latency_total += (unsigned long)handled;
    return handled;
}

static __attribute__((noinline)) unsigned long count_request(struct session *session)
{
    unsigned long before = session->requests;
    session->requests = before + 1;
    return before;
}

static void null_pointer(int argc, char **argv)
{
    (void)argv;
    struct session *missing = find_session(argc + 1000);
    announce_ready();
    count_request(missing);
}

/* The list's tail was overwritten with an address where nothing is mapped. */
static void wild_pointer(int argc, char **argv)
{
    (void)argc, (void)argv;
    second.next = (struct session *)0x7ead0000bee0;
    announce_ready();
    count_request(find_session(1000));
}

/* Text was copied over the pointer: not an address that the processor can form, so the kernel knows none. */
static void text_as_pointer(int argc, char **argv)
{
    (void)argc, (void)argv;
    memcpy(&second.next, "AAAAAAAA", sizeof second.next);
    announce_ready();
    count_request(find_session(1000));
}

static void wild_call(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct session *session = find_session(2);
    uintptr_t overwritten = 0x7ead0000c0de;
    memcpy(&session->on_line, &overwritten, sizeof session->on_line);
    announce_ready();
    dispatch(session, "GET /status");
}

static void null_call(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct session *session = find_session(2);
    session->on_line = NULL;
    announce_ready();
    dispatch(session, "GET /status");
}

static __attribute__((noinline)) void check_invariant(const struct session *session, unsigned long expected)
{
    if (session->requests != expected) {
        fprintf(stderr, "session %d has %lu requests, expected %lu\n", session->id, session->requests, expected);
        abort();
    }
}

static void failed_invariant(int argc, char **argv)
{
    (void)argc, (void)argv;
    announce_ready();
    check_invariant(find_session(1), 4);
}

static __attribute__((noinline)) unsigned long mean_latency(const struct session *session)
{
    unsigned long total = session->latency_total, requests = session->requests;
    return total / requests;
}

static void divide_by_zero(int argc, char **argv)
{
    (void)argc, (void)argv;
    announce_ready();
    unsigned long mean = mean_latency(find_session(2));
    printf("mean latency %lu\n", mean);
}

/* A recursive-descent reader of "[[[[..." that trusts its input to end. */
static __attribute__((noinline)) size_t read_nested(const char *text, size_t depth)
{
    char token[64];
    size_t length = (size_t)snprintf(token, sizeof token, "level %zu of %c", depth, text[depth % 4]);
    if (text[depth % 4] == '[')
        length += read_nested(text, depth + 1);
    return length + (size_t)token[0];
}

static void stack_overflow(int argc, char **argv)
{
    (void)argc, (void)argv;
    announce_ready();
    printf("read %zu bytes\n", read_nested("[[[[", 0));
}

/* A mapped file that somebody else made shorter. */
static void bus_error(int argc, char **argv)
{
    (void)argc, (void)argv;
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    int file = memfd_create("journal", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, (off_t)size) < 0)
        die("memfd_create");
    volatile char *journal = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (journal == MAP_FAILED)
        die("mmap");
    if (ftruncate(file, 0) < 0)
        die("ftruncate");
    announce_ready();
    journal[16] = 'x';
}

struct header {
    const char *name;
    int flags;
};

struct request {
    int id;
    struct header *header;
    struct request *next;
};

/* The second request has no header, the third a header without a name. */
static struct header named = {"GET", 3}, unnamed = {NULL, 1};
static struct request third = {3, &unnamed, NULL}, pending_second = {2, NULL, &third};
static struct request requests = {1, &named, &pending_second};
static struct request *volatile incoming = &requests; /* so that the compiler does not know what comes */

static __attribute__((noinline)) int flags_of_next(struct request *request)
{
    return request->next->header->flags;
}

static __attribute__((noinline)) size_t name_length(const struct request *request)
{
    return strlen(request->header->name);
}

/* A null pointer two steps from the variable. */
static void null_member(int argc, char **argv)
{
    (void)argc, (void)argv;
    announce_ready();
    printf("%d flags\n", flags_of_next(incoming));
}

/* A null pointer that the C library is given. */
static void null_argument(int argc, char **argv)
{
    (void)argc, (void)argv;
    announce_ready();
    printf("%zu characters\n", name_length(incoming->next->next));
}

/* Text written over a string constant. */
static __attribute__((noinline)) void shorten(volatile char *text, size_t length)
{
    text[length] = '\0';
}

static void read_only(int argc, char **argv)
{
    (void)argc, (void)argv;
    char *volatile constant = (char *)"a constant";
    announce_ready();
    shorten(constant, 3);
}

static __attribute__((noinline)) void check_header(const struct request *request)
{
    assert(request->header != NULL && "each request has a header");
    printf("%d\n", request->header->flags);
}

static void failed_assertion(int argc, char **argv)
{
    (void)argc, (void)argv;
    announce_ready();
    check_header(incoming->next);
}

static void double_free(int argc, char **argv)
{
    (void)argv;
    char *volatile buffers[2] = {malloc(2000), malloc(2000)};
    announce_ready();
    free(buffers[0]);
    free(buffers[argc > 100]);
}

static __attribute__((noinline)) void copy_bytes(volatile char *to, const char *from, size_t length)
{
    for (size_t i = 0; i < length; i++)
        to[i] = from[i];
}

/* A name that is longer than its buffer. With -fstack-protector-strong that is noticed. */
static __attribute__((noinline)) void copy_name(const char *name, size_t length)
{
    char copy[16];
    copy_bytes(copy, name, length);
}

static void smashed_stack(int argc, char **argv)
{
    (void)argc, (void)argv;
    announce_ready();
    copy_name("a name that is much longer than its buffer is", 40);
}

static void trap(int argc, char **argv)
{
    (void)argv;
    announce_ready();
    if (argc < 100)
        __builtin_trap();
}

const struct scenario fault_scenarios[] = {
    {"null", "", null_pointer},
    {"wild-pointer", "", wild_pointer},
    {"text-as-pointer", "", text_as_pointer},
    {"wild-call", "", wild_call},
    {"null-call", "", null_call},
    {"abort", "", failed_invariant},
    {"divide-by-zero", "", divide_by_zero},
    {"stack-overflow", "", stack_overflow},
    {"bus-error", "", bus_error},
    {"null-member", "", null_member},
    {"null-argument", "", null_argument},
    {"read-only", "", read_only},
    {"assert", "", failed_assertion},
    {"double-free", "", double_free},
    {"smashed-stack", "", smashed_stack},
    {"trap", "", trap},
    {NULL, NULL, NULL},
};
