/* Threads that wait for each other in every way that the C library has. Says "ready PID" when all
 * threads are started; whoever traces it waits until they sleep. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static pthread_barrier_t in_place;

static pthread_t start(const char *name, void *(*run)(void *), void *closure)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, closure) != 0)
        abort();
    pthread_setname_np(thread, name);
    return thread;
}

static void announce(void)
{
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
}

static void sleep_on(void)
{
    for (;;)
        pause();
}

/* --- three philosophers, each with one fork in hand --- */

struct table {
    int seats;
    struct place {
        int guest;
        pthread_mutex_t fork;
    } places[3];
};

struct table table = {3,
                      {{0, PTHREAD_MUTEX_INITIALIZER}, {1, PTHREAD_MUTEX_INITIALIZER}, {2, PTHREAD_MUTEX_INITIALIZER}}};

static void *dine(void *closure)
{
    intptr_t seat = (intptr_t)closure;
    pthread_mutex_lock(&table.places[seat].fork);
    pthread_barrier_wait(&in_place);
    pthread_mutex_lock(&table.places[(seat + 1) % 3].fork); /* the second fork */
    return NULL;
}

static void three(void)
{
    pthread_barrier_init(&in_place, NULL, 3);
    start("plato", dine, (void *)0);
    start("kant", dine, (void *)1);
    pthread_t last = start("hegel", dine, (void *)2);
    announce();
    pthread_join(last, NULL);
}

/* --- two read-write locks in opposite order --- */

pthread_rwlock_t accounts = PTHREAD_RWLOCK_INITIALIZER, orders = PTHREAD_RWLOCK_INITIALIZER;

static void *book(void *closure)
{
    (void)closure;
    pthread_rwlock_wrlock(&accounts);
    pthread_barrier_wait(&in_place);
    pthread_rwlock_wrlock(&orders); /* the writer's second lock */
    return NULL;
}

static void *report(void *closure)
{
    (void)closure;
    pthread_rwlock_wrlock(&orders);
    pthread_barrier_wait(&in_place);
    pthread_rwlock_rdlock(&accounts); /* the reader's second lock */
    return NULL;
}

static void rwlocks(void)
{
    pthread_barrier_init(&in_place, NULL, 2);
    start("booking", book, NULL);
    start("reporting", report, NULL);
    announce();
    sleep_on();
}

/* --- a thread that waits for itself, and a circle of a mutex and a join --- */

pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER, shop = PTHREAD_MUTEX_INITIALIZER;

static void *lock_twice(void *closure)
{
    (void)closure;
    pthread_mutex_lock(&once);
    pthread_mutex_lock(&once); /* again */
    return NULL;
}

static void *wait_for_shop(void *closure)
{
    (void)closure;
    pthread_mutex_lock(&shop); /* closed */
    return NULL;
}

static void twice(void)
{
    start("forgetful", lock_twice, NULL);
    pthread_mutex_lock(&shop);
    pthread_t customer = start("customer", wait_for_shop, NULL);
    announce();
    pthread_join(customer, NULL); /* with the shop locked */
}

/* --- one waiter of each kind; nobody in a circle --- */

pthread_mutex_t busy = PTHREAD_MUTEX_INITIALIZER, robust, letter_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t letter_came = PTHREAD_COND_INITIALIZER;
pthread_rwlock_t written = PTHREAD_RWLOCK_INITIALIZER, read_by_two = PTHREAD_RWLOCK_INITIALIZER;
sem_t places_left;

static struct timespec tomorrow(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_sec += 86400;
    return time;
}

static void *want_mutex(void *closure)
{
    pthread_mutex_lock(&busy);
    return closure;
}

static void *want_robust(void *closure)
{
    pthread_mutex_lock(&robust);
    return closure;
}

static void *want_mutex_today(void *closure)
{
    struct timespec end = tomorrow();
    pthread_mutex_timedlock(&busy, &end);
    return closure;
}

static void *want_to_read(void *closure)
{
    pthread_rwlock_rdlock(&written);
    return closure;
}

