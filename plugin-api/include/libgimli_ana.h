/* libgimli_ana.h - what a module of glider written in C or C++ is compiled against.
 *
 * A module is a shared object that glider loads, never the traced process. It is named after
 * the object that it explains: gimli_libfoo.so for libfoo.so.1. It may offer either or both of
 *
 *   gimli_ana_init()     interface versions 1 and 2: glider calls the hooks of a structure that the
 *                        module returns, and hands it a table of functions;
 *   gimli_module_init()  version 3: the module registers functions, and calls those declared below,
 *                        which it leaves undefined: they are found in glider when it is loaded.
 *
 * Rules for all versions:
 *   - Addresses are those of the traced process. They cannot be followed: copy memory first.
 *   - The process may be corrupt. A read may fail or be short, a string may have no end.
 *   - What a module prints with printf(3), puts(3) or write(2) on descriptor 1 lands in the report at the
 *     place of the hook that printed it.
 *   - A module that crashes, loops or exits loses its own further output, nothing else.
 *   - Nothing is thread-safe: call from the thread that the hook was called in.
 *
 * docs/C-GUIDE.md takes you from here to a module that works.
 */
#ifndef LIBGIMLI_ANA_H
#define LIBGIMLI_ANA_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
#if defined(__GNUC__)
/* Some functions have the name of the structure that they fill in, which C++ compilers remark on. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
extern "C" {
#endif

/* The latest version that this header describes. */
#define GIMLI_ANA_API_VERSION 3

/* The entry points stay visible in a module built with -fvisibility=hidden. */
#if defined(__GNUC__)
#define GIMLI_ANA_EXPORT __attribute__((visibility("default")))
#else
#define GIMLI_ANA_EXPORT
#endif

/* An address of the traced process. */
typedef uint64_t gimli_addr_t;

/* A symbol. It and its names belong to glider and stay valid until the end of the trace. */
struct gimli_symbol {
    const char *name;    /* demangled */
    const char *rawname; /* as in the symbol table */
    gimli_addr_t addr;
    uint32_t size; /* bytes; 0 when the symbol table does not say */
};

/* The traced process as a whole. */
struct gimli_proc_stat {
    pid_t pid;
    size_t pr_size;   /* bytes of address space */
    size_t pr_rssize; /* bytes of it in physical memory */
};

/* ======================================================================================== */
/* Versions 1 and 2                                                                         */
/* ======================================================================================== */

/* What the hooks that return an int answer. */
#define GIMLI_ANA_SUPPRESS 0 /* leave this thread, frame or variable out of the report */
#define GIMLI_ANA_CONTINUE 1 /* print it */

/* What glider offers. `obj` is the path or the base name of a mapped object, "libz.so.1" also for
 * libz.so.1.2.13; NULL means any. */
struct gimli_ana_api {
    /* The version that glider speaks. Members up to read_string are there in version 1,
     * the others from version 2 on. */
    int api_version;

    /* The symbol of that raw name. NULL when there is none. */
    struct gimli_symbol *(*sym_lookup)(const char *obj, const char *name);

    /* Writes what lies at an address, "object`symbol+offset", cut to `buflen` bytes with the final NUL.
     * Returns `buf`; the bare address stands there when nothing is known. */
    const char *(*sym_name)(void *addr, char *buf, int buflen);

    /* Copies `len` bytes at `src` to `dest`. Returns how many could be read: fewer than `len` when
     * memory ends before, 0 when there is none. */
    int (*read_mem)(void *src, void *dest, int len);

    /* Copies the NUL-terminated string at `src`. The caller frees it. NULL when it cannot be read or
     * is longer than a string of the report may be. */
    char *(*read_string)(void *src);

    /* Writes the source file of an address of code, and its line. Returns 1, or 0 when unknown. */
    int (*get_source_info)(void *addr, char *buf, int buflen, int *lineno);

    /* Finds a parameter of the frame `context`: its type as C spells it ("struct foo *"), where it
     * lies, its size in bytes. Returns 1, or 0 when there is none or it has no address. The type's name belongs to glider. */
    int (*get_parameter)(void *context, const char *varname, const char **datatype, void **addr,
                         uint64_t *size);

    /* Copies the string that the global variable `name`, a char *, points at. The caller frees it. NULL on failure. */
    char *(*get_string_symbol)(const char *obj, const char *name);

