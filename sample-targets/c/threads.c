/* Threads: many of them, waiting for each other, coming and going, outliving their leader. */
#define _GNU_SOURCE
#include "libsample/sample.h"
#include "scenario.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKER_STACK_BYTES = 256 * 1024 };

static pthread_t start_thread(const char *name, void *(*run)(void *), void *closure)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, WORKER_STACK_BYTES);
    if (pthread_create(&thread, &attributes, run, closure) != 0)
        die("pthread_create");
    pthread_attr_destroy(&attributes);
    pthread_setname_np(thread, name);
    return thread;
}

/* --- deadlock: two transfers that lock the same two accounts in opposite order --- */

struct account {
    const char *owner;
    long balance;
    pthread_mutex_t lock;
};

struct transfer {
    struct account *from, *to;
    long amount;
};

static struct account alice = {"alice", 100, PTHREAD_MUTEX_INITIALIZER};
static struct account bob = {"bob", 50, PTHREAD_MUTEX_INITIALIZER};
static pthread_barrier_t first_locks_held;

static __attribute__((noinline)) void lock_both(struct account *from, struct account *to)
{
    pthread_mutex_lock(&from->lock);
    pthread_barrier_wait(&first_locks_held);
    pthread_mutex_lock(&to->lock);
}

static void *run_transfer(void *closure)
{
    struct transfer *transfer = closure;
    lock_both(transfer->from, transfer->to);
    transfer->from->balance -= transfer->amount;
    transfer->to->balance += transfer->amount;
    pthread_mutex_unlock(&transfer->to->lock);
    pthread_mutex_unlock(&transfer->from->lock);
    return NULL;
}

static void deadlock(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct transfer there = {&alice, &bob, 10}, back = {&bob, &alice, 20};
    pthread_barrier_init(&first_locks_held, NULL, 3);
    pthread_t one = start_thread("transfer-there", run_transfer, &there);
    pthread_t two = start_thread("transfer-back", run_transfer, &back);
    pthread_barrier_wait(&first_locks_held);
    announce_ready();
    pthread_join(one, NULL);
    pthread_join(two, NULL);
}

/* --- busy loop: looks for a block with the wanted hash; none has it --- */

static volatile uint32_t wanted_hash = 0;

static __attribute__((noinline)) uint32_t hash_block(const unsigned char *block, size_t size)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ block[i]) * 16777619u;
    return hash | 1;
}

static void busy_loop(int argc, char **argv)
{
    (void)argc, (void)argv;
    unsigned char block[4096];
    unsigned long tries = 0;
    memset(block, 'x', sizeof block);
    announce_ready();
    do {
        memcpy(block, &tries, sizeof tries);
        tries++;
    } while (hash_block(block, sizeof block) != wanted_hash);
}

/* --- many threads, each waiting for work some calls deep --- */

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t work_arrived, worker_waits;
    unsigned waiting, depth;
    int closing;
};

struct worker {
    struct pool *pool;
    unsigned number;
};

static void wait_for_work(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->waiting++;
    pthread_cond_signal(&pool->worker_waits);
    while (!pool->closing)
        pthread_cond_wait(&pool->work_arrived, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

static __attribute__((noinline)) unsigned descend(struct worker *worker, unsigned level)
{
    unsigned below = 0;
    if (level < worker->pool->depth)
        below = descend(worker, level + 1);
    else
        wait_for_work(worker->pool);
    return below + worker->number;
}

static void *run_worker(void *closure)
{
    struct worker *worker = closure;
    return (void *)(uintptr_t)descend(worker, 1);
}

static void many_threads(int argc, char **argv)
{
    unsigned count = argument(argc, argv, 0, 16, 20000);
    struct pool pool = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER, 0,
                        argument(argc, argv, 1, 8, 1000), 0};
    struct worker *workers = calloc(count, sizeof *workers);
    if (!workers)
        die("calloc");
    for (unsigned i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "worker-%u", i % 100000u);
        workers[i] = (struct worker){&pool, i};
        start_thread(name, run_worker, &workers[i]);
    }
    pthread_mutex_lock(&pool.lock);
    while (pool.waiting < count)
        pthread_cond_wait(&pool.worker_waits, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
    block_here();
    exit(0);
}

/* --- the leader ends, its threads go on --- */

static void *serve_on(void *closure)
{
    pthread_barrier_wait(closure);
    wait_for_shutdown();
    exit(0);
}

static void leader_exited(int argc, char **argv)
{
    (void)argc, (void)argv;
    static pthread_barrier_t started;
    pthread_barrier_init(&started, NULL, 4);
    for (int i = 0; i < 3; i++)
        start_thread("survivor", serve_on, &started);
    pthread_barrier_wait(&started);
    announce_ready();
    pthread_exit(NULL);
}

/* --- threads that start and end all the while --- */

static void *answer_once(void *closure)
{
    const unsigned long *request = closure;
    unsigned char block[1024];
    memset(block, (int)*request, sizeof block);
    return (void *)(uintptr_t)hash_block(block, sizeof block);
}

static void thread_churn(int argc, char **argv)
{
    enum { AT_ONCE = 8 };
    (void)argc, (void)argv;
    pthread_t live[AT_ONCE];
    unsigned long requests[AT_ONCE];
    for (unsigned long round = 0;; round++) {
        for (unsigned i = 0; i < AT_ONCE; i++) {
            requests[i] = round * AT_ONCE + i;
            live[i] = start_thread("request", answer_once, &requests[i]);
        }
        if (round == 0)
            announce_ready();
        for (unsigned i = 0; i < AT_ONCE; i++)
            pthread_join(live[i], NULL);
    }
}

/* --- thread-locals of the program and of a shared library, different in each thread --- */

static _Thread_local int current_request = -1;
static _Thread_local char current_user[16];
static _Thread_local struct {
    unsigned hits, misses;
} cache_use;

struct tls_worker {
    int request;
    const char *user;
    pthread_barrier_t *in_place;
};

static long touch_job(struct sample_job *job, void *closure)
{
    (void)job;
    return *(int *)closure;
}

static __attribute__((noinline)) void work_with_thread_locals(const struct tls_worker *worker)
{
    struct sample_job jobs[] = {{1, "first", 1.0}, {2, "second", 2.0}};
    current_request = worker->request;
    snprintf(current_user, sizeof current_user, "%s", worker->user);
    cache_use.hits = (unsigned)worker->request * 10;
    cache_use.misses = sample_visited_by_this_thread();
    for (int i = 0; i < worker->request; i++)
        sample_visit_jobs(jobs, 2, touch_job, &current_request);
    pthread_barrier_wait(worker->in_place);
    wait_for_shutdown();
}

static void *run_tls_worker(void *closure)
{
    work_with_thread_locals(closure);
    return NULL;
}

static void thread_locals(int argc, char **argv)
{
    (void)argc, (void)argv;
    pthread_barrier_t in_place;
    struct tls_worker workers[] = {{1, "ada", &in_place}, {2, "grace", &in_place}, {3, "edsger", &in_place}};
    pthread_barrier_init(&in_place, NULL, 4);
    for (int i = 0; i < 3; i++)
        start_thread(workers[i].user, run_tls_worker, &workers[i]);
    pthread_barrier_wait(&in_place);
    block_here();
    exit(0);
}

const struct scenario thread_scenarios[] = {
    {"deadlock", "", deadlock},
    {"busy-loop", "", busy_loop},
    {"many-threads", "[THREADS [FRAMES]]", many_threads},
    {"leader-exited", "", leader_exited},
    {"thread-churn", "", thread_churn},
    {"thread-locals", "", thread_locals},
    {NULL, NULL, NULL},
};
