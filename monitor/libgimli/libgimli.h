/* libgimli.h - what a server uses to be watched and traced by Gimli's monitor.
 *
 * Link with -lgimli (libgimli.so) or with libgimli.a. The library stands in front of pthread_create and thrd_create, to
 * give each thread a stack for the fault handler; a fully static program is therefore linked with
 * -static -Wl,-u,__pthread_create. Typical use:
 *
 *     volatile struct gimli_heartbeat *hb = gimli_heartbeat_attach();
 *     for (;;) {
 *         ... one turn of the main loop ...
 *         if (hb) gimli_heartbeat_set(hb, GIMLI_HB_RUNNING);
 *     }
 *
 * Usable from C11 and C++. SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef LIBGIMLI_H
#define LIBGIMLI_H

#include <signal.h>
/* siginfo_t is POSIX: glibc's signal.h hides it under a strict -std=c11, so take it from where it is defined. */
#if defined(__GLIBC__) && defined(__has_include)
# if __has_include(<bits/types/siginfo_t.h>)
#  include <bits/types/siginfo_t.h>
# endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Shared with the monitor; use it only through the functions below. */
struct gimli_heartbeat;

/* What the server is doing; each state has its own interval in the monitor. */
#define GIMLI_HB_NOT_SUPP 0 /* no beat was ever sent: not watched */
#define GIMLI_HB_STARTING 1 /* watchdog-start-interval, 200 s unless configured */
#define GIMLI_HB_RUNNING  2 /* watchdog-interval, 60 s */
#define GIMLI_HB_STOPPING 3 /* watchdog-stop-interval, 60 s */

/* Finds the segment that the monitor passed in GIMLI_HB_FD, sets GIMLI_HB_STARTING and installs the fault
 * handlers. NULL when no monitor watches this process; nothing is installed then. A second call returns the
 * same segment. */
volatile struct gimli_heartbeat *gimli_heartbeat_attach(void);

/* Stores the state and counts one beat. A few nanoseconds, from any thread. hb may be NULL. */
void gimli_heartbeat_set(volatile struct gimli_heartbeat *hb, int state);

/* Installs handlers for SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP, SIGXCPU and SIGXFSZ. A
 * handler holds the process still until the monitor has had it traced, runs the shutdown function, and lets the
 * process die of the same signal. Without a living monitor it does not wait. */
void gimli_establish_signal_handlers(void);

/* Runs after the trace and before the process dies, in the signal handler, on a stack of 64 KiB: only what
 * signal-safety(7) allows. NULL removes it. */
typedef void (*gimli_shutdown_func_t)(int signo, siginfo_t *si);
void gimli_set_shutdown_func(gimli_shutdown_func_t func);

/* Names a tracer module for the object this stands in; at file scope, several per file allowed:
 *
 *     GIMLI_DECLARE_TRACER_MODULE("gimli_myserver");
 *
 * The suffix .so may be left out. */
#define GIMLI_TRACE_SECTION_NAME "gimli_trace"
#define GIMLI_DECLARE_TRACER_MODULE(name) GIMLI_TRACER_MODULE_2_(name, __COUNTER__)
#define GIMLI_TRACER_MODULE_2_(name, n) GIMLI_TRACER_MODULE_3_(name, n)
#ifdef __has_attribute
# if __has_attribute(retain)
#  define GIMLI_TRACER_KEEP_ used, retain,
# endif
#endif
#ifndef GIMLI_TRACER_KEEP_
# define GIMLI_TRACER_KEEP_ used,
#endif
#define GIMLI_TRACER_MODULE_3_(name, n) \
  static const char gimli_tracer_module_##n[] \
      __attribute__((GIMLI_TRACER_KEEP_ section(GIMLI_TRACE_SECTION_NAME))) = name

#ifdef __cplusplus
}
#endif

#endif /* LIBGIMLI_H */