    /* Copies `size` bytes of a global variable, or of what it points at after following `deref`
     * levels of pointer. Returns 1 when all of it was read, otherwise 0. */
    int (*copy_from_symbol)(const char *obj, const char *name, int deref, void *dest, uint32_t size);

    /* The process as a whole. Belongs to glider. */
    const struct gimli_proc_stat *(*get_proc_status)(void);
};

/* The hooks of a module; any may be NULL. `object` is the path of the mapped object that the module
 * was loaded for, `tid` the kernel's thread id, `pcaddr` the program counter of a frame. `context` is a
 * frame: pass it to get_parameter, or use it as a gimli_stack_frame_t. */
struct gimli_ana_module {
    /* The version that the module was written for. With 1, only perform_trace is looked at. */
    int api_version;

    /* After all threads. */
    void (*perform_trace)(const struct gimli_ana_api *api, const char *object);

    /* Before a thread; `pcaddrs` and `contexts` have `nframes` elements, the innermost first. */
    int (*on_begin_thread_trace)(const struct gimli_ana_api *api, const char *object, int tid, int nframes,
                                 void **pcaddrs, void **contexts);

    /* Before a frame; `frameno` is the number that the report prints. */
    int (*before_print_frame)(const struct gimli_ana_api *api, const char *object, int tid, int frameno,
                              void *pcaddr, void *context);

    /* Before a variable, and before each member, element and pointee nested in it. `datatype` is its
     * type as C spells it ("<optimized out>" when it has none), `varaddr` is where it lies itself, not what it
     * points at (NULL when it lies nowhere), `varsize` its size in bytes. */
    int (*before_print_frame_var)(const struct gimli_ana_api *api, const char *object, int tid, int frameno,
                                  void *pcaddr, void *context, const char *datatype, const char *varname,
                                  void *varaddr, uint64_t varsize);

    /* After a variable that was printed. */
    void (*after_print_frame_var)(const struct gimli_ana_api *api, const char *object, int tid, int frameno,
                                  void *pcaddr, void *context, const char *datatype, const char *varname,
                                  void *varaddr, uint64_t varsize);

    /* After a frame that was printed. */
    void (*after_print_frame)(const struct gimli_ana_api *api, const char *object, int tid, int frameno,
                              void *pcaddr, void *context);

    /* After a thread that was printed. */
    void (*on_end_thread_trace)(const struct gimli_ana_api *api, const char *object, int tid, int nframes,
                                void **pcaddrs, void **contexts);
};

/* Defined by the module, called once when it has been loaded. The structure belongs to the module and
 * lives as long as it. NULL means that there is nothing to do for this process. */
GIMLI_ANA_EXPORT struct gimli_ana_module *gimli_ana_init(const struct gimli_ana_api *api);

/* ======================================================================================== */
/* Version 3                                                                                */
/* ======================================================================================== */

/* Handles. A function whose name ends in _addref adds a reference, one that ends in _delete gives one
 * back; whoever made a handle holds its first reference. Handles without such functions live until the end of
 * the trace, and those given to a visitor until it returns. NULL is accepted everywhere and gives the answer for failure. */
typedef struct gimli_proc *gimli_proc_t;
typedef struct gimli_thread *gimli_thread_t;
typedef struct gimli_stack_trace *gimli_stack_trace_t;
typedef struct gimli_stack_frame *gimli_stack_frame_t;
typedef struct gimli_var *gimli_var_t;
typedef struct gimli_mem_ref *gimli_mem_ref_t;
typedef struct gimli_type *gimli_type_t;
typedef struct gimli_type_collection *gimli_type_collection_t;
typedef struct gimli_hash *gimli_hash_t;

/* What a visitor answers, and what the walk that called it then returns: GIMLI_ITER_CONT when it came to the end. */
typedef enum gimli_iter_status {
    GIMLI_ITER_STOP = 0, /* enough seen */
    GIMLI_ITER_CONT = 1, /* go on */
    GIMLI_ITER_ERR = 2   /* give up */
} gimli_iter_status_t;

typedef enum gimli_err {
    GIMLI_ERR_OK = 0,
    GIMLI_ERR_BAD_ADDR = 1,    /* nothing is mapped there */
    GIMLI_ERR_NO_PROC = 2,     /* no such process, or not the traced one */
    GIMLI_ERR_OOM = 3,         /* out of memory */
    GIMLI_ERR_PERM = 4,        /* not allowed */
    GIMLI_ERR_CHECK_ERRNO = 5, /* errno(3) says why */
    GIMLI_ERR_TIMEOUT = 6,
    GIMLI_ERR_THREAD_DEBUGGER_INIT_FAILED = 7
} gimli_err_t;

