/* What the modules beside this file explain: the global data of the talk's example, and a frame with a structure and a
 * password in it. */
#include <stdio.h>
#include <unistd.h>

char *my_str_ptr = "hello";
int my_int = 42;
char my_str[1024] = "a buffer";
struct foo {
    int value;
} my_foo = {7};
struct foo *my_foo_ptr = &my_foo;

static void a_function(void)
{
}

void (*my_function_ptr)(void) = a_function;

static int blocked(struct foo *pointer, const char *password)
{
    struct foo local = {9};
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
    return pointer->value + local.value + password[0];
}

int main(int argc, char **argv)
{
    (void)argv;
    return blocked(&my_foo, "secret") + argc;
}
