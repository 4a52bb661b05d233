/* What an operator wants to know of the C sample server, with the means of version 3. */
#include <libgimli_ana.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A member of a structure by its name and not by a declaration of one's own. */
static uint64_t read_member(gimli_proc_t proc, gimli_type_t type, gimli_addr_t object, const char *name)
{
    struct gimli_type_membinfo info;
    uint64_t value = 0;
    if (!gimli_type_membinfo(gimli_type_resolve(type), name, &info) || info.size > 64)
        return UINT64_MAX;
    gimli_read_mem(proc, object + info.offset / 8, &value, (int)(info.size / 8));
    return value;
}

static void print_server(gimli_proc_t proc, void *object)
{
    char name[512], *text = gimli_get_string_symbol(proc, object, "my_str_ptr");
    int number;
    gimli_mem_ref_t latest;
    struct gimli_symbol *symbol;
    if (text)
        printf("greeting: %s\n", text);
    free(text);
    if (gimli_copy_from_symbol(object, "my_int", 0, &number, sizeof number))
        printf("requests: %d\n", number);
    symbol = gimli_sym_lookup(proc, object, "my_str");
    if (symbol && gimli_proc_mem_ref(proc, symbol->addr, 64, &latest) == GIMLI_ERR_OK) {
        printf("latest: %.*s\n", (int)gimli_mem_ref_size(latest), (char *)gimli_mem_ref_local(latest));
        gimli_mem_ref_delete(latest);
    }
    if (gimli_copy_from_symbol(object, "my_foo_ptr", 1, &number, sizeof number))
        printf("keys: %d\n", number);
    if (gimli_copy_from_symbol(object, "server_state", 0, &number, sizeof number))
        printf("state: %d\n", number);
    symbol = gimli_sym_lookup(proc, object, "server_stats");
    if (symbol) {
        gimli_type_t type = gimli_find_type_by_addr(proc, symbol->addr);
        printf("stats: %" PRIu64 " connections, %" PRIu64 " requests, %" PRIu64 " errors\n",
               read_member(proc, type, symbol->addr, "connections"), read_member(proc, type, symbol->addr, "requests"),
               read_member(proc, type, symbol->addr, "errors"));
    }
    symbol = gimli_sym_lookup(proc, object, "server_log");
    if (symbol) {
        gimli_type_t type = gimli_find_type_by_name(proc, object, "struct log_ring");
        struct gimli_type_membinfo lines;
        if (gimli_type_membinfo(type, "lines", &lines) && (text = gimli_read_string(proc, symbol->addr + lines.offset / 8 + 8)))
            printf("log: %" PRIu64 " lines, first: %s\n", read_member(proc, type, symbol->addr, "written"), text);
        free(text);
        printf("%s\n", gimli_data_sym_name(proc, symbol->addr + 8, name, sizeof name));
    }
}

static gimli_iter_status_t print_point(gimli_proc_t proc, gimli_stack_frame_t frame, const char *name, gimli_type_t type,
                                       gimli_addr_t address, int depth, void *argument)
{
    int point[2];
    (void)frame, (void)depth, (void)argument;
    if (gimli_type_kind(gimli_type_resolve(type)) != GIMLI_K_STRUCT ||
        gimli_read_mem(proc, address, point, sizeof point) != sizeof point)
        return GIMLI_ITER_CONT;
    printf("point %s is (%d|%d)\n", name, point[0], point[1]);
    return GIMLI_ITER_STOP;
}

/* Asked for everything: hides one variable without a word. */
static gimli_iter_status_t hide(gimli_proc_t proc, gimli_stack_frame_t frame, const char *name, gimli_type_t type,
                                gimli_addr_t address, int depth, void *argument)
{
    (void)proc, (void)frame, (void)type, (void)address, (void)argument;
    return depth == 0 && strcmp(name, "unnamed") == 0 ? GIMLI_ITER_STOP : GIMLI_ITER_CONT;
}

int gimli_module_init(int api_version)
{
    static const char *types[] = {"struct point"};
    return api_version >= 3 && gimli_module_register_tracer(print_server, "server") &&
           gimli_module_register_var_printer_for_types(types, 1, print_point, NULL) &&
           gimli_module_register_var_printer(hide, NULL);
}
