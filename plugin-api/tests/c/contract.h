/* Every type, constant and function of the interface, declared a second time as existing modules know them: a
 * difference from libgimli_ana.h does not compile. Plain enough to be C and C++. */
#ifndef CONTRACT_H
#define CONTRACT_H
#include <libgimli_ana.h>
#include <libgimli_ana.h>

#ifdef __cplusplus
#define SAME(what) static_assert(what, #what)
extern "C" {
#else
#define SAME(what) _Static_assert(what, #what)
#endif
#define AT(structure, member, words) \
    SAME(offsetof(struct structure, member) == (words) * sizeof(void *))

/* versions 1 and 2 */
SAME(GIMLI_ANA_API_VERSION == 3 && GIMLI_ANA_SUPPRESS == 0 && GIMLI_ANA_CONTINUE == 1);
AT(gimli_symbol, name, 0);
AT(gimli_symbol, rawname, 1);
AT(gimli_symbol, addr, 2);
AT(gimli_symbol, size, 3);
SAME(sizeof(((struct gimli_symbol *)0)->size) == 4 && sizeof(gimli_addr_t) == 8);
AT(gimli_proc_stat, pid, 0);
AT(gimli_proc_stat, pr_size, 1);
AT(gimli_proc_stat, pr_rssize, 2);
AT(gimli_ana_api, api_version, 0);
AT(gimli_ana_api, sym_lookup, 1);
AT(gimli_ana_api, sym_name, 2);
AT(gimli_ana_api, read_mem, 3);
AT(gimli_ana_api, read_string, 4);
AT(gimli_ana_api, get_source_info, 5);
AT(gimli_ana_api, get_parameter, 6);
AT(gimli_ana_api, get_string_symbol, 7);
AT(gimli_ana_api, copy_from_symbol, 8);
AT(gimli_ana_api, get_proc_status, 9);
SAME(sizeof(struct gimli_ana_api) == 10 * sizeof(void *));
AT(gimli_ana_module, api_version, 0);
AT(gimli_ana_module, perform_trace, 1);
AT(gimli_ana_module, on_begin_thread_trace, 2);
AT(gimli_ana_module, before_print_frame, 3);
AT(gimli_ana_module, before_print_frame_var, 4);
AT(gimli_ana_module, after_print_frame_var, 5);
AT(gimli_ana_module, after_print_frame, 6);
AT(gimli_ana_module, on_end_thread_trace, 7);
SAME(sizeof(struct gimli_ana_module) == 8 * sizeof(void *));
struct gimli_ana_module *gimli_ana_init(const struct gimli_ana_api *api);

/* version 3 */
SAME(GIMLI_ITER_STOP == 0 && GIMLI_ITER_CONT == 1 && GIMLI_ITER_ERR == 2);
SAME(GIMLI_ERR_OK == 0 && GIMLI_ERR_BAD_ADDR == 1 && GIMLI_ERR_NO_PROC == 2 && GIMLI_ERR_OOM == 3);
SAME(GIMLI_ERR_PERM == 4 && GIMLI_ERR_CHECK_ERRNO == 5 && GIMLI_ERR_TIMEOUT == 6);
SAME(GIMLI_ERR_THREAD_DEBUGGER_INIT_FAILED == 7);
extern gimli_proc_t the_proc;
int gimli_module_init(int);
int gimli_module_register_tracer(void (*)(gimli_proc_t, void *), void *);
int gimli_module_register_var_printer(gimli_iter_status_t (*)(gimli_proc_t, gimli_stack_frame_t, const char *,
                                                              gimli_type_t, gimli_addr_t, int, void *), void *);
int gimli_module_register_var_printer_for_types(const char *[], int, gimli_var_printer_f, void *);
gimli_err_t gimli_proc_attach(int, gimli_proc_t *);
void gimli_proc_addref(gimli_proc_t);
void gimli_proc_delete(gimli_proc_t);
int gimli_proc_pid(gimli_proc_t);
gimli_iter_status_t gimli_proc_visit_threads(gimli_proc_t,
                                             gimli_iter_status_t (*)(gimli_proc_t, gimli_thread_t, void *),
                                             void *);
gimli_stack_trace_t gimli_thread_stack_trace(gimli_thread_t, int);
void gimli_stack_trace_addref(gimli_stack_trace_t);
void gimli_stack_trace_delete(gimli_stack_trace_t);
int gimli_stack_trace_num_frames(gimli_stack_trace_t);
gimli_iter_status_t gimli_stack_trace_visit(gimli_stack_trace_t,
                                            gimli_iter_status_t (*)(gimli_proc_t, gimli_thread_t,
                                                                    gimli_stack_frame_t, void *),
                                            void *);
gimli_addr_t gimli_stack_frame_pcaddr(gimli_stack_frame_t);
int gimli_stack_frame_number(gimli_stack_frame_t);
int gimli_stack_frame_resolve_var(gimli_stack_frame_t, int, const char *, gimli_type_t *, gimli_addr_t *);
gimli_iter_status_t gimli_stack_frame_visit_vars(gimli_stack_frame_t, int,
                                                 gimli_iter_status_t (*)(gimli_stack_frame_t, gimli_var_t, void *),
                                                 void *);
SAME(GIMLI_WANT_PARAMS == 1 && GIMLI_WANT_LOCALS == 2 && GIMLI_WANT_ALL == 3);
const char *gimli_data_sym_name(gimli_proc_t, gimli_addr_t, char *, int);
const char *gimli_pc_sym_name(gimli_proc_t, gimli_addr_t, char *, int);
struct gimli_symbol *gimli_sym_lookup(gimli_proc_t, const char *, const char *);
int gimli_determine_source_line_number(gimli_proc_t, gimli_addr_t, char *, int, uint64_t *);
int gimli_read_mem(gimli_proc_t, gimli_addr_t, void *, int);
int gimli_write_mem(gimli_proc_t, gimli_addr_t, const void *, int);
int gimli_read_pointer(gimli_proc_t, gimli_addr_t, gimli_addr_t *);
char *gimli_read_string(gimli_proc_t, gimli_addr_t);
char *gimli_get_string_symbol(gimli_proc_t, const char *, const char *);
int gimli_copy_from_symbol(const char *, const char *, int, void *, uint32_t);
gimli_err_t gimli_proc_mem_ref(gimli_proc_t, gimli_addr_t, size_t, gimli_mem_ref_t *);
gimli_err_t gimli_proc_mem_commit(gimli_mem_ref_t);
gimli_addr_t gimli_mem_ref_target(gimli_mem_ref_t);
void *gimli_mem_ref_local(gimli_mem_ref_t);
size_t gimli_mem_ref_size(gimli_mem_ref_t);
void gimli_mem_ref_addref(gimli_mem_ref_t);
void gimli_mem_ref_delete(gimli_mem_ref_t);
int gimli_print_addr_as_type(gimli_proc_t, gimli_stack_frame_t, const char *, gimli_type_t, gimli_addr_t);

/* types */
SAME(GIMLI_K_INTEGER == 1 && GIMLI_K_FLOAT == 2 && GIMLI_K_POINTER == 3 && GIMLI_K_ARRAY == 4);
SAME(GIMLI_K_FUNCTION == 5 && GIMLI_K_STRUCT == 6 && GIMLI_K_UNION == 7 && GIMLI_K_ENUM == 8);
SAME(GIMLI_K_TYPEDEF == 9 && GIMLI_K_VOLATILE == 10 && GIMLI_K_CONST == 11 && GIMLI_K_RESTRICT == 12);
SAME(GIMLI_INT_SIGNED == 1 && GIMLI_INT_CHAR == 2 && GIMLI_INT_BOOL == 4 && GIMLI_INT_VARARGS == 8);
SAME(GIMLI_FP_SINGLE == 1 && GIMLI_FP_DOUBLE == 2 && GIMLI_FP_COMPLEX == 3 && GIMLI_FP_IMAGINARY == 4);
SAME(GIMLI_FP_LONG_DOUBLE == 5 && GIMLI_FUNC_VARARG == 1);
SAME(offsetof(struct gimli_type_encoding, format) == 0 && offsetof(struct gimli_type_encoding, offset) == 4);
SAME(offsetof(struct gimli_type_encoding, bits) == 8 && sizeof(struct gimli_type_encoding) == 12);
SAME(offsetof(struct gimli_type_membinfo, type) == 0 && offsetof(struct gimli_type_membinfo, offset) == 8);
SAME(offsetof(struct gimli_type_membinfo, size) == 16 && sizeof(struct gimli_type_membinfo) == 24);
SAME(offsetof(struct gimli_type_arinfo, contents) == 0 && offsetof(struct gimli_type_arinfo, nelems) == 8);
SAME(offsetof(struct gimli_type_funcinfo, rettype) == 0 && offsetof(struct gimli_type_funcinfo, nargs) == 8);
SAME(offsetof(struct gimli_type_funcinfo, flags) == 12);
gimli_type_t gimli_find_type_by_name(gimli_proc_t, const char *, const char *);
gimli_type_t gimli_find_type_by_addr(gimli_proc_t, gimli_addr_t);
const char *gimli_type_name(gimli_type_t);
const char *gimli_type_declname(gimli_type_t);
size_t gimli_type_size(gimli_type_t);
int gimli_type_kind(gimli_type_t);
int gimli_type_encoding(gimli_type_t, struct gimli_type_encoding *);
gimli_type_t gimli_type_resolve(gimli_type_t);
gimli_type_t gimli_type_follow_pointer(gimli_type_t);
int gimli_type_membinfo(gimli_type_t, const char *, struct gimli_type_membinfo *);
gimli_iter_status_t gimli_type_member_visit(gimli_type_t,
                                            gimli_iter_status_t (*)(const char *, struct gimli_type_membinfo *,
                                                                    void *),
                                            void *);
const char *gimli_type_enum_resolve(gimli_type_t, int);
int gimli_type_arinfo(gimli_type_t, struct gimli_type_arinfo *);
int gimli_type_funcinfo(gimli_type_t, struct gimli_type_funcinfo *);
gimli_iter_status_t gimli_type_visit(gimli_type_t,
                                     gimli_iter_status_t (*)(const char *, gimli_type_t, uint64_t, int, void *),
                                     void *);

/* building types */
gimli_type_collection_t gimli_type_collection_new(void);
void gimli_type_collection_addref(gimli_type_collection_t);
void gimli_type_collection_delete(gimli_type_collection_t);
gimli_type_t gimli_type_collection_find_type(gimli_type_collection_t, const char *);
gimli_type_t gimli_type_collection_find_function(gimli_type_collection_t, const char *);
gimli_iter_status_t gimli_type_collection_visit(gimli_type_collection_t,
                                                gimli_iter_status_t (*)(gimli_type_t, void *), void *);
gimli_type_t gimli_type_new_integer(gimli_type_collection_t, const char *, const struct gimli_type_encoding *);
gimli_type_t gimli_type_new_float(gimli_type_collection_t, const char *, const struct gimli_type_encoding *);
gimli_type_t gimli_type_new_volatile(gimli_type_collection_t, gimli_type_t);
gimli_type_t gimli_type_new_const(gimli_type_collection_t, gimli_type_t);
gimli_type_t gimli_type_new_restrict(gimli_type_collection_t, gimli_type_t);
gimli_type_t gimli_type_new_pointer(gimli_type_collection_t, gimli_type_t);
gimli_type_t gimli_type_new_typedef(gimli_type_collection_t, gimli_type_t, const char *);
gimli_type_t gimli_type_new_struct(gimli_type_collection_t, const char *);
gimli_type_t gimli_type_new_union(gimli_type_collection_t, const char *);
int gimli_type_add_member(gimli_type_t, const char *, gimli_type_t, uint64_t, uint64_t);
gimli_type_t gimli_type_new_enum(gimli_type_collection_t, const char *, const struct gimli_type_encoding *);
int gimli_type_enum_add(gimli_type_t, const char *, int);
gimli_type_t gimli_type_new_array(gimli_type_collection_t, const struct gimli_type_arinfo *);
gimli_type_t gimli_type_new_function(gimli_type_collection_t, const char *, uint32_t, gimli_type_t);
int gimli_type_function_add_parameter(gimli_type_t, const char *, gimli_type_t);

/* hash tables */
SAME(GIMLI_HASH_DUP_KEYS == 1 && GIMLI_HASH_PTR_KEYS == 2 && GIMLI_HASH_U64_KEYS == 4);
gimli_hash_t gimli_hash_new(void (*)(void *));
gimli_hash_t gimli_hash_new_size(void (*)(void *), uint32_t, size_t);
int gimli_hash_size(gimli_hash_t);
void gimli_hash_destroy(gimli_hash_t);
gimli_iter_status_t gimli_hash_iter(gimli_hash_t, gimli_iter_status_t (*)(const char *, int, void *, void *),
                                    void *);
void gimli_hash_delete_all(gimli_hash_t, int);
int gimli_hash_insert(gimli_hash_t, const char *, void *);
int gimli_hash_find(gimli_hash_t, const char *, void **);
int gimli_hash_delete(gimli_hash_t, const char *);
int gimli_hash_insert_u64(gimli_hash_t, uint64_t, void *);
int gimli_hash_find_u64(gimli_hash_t, uint64_t, void **);
int gimli_hash_delete_u64(gimli_hash_t, uint64_t);
int gimli_hash_insert_ptr(gimli_hash_t, void *, void *);
int gimli_hash_find_ptr(gimli_hash_t, void *, void **);
int gimli_hash_delete_ptr(gimli_hash_t, void *);

#ifdef __cplusplus
}
#endif
#endif