/* The traced process. */
extern gimli_proc_t the_proc;

/* Defined by the module, called once when it has been loaded, with the version that glider speaks (3 or
 * later): the place to register tracers and printers. Returns 1; 0 means that there is nothing to do for this process. */
GIMLI_ANA_EXPORT int gimli_module_init(int api_version);

/* ---- registration: each returns 1, or 0 when there are too many ------------------------- */

typedef void (*gimli_module_trace_f)(gimli_proc_t proc, void *arg);

/* `func` is called after all threads, in the order of registration. */
int gimli_module_register_tracer(gimli_module_trace_f func, void *arg);

/* Prints a variable. `t` is its type, `addr` where it lies, `depth` how deep it is nested, from 0.
 * Returns GIMLI_ITER_STOP when it has printed the variable; otherwise the next printer is asked, and glider last. */
typedef gimli_iter_status_t (*gimli_var_printer_f)(gimli_proc_t proc, gimli_stack_frame_t frame,
                                                   const char *varname, gimli_type_t t, gimli_addr_t addr,
                                                   int depth, void *arg);

/* `func` is asked for every variable and everything nested in one. */
int gimli_module_register_var_printer(gimli_var_printer_f func, void *arg);

/* `func` is asked for values of the `ntypes` types named as gimli_type_declname spells them. */
int gimli_module_register_var_printer_for_types(const char *typenames[], int ntypes,
                                                gimli_var_printer_f func, void *arg);

/* ---- the process ----------------------------------------------------------------------- */

/* Gives a reference to the traced process. Another pid than its own is refused: GIMLI_ERR_NO_PROC. */
gimli_err_t gimli_proc_attach(int pid, gimli_proc_t *proc);
void gimli_proc_addref(gimli_proc_t proc);
void gimli_proc_delete(gimli_proc_t proc);
int gimli_proc_pid(gimli_proc_t proc);

typedef gimli_iter_status_t (*gimli_proc_visit_f)(gimli_proc_t proc, gimli_thread_t thread, void *arg);

/* Walks the threads in the order of the report. */
gimli_iter_status_t gimli_proc_visit_threads(gimli_proc_t proc, gimli_proc_visit_f func, void *arg);

/* ---- stacks ---------------------------------------------------------------------------- */

/* The stack of a thread, at most `max_frames` frames of it. NULL on failure; the caller deletes it. */
gimli_stack_trace_t gimli_thread_stack_trace(gimli_thread_t thread, int max_frames);
void gimli_stack_trace_addref(gimli_stack_trace_t trace);
void gimli_stack_trace_delete(gimli_stack_trace_t trace);
int gimli_stack_trace_num_frames(gimli_stack_trace_t trace);

typedef gimli_iter_status_t (*gimli_stack_trace_visit_f)(gimli_proc_t proc, gimli_thread_t thread,
                                                         gimli_stack_frame_t frame, void *arg);

/* Walks the frames, the innermost first. A frame lives as long as its stack trace. */
gimli_iter_status_t gimli_stack_trace_visit(gimli_stack_trace_t trace, gimli_stack_trace_visit_f func,
                                            void *arg);

gimli_addr_t gimli_stack_frame_pcaddr(gimli_stack_frame_t frame);
/* The number that the report prints. */
int gimli_stack_frame_number(gimli_stack_frame_t frame);

/* Which variables are wanted. */
#define GIMLI_WANT_PARAMS 1
#define GIMLI_WANT_LOCALS 2
#define GIMLI_WANT_ALL 3

/* Finds a variable of a frame by name. Returns 1, or 0 when there is none or it has no address. */
int gimli_stack_frame_resolve_var(gimli_stack_frame_t frame, int filter, const char *varname,
                                  gimli_type_t *datatype, gimli_addr_t *addr);

typedef gimli_iter_status_t (*gimli_stack_frame_visit_f)(gimli_stack_frame_t frame, gimli_var_t var,
                                                         void *arg);

/* Walks the variables of a frame, parameters first. */
gimli_iter_status_t gimli_stack_frame_visit_vars(gimli_stack_frame_t frame, int filter,
                                                 gimli_stack_frame_visit_f func, void *arg);

/* ---- names and source ------------------------------------------------------------------ */

