/* A process with the globals of the talk's example, and with names of plugins to be found. */
#include <stdio.h>
#include <unistd.h>

char *my_str_ptr = "hello";
int my_int = 42;
char my_str[1024] = "a buffer";
struct foo {
    int value;
} my_foo = {7};
struct foo *my_foo_ptr = &my_foo;

static void wait_for_ever(void)
{
    for (;;)
        pause();
}

void (*my_function_ptr)(void) = wait_for_ever;

#ifdef AS_POINTER
const char *gimli_tracer_module_name = "gimli_by_symbol";
#else
char gimli_tracer_module_name[] = "gimli_by_symbol";
#endif

/* What GIMLI_DECLARE_TRACER_MODULE writes. */
__attribute__((used, section("gimli_trace"))) static const char names[] =
    "gimli_by_section\0gimli_not_there.so\0../gimli_elsewhere";

int main(void)
{
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    my_function_ptr();
    return 0;
}
