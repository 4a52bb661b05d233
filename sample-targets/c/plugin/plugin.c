/* Loaded with dlopen: an extension of the server that calls back into it. */

struct extension_request {
    const char *verb;
    int attempt;
};

typedef int (*extension_callback)(const struct extension_request *request);

static _Thread_local int calls_in_this_thread;

int extension_run(extension_callback callback, int attempt);

int extension_run(extension_callback callback, int attempt)
{
    struct extension_request request = {.verb = "reload", .attempt = attempt};
    calls_in_this_thread++;
    int answer = callback(&request);
    return answer + request.attempt + calls_in_this_thread;
}