/* Writes what lies at an address of data, "object`symbol+offset", cut to `buflen` bytes with the final NUL.
 * Returns `buf`, empty when nothing is known. */
const char *gimli_data_sym_name(gimli_proc_t proc, gimli_addr_t addr, char *buf, int buflen);
/* The same for an address of code. */
const char *gimli_pc_sym_name(gimli_proc_t proc, gimli_addr_t addr, char *buf, int buflen);

/* The symbol of that raw name; `obj` as in version 1. NULL when there is none. */
struct gimli_symbol *gimli_sym_lookup(gimli_proc_t proc, const char *obj, const char *name);

/* Writes the source file of an address of code, and its line. Returns 1, or 0 when unknown. */
int gimli_determine_source_line_number(gimli_proc_t proc, gimli_addr_t pc, char *src, int srclen,
                                       uint64_t *lineno);

/* ---- memory ---------------------------------------------------------------------------- */

/* Copies `len` bytes at `src` to `dest`. Returns how many could be read. */
int gimli_read_mem(gimli_proc_t proc, gimli_addr_t src, void *dest, int len);

/* Refused: glider changes nothing in the traced process. Returns 0, the number of bytes written. */
int gimli_write_mem(gimli_proc_t proc, gimli_addr_t dest, const void *src, int len);

/* Reads a pointer of the traced process. Returns 1 or 0. */
int gimli_read_pointer(gimli_proc_t proc, gimli_addr_t addr, gimli_addr_t *value);

/* Copies a NUL-terminated string. The caller frees it. NULL on failure. */
char *gimli_read_string(gimli_proc_t proc, gimli_addr_t addr);

/* get_string_symbol and copy_from_symbol of version 2. */
char *gimli_get_string_symbol(gimli_proc_t proc, const char *obj, const char *name);
int gimli_copy_from_symbol(const char *obj, const char *name, int deref, void *dest, uint32_t size);

/* A copy of a piece of memory. Its size may turn out smaller than asked for, when memory ends before;
 * GIMLI_ERR_BAD_ADDR when there is none. The caller deletes it. */
gimli_err_t gimli_proc_mem_ref(gimli_proc_t proc, gimli_addr_t addr, size_t size, gimli_mem_ref_t *ref);
/* Refused: GIMLI_ERR_PERM. */
gimli_err_t gimli_proc_mem_commit(gimli_mem_ref_t ref);
gimli_addr_t gimli_mem_ref_target(gimli_mem_ref_t ref); /* where it lies in the traced process */
void *gimli_mem_ref_local(gimli_mem_ref_t ref);         /* the copy; lives as long as the handle */
size_t gimli_mem_ref_size(gimli_mem_ref_t ref);
void gimli_mem_ref_addref(gimli_mem_ref_t ref);
void gimli_mem_ref_delete(gimli_mem_ref_t ref);

/* ---- printing -------------------------------------------------------------------------- */

/* Prints memory as a variable of that name and type, as glider does. `frame` may be NULL. Returns 1 or 0. */
int gimli_print_addr_as_type(gimli_proc_t proc, gimli_stack_frame_t frame, const char *varname, gimli_type_t t,
                             gimli_addr_t addr);

/* ---- types: sizes and offsets are in bits ---------------------------------------------- */

/* What gimli_type_kind says. */
#define GIMLI_K_INTEGER 1
#define GIMLI_K_FLOAT 2
#define GIMLI_K_POINTER 3
#define GIMLI_K_ARRAY 4
#define GIMLI_K_FUNCTION 5
#define GIMLI_K_STRUCT 6
#define GIMLI_K_UNION 7
#define GIMLI_K_ENUM 8
#define GIMLI_K_TYPEDEF 9
#define GIMLI_K_VOLATILE 10
#define GIMLI_K_CONST 11
#define GIMLI_K_RESTRICT 12

/* `format` of an integer: any of these together. */
#define GIMLI_INT_SIGNED 1
#define GIMLI_INT_CHAR 2
#define GIMLI_INT_BOOL 4
#define GIMLI_INT_VARARGS 8

/* `format` of a floating point number: one of these. */
#define GIMLI_FP_SINGLE 1
#define GIMLI_FP_DOUBLE 2
#define GIMLI_FP_COMPLEX 3
#define GIMLI_FP_IMAGINARY 4
#define GIMLI_FP_LONG_DOUBLE 5

/* `flags` of a function: it takes a variable number of arguments. */
#define GIMLI_FUNC_VARARG 1

