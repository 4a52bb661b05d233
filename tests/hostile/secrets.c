/* A target with secrets in every place where glider looks: arguments, members, behind pointers; with the argument "assert",
 * in the assertion that fails. */
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct login {
    const char *user;
    char password[32];
    struct {
        const char *api_key;
        int port;
    } remote;
};

struct run {
    char **values;
    const char *first[2];
};

static void block(int signal)
{
    (void)signal;
    puts("ready");
    fflush(stdout);
    pause();
}

static int check(const char *word, struct login *login, const char *line, struct run run, char *added)
{
    block(0);
    return word[0] + login->remote.port + line[0] + run.first[0][0] + added[0];
}

int main(int count, char **arguments, char **whatever)
{
    struct run run = {whatever, {getenv("MARK"), whatever[0]}};
    struct login login = {"joe", "hunter2-of-joe", {"k3y-of-the-remote", 4711}};
    const char *again = login.password;
    if (count > 1 && strcmp(arguments[1], "assert") == 0) {
        signal(SIGABRT, block);
        assert(strcmp(login.password, "pa55-of-the-assertion") == 0);
    }
    setenv("MORE", "v4lue-that-was-added", 1);
    return check(again, &login, "DB_PASSWORD=pa55-of-the-database", run, getenv("MORE")) + (run.values ? count : 0);
}
