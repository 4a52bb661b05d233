/* The example module of the talk that introduced Gimli, slides "Extracting data from globals" to "File:line info", as
 * one file. The code of the slides is kept as it is printed there, but for three slips of the printing: a missing
 * parenthesis after `sizeof(ival)`, curved quotation marks, and the place of "some address I plucked from the
 * target", which here is that of the function that the target's `my_function_ptr` points at. */
#include <libgimli_ana.h>
#include <stdio.h>

struct foo {
    int value;
};

static void perform_trace(const struct
    gimli_ana_api *api, const char *object)
{
    // First the string pointer
    char *s = api->get_string_symbol(object,
        "my_str_ptr");
    printf("%s\n", s ? s : "null");

{
// Now the int. The 0 below means don't deref
int ival;
if (api->copy_from_symbol(object, "my_int",
    0, &ival, sizeof(ival))) {
    printf("my_int: %d\n", ival);
}
}

{
// Now the string buffer
char buf[1024];
if (api->copy_from_symbol(object, "my_str",
    0, &buf, sizeof(buf))) {
    printf("my_str: %s\n", buf);
}
}

{
// Now the foo struct; you need to #include its
// definition, or re-declare it here
struct foo f;
if (api->copy_from_symbol(object, "my_foo",
    0, &f, sizeof(f))) {
    printf("foo.value: %d\n", f.value);
}
if (api->copy_from_symbol(object, "my_foo_ptr",
    1, &f, sizeof(f))) { // 1 = deref once
    printf("foo_ptr->value: %d\n", f.value);
}
}

{
// Some address I plucked from the target
void *addr = NULL;
api->copy_from_symbol(object, "my_function_ptr", 0, &addr, sizeof(addr));
// What is the closest symbol?
char buf[1024];
printf("%p = %s\n", addr, api->sym_name(addr, buf,
    sizeof(buf)));

// if it is code, what's the file and line?  
int line;  
if (api->get_source_info(addr, buf, sizeof(buf),  
                        &line)) {  
    printf("%p => %s:%d\n", addr, buf, line);  
}
}
}

static struct gimli_ana_module ana = {
    .api_version = 2,
    .perform_trace = perform_trace
};

struct gimli_ana_module *gimli_ana_init(const struct gimli_ana_api *api)
{
    (void)api;
    return &ana;
}