/* How the value of an integer, enumeration or floating point number lies in its memory. */
struct gimli_type_encoding {
    uint32_t format;
    uint32_t offset; /* bits before the value */
    uint32_t bits;   /* bits of the value */
};

struct gimli_type_membinfo {
    gimli_type_t type;
    uint64_t offset; /* bits from the start of the structure */
    uint64_t size;   /* bits */
};

struct gimli_type_arinfo {
    gimli_type_t contents;
    uint32_t nelems;
};

struct gimli_type_funcinfo {
    gimli_type_t rettype; /* NULL for void */
    uint32_t nargs;
    uint32_t flags;
};

/* The type of that name in an object ("struct foo", "foo_t"); NULL when there is none. */
gimli_type_t gimli_find_type_by_name(gimli_proc_t proc, const char *objname, const char *tname);
/* The type of the global variable or function at an address; NULL when unknown. */
gimli_type_t gimli_find_type_by_addr(gimli_proc_t proc, gimli_addr_t addr);

/* The type's own name, "foo": NULL when it has none. It lives as long as the type, as does that of gimli_type_declname. */
const char *gimli_type_name(gimli_type_t t);
/* Its name as C declares a variable with it: "struct foo *". */
const char *gimli_type_declname(gimli_type_t t);
/* The size of a value in bits; 0 when unknown. */
size_t gimli_type_size(gimli_type_t t);
/* GIMLI_K_...; 0 for NULL. */
int gimli_type_kind(gimli_type_t t);
/* Returns 1, or 0 for a type that has no encoding. */
int gimli_type_encoding(gimli_type_t t, struct gimli_type_encoding *enc);
/* The type behind typedefs and qualifiers; the type itself when it is neither. */
gimli_type_t gimli_type_resolve(gimli_type_t t);
/* What a pointer points at; NULL for void and for what is no pointer. */
gimli_type_t gimli_type_follow_pointer(gimli_type_t t);

/* A member by name. Returns 1, or 0 when there is none. */
int gimli_type_membinfo(gimli_type_t t, const char *name, struct gimli_type_membinfo *info);

typedef gimli_iter_status_t (*gimli_type_member_visit_f)(const char *name, struct gimli_type_membinfo *info,
                                                         void *arg);
/* Walks the members of a structure or union; `name` is NULL for anonymous ones. */
gimli_iter_status_t gimli_type_member_visit(gimli_type_t t, gimli_type_member_visit_f func, void *arg);

/* The name of an enumeration's value; NULL when it has none. */
const char *gimli_type_enum_resolve(gimli_type_t t, int value);

/* Each returns 1, or 0 when the type is of another kind. */
int gimli_type_arinfo(gimli_type_t t, struct gimli_type_arinfo *info);
int gimli_type_funcinfo(gimli_type_t t, struct gimli_type_funcinfo *info);

typedef gimli_iter_status_t (*gimli_type_visit_f)(const char *name, gimli_type_t t, uint64_t offset,
                                                  int depth, void *arg);
/* Walks a type and everything nested in it, outermost first: the type itself with depth 0 and name NULL, its
 * members with depth 1. `offset` counts from the start of the outermost type. Pointers are not followed. */
gimli_iter_status_t gimli_type_visit(gimli_type_t t, gimli_type_visit_f func, void *arg);

/* ---- building types of one's own ------------------------------------------------------- */

/* Types live as long as the collection they were made in. Names are copied. Those that make a type return
 * NULL on failure; a name that the collection has already gives the type of before when it is of the same kind. */
gimli_type_collection_t gimli_type_collection_new(void);
void gimli_type_collection_addref(gimli_type_collection_t col);
void gimli_type_collection_delete(gimli_type_collection_t col);

/* By the name as C declares a variable with it; NULL when there is none. */
gimli_type_t gimli_type_collection_find_type(gimli_type_collection_t col, const char *name);
gimli_type_t gimli_type_collection_find_function(gimli_type_collection_t col, const char *funcname);

typedef gimli_iter_status_t (*gimli_type_collection_visit_f)(gimli_type_t t, void *arg);
/* Walks the types in the order they were made. */
gimli_iter_status_t gimli_type_collection_visit(gimli_type_collection_t col,
                                                gimli_type_collection_visit_f func, void *arg);

gimli_type_t gimli_type_new_integer(gimli_type_collection_t col, const char *name,
                                    const struct gimli_type_encoding *enc);
