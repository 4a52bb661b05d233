/* The example of slides.c with version 3: its functions are glider's, so it is linked with undefined symbols. */
#include <libgimli_ana.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static gimli_iter_status_t print_frame(gimli_proc_t proc, gimli_thread_t thread, gimli_stack_frame_t frame,
                                       void *arg)
{
    char name[256], file[256];
    uint64_t line;
    gimli_type_t type;
    gimli_addr_t addr, pc = gimli_stack_frame_pcaddr(frame);
    (void)thread, (void)arg;
    printf("#%d %s\n", gimli_stack_frame_number(frame), gimli_pc_sym_name(proc, pc, name, sizeof(name)));
    if (gimli_determine_source_line_number(proc, pc, file, sizeof(file), &line)) {
        printf("at %s:%" PRIu64 "\n", file, line);
    }
    if (gimli_stack_frame_resolve_var(frame, GIMLI_WANT_LOCALS, "local", &type, &addr)) {
        printf("%s local has %zu bits\n", gimli_type_declname(type), gimli_type_size(type));
        gimli_print_addr_as_type(proc, frame, "again", type, addr);
        return GIMLI_ITER_STOP;
    }
    return GIMLI_ITER_CONT;
}

static gimli_iter_status_t print_thread(gimli_proc_t proc, gimli_thread_t thread, void *arg)
{
    gimli_stack_trace_t trace = gimli_thread_stack_trace(thread, 64);
    (void)proc;
    printf("%d frames\n", gimli_stack_trace_num_frames(trace));
    gimli_stack_trace_visit(trace, print_frame, arg);
    gimli_stack_trace_delete(trace);
    return GIMLI_ITER_CONT;
}

static gimli_iter_status_t print_member(const char *name, struct gimli_type_membinfo *info, void *arg)
{
    (void)arg;
    printf("%s %s at bit %" PRIu64 "\n", gimli_type_declname(info->type), name, info->offset);
    return GIMLI_ITER_CONT;
}

static void print_globals(gimli_proc_t proc, void *arg)
{
    char buf[1024];
    int value;
    uint64_t line;
    gimli_addr_t pointer;
    gimli_mem_ref_t ref;
    struct gimli_symbol *symbol = gimli_sym_lookup(proc, NULL, "my_str");
    gimli_type_t foo = gimli_find_type_by_name(proc, NULL, "struct foo");
    char *text = gimli_get_string_symbol(proc, NULL, "my_str_ptr");

    printf("%s\n", text ? text : "null");
    free(text);
    if (gimli_copy_from_symbol(NULL, "my_int", 0, &value, sizeof(value))) {
        printf("my_int: %d\n", value);
    }
    text = symbol ? gimli_read_string(proc, symbol->addr) : NULL;
    printf("my_str: %s\n", text ? text : "null");
    free(text);
    symbol = gimli_sym_lookup(proc, NULL, "my_foo");
    if (symbol && gimli_proc_mem_ref(proc, symbol->addr, sizeof(value), &ref) == GIMLI_ERR_OK) {
        printf("foo.value: %d\n", *(int *)gimli_mem_ref_local(ref));
        gimli_mem_ref_delete(ref);
    }
    symbol = gimli_sym_lookup(proc, NULL, "my_foo_ptr");
    if (symbol && gimli_read_pointer(proc, symbol->addr, &pointer) &&
        gimli_read_mem(proc, pointer, &value, sizeof(value)) == sizeof(value)) {
        printf("foo_ptr->value: %d\n", value);
    }
    if (gimli_copy_from_symbol(NULL, "my_function_ptr", 0, &pointer, sizeof(pointer))) {
        printf("%#" PRIx64 " = %s\n", pointer, gimli_pc_sym_name(proc, pointer, buf, sizeof(buf)));
        if (gimli_determine_source_line_number(proc, pointer, buf, sizeof(buf), &line)) {
            printf("%#" PRIx64 " => %s:%" PRIu64 "\n", pointer, buf, line);
        }
    }
    printf("process %d\n", gimli_proc_pid(proc));

    printf("%s\n", (const char *)arg);
    if (foo) {
        gimli_type_member_visit(foo, print_member, NULL);
    }
    value = 1;
    printf("%d bytes written\n", gimli_write_mem(proc, pointer, &value, sizeof(value)));
    gimli_proc_visit_threads(the_proc, print_thread, NULL);
}

static gimli_iter_status_t print_foo(gimli_proc_t proc, gimli_stack_frame_t frame, const char *varname,
                                     gimli_type_t t, gimli_addr_t addr, int depth, void *arg)
{
    int value;
    (void)frame, (void)arg;
    if (gimli_type_kind(gimli_type_resolve(t)) != GIMLI_K_STRUCT ||
        gimli_read_mem(proc, addr, &value, sizeof(value)) != sizeof(value)) {
        return GIMLI_ITER_CONT;
    }
    printf("%*sfoo %s holds %d\n", depth, "", varname, value);
    return GIMLI_ITER_STOP;
}

int gimli_module_init(int api_version)
{
    static const char *names[] = {"struct foo"};
    static char argument[] = "the argument";
    if (api_version < 3) {
        return 0;
    }
    return gimli_module_register_tracer(print_globals, argument) &&
           gimli_module_register_var_printer_for_types(names, 1, print_foo, NULL);
}
