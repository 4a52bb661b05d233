/* Threads of POSIX and C11 that end in each way there is; each must have an alternate signal stack while it runs and leave no mapping
 * behind. Prints "ok", or what is wrong. */
#define _GNU_SOURCE
#include <libgimli.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>
#include <unistd.h>

static int without;

static void look(void) {
  stack_t now;
  if (sigaltstack(NULL, &now) || (now.ss_flags & SS_DISABLE) || now.ss_size < 65536) without++;
}
static void *returns(void *arg) { look(); return arg; }
static void *exits(void *arg) { look(); pthread_exit(arg); }
static void *waits(void *arg) { look(); for (;;) pause(); return arg; }

static int returns_c11(void *arg) { look(); return *(int *)arg; }
static int exits_c11(void *arg) { look(); thrd_exit(*(int *)arg); }

static int mappings(void) {
  FILE *maps = fopen("/proc/self/maps", "r");
  int lines = 0;
  for (int c; maps && (c = fgetc(maps)) != EOF;) lines += c == '\n';
  if (maps) fclose(maps);
  return lines;
}

static void round_of_threads(void) {
  void *(*ways[])(void *) = { returns, exits, waits };
  for (int i = 0; i < 3; i++) {
    pthread_t thread;
    void *result = NULL;
    if (pthread_create(&thread, NULL, ways[i], &without)) { puts("cannot create"); exit(1); }
    if (i == 2) pthread_cancel(thread);
    pthread_join(thread, &result);
    if (result != (i == 2 ? PTHREAD_CANCELED : (void *)&without)) { puts("wrong result"); exit(1); }
  }
  thrd_start_t ways_c11[] = { returns_c11, exits_c11 };
  for (int i = 0; i < 2; i++) {
    thrd_t thread;
    int given = -7, result = 0;
    if (thrd_create(&thread, ways_c11[i], &given) != thrd_success) { puts("cannot create"); exit(1); }
    if (thrd_join(thread, &result) != thrd_success || result != given) { puts("wrong result"); exit(1); }
  }
}

int main(void) {
  gimli_establish_signal_handlers();
  look();
  round_of_threads();
  int before = mappings();
  for (int i = 0; i < 200; i++) round_of_threads();
  int left = mappings() - before;
  if (without) printf("%d threads without a stack\n", without);
  else if (left > 4) printf("%d mappings left\n", left);
  else puts("ok");
  return 0;
}
