/* A target with secrets in every place where glider looks: arguments, members, behind pointers. */
#include <stdio.h>
#include <unistd.h>

struct login {
    const char *user;
    char password[32];
    struct {
        const char *api_key;
        int port;
    } remote;
};

static int check(const char *word, struct login *login, const char *line)
{
    puts("ready");
    fflush(stdout);
    pause();
    return word[0] + login->remote.port + line[0];
}

int main(int count, char **arguments, char **envp)
{
    struct login login = {"joe", "hunter2-of-joe", {"k3y-of-the-remote", 4711}};
    const char *again = login.password;
    (void)arguments;
    return check(again, &login, "DB_PASSWORD=pa55-of-the-database") + (envp ? count : 0);
}
