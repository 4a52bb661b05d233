/* A target that says that it is ready and waits, in functions that can be recognized. With an
   argument it becomes that user first, as a server does. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef PLUGIN
__attribute__((used, section("gimli_trace"))) static const char plugin[] = PLUGIN;
#endif

static int inner(int secret)
{
    puts("ready");
    fflush(stdout);
    pause();
    return secret;
}

int main(int count, char **arguments)
{
    int user = count > 1 ? atoi(arguments[1]) : 0;
    if (user && (setgid(user) || setuid(user)))
        return 1;
    return inner(42);
}
