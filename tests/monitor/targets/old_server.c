/* A server with the fault handler of a C original of long ago: it stops itself and knows nothing of the record that
 * our libgimli leaves. With "usr2" it asks for the trace first. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct heartbeat { int state; int ticks; };
static volatile struct heartbeat *hb;
static int ask;

static void on_fault(int signo) {
  signal(signo, SIG_DFL);
  if (ask) kill(getppid(), SIGUSR2);
  kill(getpid(), SIGSTOP);
  hb->state = 3;
  hb->ticks++;
  kill(getpid(), signo);
}

int main(int argc, char **argv) {
  if (argc < 3 || !getenv("GIMLI_HB_FD")) return 64;
  ask = !strcmp(argv[1], "usr2");
  hb = mmap(NULL, sizeof *hb, PROT_READ | PROT_WRITE, MAP_SHARED, atoi(getenv("GIMLI_HB_FD")), 0);
  if (hb == MAP_FAILED) return 1;
  signal(SIGSEGV, on_fault);
  hb->state = 2;
  hb->ticks++;
  int fd = open(argv[2], O_CREAT | O_EXCL | O_WRONLY, 0600);
  if (fd >= 0) {
    if (!strcmp(argv[1], "hang")) for (;;) pause();
    *(volatile int *)0x2a = 1;
  }
  if (write(1, "serving\n", 8) != 8) return 1;
  for (;;) { usleep(20000); hb->ticks++; }
}