gimli_type_t gimli_type_new_float(gimli_type_collection_t col, const char *name,
                                  const struct gimli_type_encoding *enc);
/* `t` may be NULL: void. */
gimli_type_t gimli_type_new_volatile(gimli_type_collection_t col, gimli_type_t t);
gimli_type_t gimli_type_new_const(gimli_type_collection_t col, gimli_type_t t);
gimli_type_t gimli_type_new_restrict(gimli_type_collection_t col, gimli_type_t t);
gimli_type_t gimli_type_new_pointer(gimli_type_collection_t col, gimli_type_t t);
gimli_type_t gimli_type_new_typedef(gimli_type_collection_t col, gimli_type_t t, const char *name);

/* `name` without the word struct or union. It has no members yet; its size grows with them. */
gimli_type_t gimli_type_new_struct(gimli_type_collection_t col, const char *name);
gimli_type_t gimli_type_new_union(gimli_type_collection_t col, const char *name);
/* Adds a member of `size` bits, `offset` bits from the start. A size of 0 is that of the type. Returns 1, or 0. */
int gimli_type_add_member(gimli_type_t t, const char *name, gimli_type_t membertype, uint64_t size,
                          uint64_t offset);

gimli_type_t gimli_type_new_enum(gimli_type_collection_t col, const char *name,
                                 const struct gimli_type_encoding *enc);
/* Returns 1, or 0 when the type is no enumeration. */
int gimli_type_enum_add(gimli_type_t t, const char *name, int value);

gimli_type_t gimli_type_new_array(gimli_type_collection_t col, const struct gimli_type_arinfo *info);
/* `rettype` may be NULL: void. */
gimli_type_t gimli_type_new_function(gimli_type_collection_t col, const char *name, uint32_t flags,
                                     gimli_type_t rettype);
/* `name` may be NULL. Returns 1, or 0 when the type is no function. */
int gimli_type_function_add_parameter(gimli_type_t func, const char *name, gimli_type_t t);

/* ---- hash tables ----------------------------------------------------------------------- */

/* A table has keys of one sort: strings, unless a flag says otherwise. It keeps copies of strings. */
#define GIMLI_HASH_DUP_KEYS 1 /* copy strings: always done */
#define GIMLI_HASH_PTR_KEYS 2 /* keys are addresses: functions ending in _ptr */
#define GIMLI_HASH_U64_KEYS 4 /* keys are numbers: functions ending in _u64 */

typedef void (*gimli_hash_free_func_t)(void *item);

/* `freefunc`, which may be NULL, is called for each item that is deleted. NULL on failure. */
gimli_hash_t gimli_hash_new(gimli_hash_free_func_t freefunc);
/* `size` is how many items are expected. */
gimli_hash_t gimli_hash_new_size(gimli_hash_free_func_t freefunc, uint32_t flags, size_t size);
int gimli_hash_size(gimli_hash_t h);
/* Deletes the items, then the table. */
void gimli_hash_destroy(gimli_hash_t h);

/* `k` is a string with `klen` bytes, or points at a key of `klen` bytes (a pointer, a number). */
typedef gimli_iter_status_t (*gimli_hash_iter_func_t)(const char *k, int klen, void *item, void *arg);
/* Walks the items, in no order. The visitor may delete the item that it is given, and no other. */
gimli_iter_status_t gimli_hash_iter(gimli_hash_t h, gimli_hash_iter_func_t func, void *arg);
/* Deletes the items; gives their memory back too when `downsize` is not 0. */
void gimli_hash_delete_all(gimli_hash_t h, int downsize);

/* Each returns 1, or 0: the key is there already (insert), or is not there (find, delete), or the table
 * has keys of another sort. */
int gimli_hash_insert(gimli_hash_t h, const char *k, void *item);
int gimli_hash_find(gimli_hash_t h, const char *k, void **item);
int gimli_hash_delete(gimli_hash_t h, const char *k);
int gimli_hash_insert_u64(gimli_hash_t h, uint64_t k, void *item);
int gimli_hash_find_u64(gimli_hash_t h, uint64_t k, void **item);
int gimli_hash_delete_u64(gimli_hash_t h, uint64_t k);
int gimli_hash_insert_ptr(gimli_hash_t h, void *k, void *item);
int gimli_hash_find_ptr(gimli_hash_t h, void *k, void **item);
int gimli_hash_delete_ptr(gimli_hash_t h, void *k);

#ifdef __cplusplus
}
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
#endif

#endif
