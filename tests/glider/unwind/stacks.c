/* Makes the stack that its first argument names, prints `ready` and blocks there.
 * The `null`, `wild`, `birth` and `stepped` ones print `ready` and go on when a byte arrives at stdin. */
#define _GNU_SOURCE
#include <alloca.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))

static volatile long sink;

static NOINLINE void ready(void)
{
    if (write(1, "ready\n", 6) != 6)
        abort();
}

static NOINLINE void block(void)
{
    ready();
    for (;;)
        pause();
}

static NOINLINE void await(void)
{
    char byte;
    ready();
    if (read(0, &byte, 1) != 1)
        abort();
}

/* Keeps six values alive over a call, so that they sit in callee-saved registers. */
static NOINLINE long layer(long depth, void (*then)(void))
{
    long a = depth * 3 + 1, b = depth * 5 + 2, c = depth * 7 + 3, d = depth * 11 + 4, e = depth * 13 + 5;
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e));
    if (depth > 0)
        sink += layer(depth - 1, then);
    else
        then();
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e));
    return a ^ b ^ c ^ d ^ e ^ sink;
}

static NOINLINE void plain(void) { sink += layer(4, block); }

static NOINLINE long recurse(long n)
{
    if (n == 0)
        block();
    long result = recurse(n - 1) + n;
    sink = result;
    return result;
}

static NOINLINE void deep(void) { sink += recurse(5000); }

static NOINLINE void vla(void)
{
    volatile int size = 100;
    char array[size];
    char *more = alloca(size * 3);
    memset(array, 1, size);
    memset(more, 2, size);
    sink += layer(2, block);
    sink += array[size - 1] + more[size - 1];
}

static NOINLINE void aligned(void)
{
    _Alignas(64) volatile char buffer[64];
    buffer[3] = 1;
    sink += layer(2, block);
    sink += buffer[3];
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    sink += number + (info == context);
    /* What the handler leaves in xmm8 is not what the interrupted code had there. */
    __asm__ volatile("pcmpeqd %%xmm8, %%xmm8" ::: "xmm8");
    block();
    sink += number;
}

static void install(int number, int flags)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | flags;
    if (sigaction(number, &action, NULL) != 0)
        abort();
}

static int compare(const void *left, const void *right)
{
    static int calls;
    if (++calls == 5)
        raise(SIGUSR1);
    return *(const int *)left - *(const int *)right;
}

static NOINLINE void handler(void)
{
    int numbers[16];
    install(SIGUSR1, 0);
    for (int i = 0; i < 16; i++)
        numbers[i] = (i * 7) % 16;
    qsort(numbers, 16, sizeof numbers[0], compare);
    sink += numbers[3];
}

static NOINLINE void use_stack(stack_t *stack)
{
    stack->ss_size = 1 << 16;
    stack->ss_sp = malloc(stack->ss_size);
    stack->ss_flags = 0;
    if (stack->ss_sp == NULL || sigaltstack(stack, NULL) != 0)
        abort();
}

static NOINLINE void fault_at_first_instruction(void)
{
    __asm__ volatile("movabs $0x1122334455667788, %%rax\n\t"
                     "movq %%rax, %%xmm8\n\t"
                     "movl $0, 8(%%rbx)" ::"b"(0L) : "rax", "xmm8", "memory");
}

static NOINLINE void altstack(void)
{
    stack_t stack;
    use_stack(&stack);
    install(SIGSEGV, SA_ONSTACK);
    sink += layer(2, fault_at_first_instruction);
}

static void (*volatile nowhere)(void);

static NOINLINE void call_nowhere(void)
{
    nowhere();
    sink++;
}

static NOINLINE void null(void)
{
    await();
    sink += layer(2, call_nowhere);
}

static NOINLINE void wild(void)
{
    nowhere = (void (*)(void))0x123456789000;
    await();
    sink += layer(2, call_nowhere);
}

static NOINLINE void nullhandler(void)
{
    install(SIGSEGV, 0);
    sink += layer(2, call_nowhere);
}

static void *run_thread(void *argument)
{
    sink += layer(3, block);
    return argument;
}

static NOINLINE void thread(void)
{
    pthread_t other;
    if (pthread_create(&other, NULL, run_thread, NULL) != 0)
        abort();
    pthread_join(other, NULL);
}

static NOINLINE void birth(void)
{
    await();
    thread();
    sink++;
}

static ucontext_t home, away;

static void coroutine_body(void) { sink += layer(1, block); }

static NOINLINE void coroutine(void)
{
    if (getcontext(&away) != 0)
        abort();
    away.uc_stack.ss_size = 1 << 16;
    away.uc_stack.ss_sp = malloc(away.uc_stack.ss_size);
    away.uc_link = &home;
    makecontext(&away, coroutine_body, 0);
    swapcontext(&home, &away);
}

/* A function of which no table knows: it moves the stack pointer, and has no frame pointer. */
void untabled(void (*then)(void));
__asm__(".text\n"
        ".globl untabled\n"
        ".type untabled, @function\n"
        "untabled:\n"
        "    push %rbx\n"
        "    sub $64, %rsp\n"
        "    call *%rdi\n"
        "    add $64, %rsp\n"
        "    pop %rbx\n"
        "    ret\n"
        ".size untabled, . - untabled\n");

static NOINLINE void blocked_layer(void) { sink += layer(1, block); }

static NOINLINE void assembly(void)
{
    untabled(blocked_layer);
    sink++;
}

static NOINLINE long through_stubs(long n)
{
    char text[32];
    snprintf(text, sizeof text, "%ld", n);
    sink += atol(text) + (long)strlen(text);
    /* From the vdso, and not clock_gettime(2): stepped through, it waits for a quiet moment for ever. */
    sink += time(NULL);
    sink += getcpu(&(unsigned){0}, NULL);
    return sink;
}

static NOINLINE void trap(void) { __asm__ volatile("int3"); }

static void on_passing_signal(int number) { sink += number; }

static NOINLINE void stepped(void)
{
    signal(SIGUSR1, on_passing_signal);
    await();
    sink += through_stubs(123);
    raise(SIGUSR1);
    untabled(ready);
    sink += layer(2, trap);
}

int main(int count, char **arguments)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } scenarios[] = {
        {"plain", plain},         {"deep", deep},           {"vla", vla},
        {"aligned", aligned},     {"handler", handler},     {"altstack", altstack},
        {"null", null},           {"wild", wild},           {"nullhandler", nullhandler},
        {"thread", thread},       {"coroutine", coroutine}, {"assembly", assembly},
        {"stepped", stepped},     {"birth", birth},
    };
    for (size_t i = 0; count > 1 && i < sizeof scenarios / sizeof scenarios[0]; i++) {
        if (strcmp(arguments[1], scenarios[i].name) == 0) {
            scenarios[i].run();
            sink++;
            return 0;
        }
    }
    return 64;
}
