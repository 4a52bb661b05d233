/* A target with secrets in every place where glider looks: arguments, members, behind pointers; with the argument "assert",
 * in the assertion that fails. */
#include <assert.h>
#include <signal.h>
#include <stdio.h>
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

static void block(int signal)
{
    (void)signal;
    puts("ready");
    fflush(stdout);
    pause();
}

static int check(const char *word, struct login *login, const char *line)
{
    block(0);
    return word[0] + login->remote.port + line[0];
}

int main(int count, char **arguments, char **envp)
{
    struct login login = {"joe", "hunter2-of-joe", {"k3y-of-the-remote", 4711}};
    const char *again = login.password;
    if (count > 1 && strcmp(arguments[1], "assert") == 0) {
        signal(SIGABRT, block);
        assert(strcmp(login.password, "pa55-of-the-assertion") == 0);
    }
    return check(again, &login, "DB_PASSWORD=pa55-of-the-database") + (envp ? count : 0);
}