static void *want_to_write(void *closure)
{
    pthread_rwlock_wrlock(&read_by_two);
    return closure;
}

static void *want_letter(void *closure)
{
    pthread_mutex_lock(&letter_lock);
    for (;;)
        pthread_cond_wait(&letter_came, &letter_lock);
    return closure;
}

static void *want_place(void *closure)
{
    sem_wait(&places_left);
    return closure;
}

static void *hold(void *closure)
{
    pthread_rwlock_rdlock(&read_by_two);
    pthread_barrier_wait(&in_place);
    sleep_on();
    return closure;
}

static void waits(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&robust, &attributes);
    sem_init(&places_left, 0, 0);
    pthread_barrier_init(&in_place, NULL, 2);
    pthread_mutex_lock(&busy);
    pthread_mutex_lock(&robust);
    pthread_rwlock_wrlock(&written);
    pthread_rwlock_rdlock(&read_by_two);
    pthread_t holder = start("holder", hold, NULL);
    pthread_barrier_wait(&in_place);
    start("w-mutex", want_mutex, NULL);
    start("w-robust", want_robust, NULL);
    start("w-timed", want_mutex_today, NULL);
    start("w-read", want_to_read, NULL);
    start("w-write", want_to_write, NULL);
    start("w-cond", want_letter, NULL);
    start("w-sem", want_place, NULL);
    announce();
    pthread_join(holder, NULL);
}

/* --- a mutex whose memory is written over while somebody waits for it, and one whose holder has ended --- */

pthread_mutex_t broken = PTHREAD_MUTEX_INITIALIZER, left_locked = PTHREAD_MUTEX_INITIALIZER;

static void *want_broken(void *closure)
{
    pthread_mutex_lock(&broken);
    return closure;
}

static void *want_left_locked(void *closure)
{
    pthread_mutex_lock(&left_locked);
    return closure;
}

static void *lock_and_leave(void *closure)
{
    pthread_mutex_lock(&left_locked);
    return closure;
}

static void corrupt(void)
{
    char line[16];
    pthread_join(start("leaves", lock_and_leave, NULL), NULL);
    start("w-left", want_left_locked, NULL);
    pthread_mutex_lock(&broken);
    start("w-broken", want_broken, NULL);
    announce();
    /* Told to, when the others sleep. */
    if (fgets(line, sizeof line, stdin))
        memset((char *)&broken + 4, 'A', sizeof broken - 4);
    puts("done");
    fflush(stdout);
    sleep_on();
}

/* --- threads that take the same locks in the same order all the time --- */

pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
volatile unsigned long work_done;

static void *contend(void *closure)
{
    for (;;) {
        pthread_mutex_lock(&first);
        pthread_mutex_lock(&second);
        for (int i = 0; i < 1000; i++)
            work_done++;
        pthread_mutex_unlock(&second);
        pthread_mutex_unlock(&first);
    }
    return closure;
}

static void contention(void)
{
    for (int i = 0; i < 6; i++)
        start("contender", contend, NULL);
    announce();
    sleep_on();
}

/* --- errno, different in each thread --- */

static void *fail(void *closure)
{
    if (open("/nonexistent/file", O_RDONLY) >= 0)
        abort();
    pthread_barrier_wait(&in_place);
    sleep_on();
    return closure;
}

static void failures(void)
{
    pthread_barrier_init(&in_place, NULL, 2);
    start("failed", fail, NULL);
    errno = 0;
    pthread_barrier_wait(&in_place);
    announce();
    sleep_on();
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } scenarios[] = {{"three", three},     {"rwlocks", rwlocks},       {"twice", twice},      {"waits", waits},
                     {"corrupt", corrupt}, {"contention", contention}, {"failures", failures}};
    for (size_t i = 0; argc == 2 && i < sizeof scenarios / sizeof *scenarios; i++)
        if (strcmp(argv[1], scenarios[i].name) == 0)
            scenarios[i].run();
    return 1;
}
