/* Tries what the header promises to refuse, builds types and tables, and says whether all was as promised. */
#include <libgimli_ana.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(condition)                                                                                             \
    do {                                                                                                              \
        if (!(condition)) {                                                                                           \
            printf("line %d: not %s\n", __LINE__, #condition);                                                        \
            return;                                                                                                   \
        }                                                                                                             \
    } while (0)

static int freed;

static void free_item(void *item)
{
    (void)item;
    freed++;
}

static gimli_iter_status_t count(const char *key, int length, void *item, void *argument)
{
    (void)key, (void)length, (void)item;
    ++*(int *)argument;
    return GIMLI_ITER_CONT;
}

static gimli_iter_status_t count_types(const char *name, gimli_type_t type, uint64_t offset, int depth, void *argument)
{
    (void)name, (void)type, (void)depth;
    *(uint64_t *)argument += offset;
    return GIMLI_ITER_CONT;
}

static void try_memory(gimli_proc_t proc)
{
    struct gimli_symbol *symbol = gimli_sym_lookup(proc, NULL, "my_int");
    int value = 0, other = 12345;
    gimli_mem_ref_t copy, none = NULL;
    EXPECT(symbol && strcmp(symbol->rawname, "my_int") == 0 && symbol->size == sizeof value);
    EXPECT(gimli_write_mem(proc, symbol->addr, &other, sizeof other) == 0);
    EXPECT(gimli_read_mem(proc, symbol->addr, &value, sizeof value) == sizeof value && value != other);
    EXPECT(gimli_proc_mem_ref(proc, symbol->addr, sizeof value, &copy) == GIMLI_ERR_OK);
    EXPECT(gimli_mem_ref_size(copy) == sizeof value && gimli_mem_ref_target(copy) == symbol->addr);
    EXPECT(gimli_proc_mem_commit(copy) == GIMLI_ERR_PERM);
    gimli_mem_ref_addref(copy);
    gimli_mem_ref_delete(copy);
    EXPECT(gimli_mem_ref_size(copy) == sizeof value);
    gimli_mem_ref_delete(copy);
    EXPECT(gimli_mem_ref_size(copy) == 0 && gimli_mem_ref_local(copy) == NULL);
    EXPECT(gimli_proc_mem_ref(proc, 16, 16, &none) == GIMLI_ERR_BAD_ADDR && none == NULL);
    EXPECT(gimli_read_mem(proc, 16, &value, sizeof value) == 0 && gimli_read_mem(proc, symbol->addr, &value, -1) == 0);
    EXPECT(gimli_read_string(proc, 16) == NULL && gimli_get_string_symbol(proc, NULL, "no_such_symbol") == NULL);
    EXPECT(gimli_sym_lookup(proc, "no such object", "my_int") == NULL);
    EXPECT(gimli_copy_from_symbol(NULL, "my_int", 1, &value, sizeof value) == 0);
    puts("memory");
}

static void try_handles(gimli_proc_t proc)
{
    gimli_proc_t again = NULL;
    void *wrong[] = {NULL, (void *)1, (void *)proc, (void *)&again, (void *)-1};
    EXPECT(proc == the_proc && gimli_proc_attach(gimli_proc_pid(proc), &again) == GIMLI_ERR_OK && again == proc);
    EXPECT(gimli_proc_attach(1, &again) == GIMLI_ERR_NO_PROC);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        EXPECT(gimli_stack_frame_pcaddr((gimli_stack_frame_t)wrong[i]) == 0);
        EXPECT(gimli_stack_trace_num_frames((gimli_stack_trace_t)wrong[i]) == 0);
        EXPECT(gimli_type_kind((gimli_type_t)wrong[i]) == 0 && gimli_type_declname((gimli_type_t)wrong[i]) == NULL);
        EXPECT(gimli_thread_stack_trace((gimli_thread_t)wrong[i], 10) == NULL);
        EXPECT(gimli_hash_size((gimli_hash_t)wrong[i]) == 0);
        gimli_stack_trace_delete((gimli_stack_trace_t)wrong[i]);
        gimli_type_collection_delete((gimli_type_collection_t)wrong[i]);
        gimli_hash_destroy((gimli_hash_t)wrong[i]);
    }
    EXPECT(gimli_proc_pid((gimli_proc_t)wrong[1]) == 0);
    puts("handles");
}

static void try_types(gimli_proc_t proc)
{
    struct gimli_type_encoding signed_int = {GIMLI_INT_SIGNED, 0, 32}, encoding;
    gimli_type_collection_t collection = gimli_type_collection_new();
    gimli_type_t number = gimli_type_new_integer(collection, "int", &signed_int);
    gimli_type_t pair = gimli_type_new_struct(collection, "pair");
    gimli_type_t pointer = gimli_type_new_pointer(collection, pair);
    gimli_type_t name = gimli_type_new_typedef(collection, gimli_type_new_const(collection, pair), "pair_t");
    struct gimli_type_arinfo four = {number, 4};
    gimli_type_t array = gimli_type_new_array(collection, &four);
    gimli_type_t colour = gimli_type_new_enum(collection, "colour", &signed_int);
    gimli_type_t function = gimli_type_new_function(collection, "add", GIMLI_FUNC_VARARG, number);
    gimli_type_t point = gimli_find_type_by_name(proc, NULL, "struct point");
    struct gimli_type_membinfo member;
    struct gimli_type_funcinfo signature;
    uint64_t offsets = 0;
    EXPECT(gimli_type_add_member(pair, "first", number, 0, 0) && gimli_type_add_member(pair, "second", array, 0, 32));
    EXPECT(gimli_type_size(pair) == 160 && gimli_type_size(pointer) == 64 && gimli_type_size(array) == 128);
    EXPECT(strcmp(gimli_type_declname(pointer), "struct pair *") == 0 && gimli_type_name(pointer) == NULL);
    EXPECT(gimli_type_resolve(name) == pair && gimli_type_follow_pointer(pointer) == pair);
    EXPECT(gimli_type_kind(name) == GIMLI_K_TYPEDEF && strcmp(gimli_type_name(name), "pair_t") == 0);
    EXPECT(gimli_type_membinfo(pair, "second", &member) && member.type == array && member.offset == 32 && member.size == 128);
    EXPECT(!gimli_type_membinfo(pair, "third", &member) && !gimli_type_add_member(number, "x", number, 0, 0));
    EXPECT(gimli_type_visit(pair, count_types, &offsets) == GIMLI_ITER_CONT && offsets == 32);
    EXPECT(gimli_type_enum_add(colour, "RED", 1) && strcmp(gimli_type_enum_resolve(colour, 1), "RED") == 0);
    EXPECT(gimli_type_enum_resolve(colour, 2) == NULL);
    EXPECT(gimli_type_function_add_parameter(function, "left", number) && gimli_type_funcinfo(function, &signature));
    EXPECT(signature.nargs == 1 && signature.rettype == number && signature.flags == GIMLI_FUNC_VARARG);
    EXPECT(gimli_type_encoding(number, &encoding) && encoding.bits == 32 && encoding.format == GIMLI_INT_SIGNED);
    EXPECT(gimli_type_collection_find_type(collection, "struct pair") == pair);
    EXPECT(gimli_type_collection_find_function(collection, "add") == function);
    EXPECT(gimli_type_new_struct(collection, "pair") == pair);
    gimli_type_collection_delete(collection);
    EXPECT(gimli_type_kind(pair) == 0 && gimli_type_new_struct(collection, "pair") == NULL);
    EXPECT(gimli_type_kind(point) == GIMLI_K_STRUCT && gimli_type_size(point) == 64);
    EXPECT(gimli_type_membinfo(point, "y", &member) && member.offset == 32 && member.size == 32);
    EXPECT(strcmp(gimli_type_name(point), "point") == 0 && strcmp(gimli_type_declname(point), "struct point") == 0);
    EXPECT(gimli_type_kind(member.type) == GIMLI_K_INTEGER && gimli_find_type_by_name(proc, NULL, "struct none") == NULL);
    puts("types");
}

/* The same memory as types made here. */
static void try_printing(gimli_proc_t proc)
{
    struct gimli_type_encoding character = {GIMLI_INT_SIGNED | GIMLI_INT_CHAR, 0, 8}, byte = {0, 0, 8}, wide = {0, 0, 32};
    struct gimli_symbol *symbol = gimli_sym_lookup(proc, NULL, "my_str_ptr");
    gimli_type_collection_t collection = gimli_type_collection_new();
    gimli_type_t letters = gimli_type_new_pointer(collection, gimli_type_new_const(collection, gimli_type_new_integer(collection, "char", &character)));
    gimli_type_t number = gimli_type_new_integer(collection, "unsigned char", &byte);
    struct gimli_type_arinfo two = {number, 2};
    gimli_type_t array = gimli_type_new_array(collection, &two);
    gimli_type_t kind = gimli_type_new_enum(collection, "kind", &wide);
    gimli_type_t text = gimli_type_new_struct(collection, "text"), first = gimli_type_new_union(collection, "first");
    gimli_type_t name = gimli_type_new_typedef(collection, text, "text_t");
    gimli_type_t point = gimli_find_type_by_name(proc, NULL, "struct point");
    char *greeting = gimli_get_string_symbol(proc, NULL, "my_str_ptr");
    EXPECT(symbol && greeting && strlen(greeting) > 3);
    EXPECT(gimli_type_add_member(text, "words", letters, 0, 0) && gimli_print_addr_as_type(proc, NULL, "it", name, symbol->addr));
    EXPECT(gimli_type_add_member(first, "letters", array, 0, 0) && gimli_type_add_member(first, "low", number, 4, 0));
    EXPECT(gimli_type_add_member(first, "high", number, 4, 4) && gimli_type_add_member(first, "where", point, 0, 0));
    EXPECT(gimli_type_add_member(first, "kind", kind, 0, 0) && gimli_type_enum_add(kind, "HELL", 0x6c6c6568));
    gimli_type_t pointer = gimli_type_new_pointer(collection, first);
    EXPECT(gimli_print_addr_as_type(proc, NULL, "bytes", pointer, symbol->addr));
    EXPECT(gimli_print_addr_as_type(proc, NULL, "nowhere", text, 16) && !gimli_print_addr_as_type(proc, NULL, "x", NULL, symbol->addr));
    gimli_type_collection_delete(collection);
    EXPECT(!gimli_print_addr_as_type(proc, NULL, "gone", text, symbol->addr));
    free(greeting);
    puts("printing");
}

static void try_tables(void)
{
    gimli_hash_t names = gimli_hash_new(free_item), numbers = gimli_hash_new_size(NULL, GIMLI_HASH_U64_KEYS, 1000);
    int items[3], visited = 0;
    void *found = NULL;
    char key[] = "key";
    EXPECT(gimli_hash_insert(names, key, &items[0]) == 1 && gimli_hash_insert(names, "key", &items[1]) == 0);
    key[0] = 'K';
    EXPECT(gimli_hash_find(names, "key", &found) && found == &items[0] && !gimli_hash_find(names, key, &found));
    EXPECT(gimli_hash_insert(names, "other", &items[1]) && gimli_hash_size(names) == 2);
    EXPECT(gimli_hash_iter(names, count, &visited) == GIMLI_ITER_CONT && visited == 2);
    EXPECT(gimli_hash_delete(names, "key") && !gimli_hash_delete(names, "key") && freed == 1);
    gimli_hash_destroy(names);
    EXPECT(freed == 2 && gimli_hash_size(names) == 0);
    for (uint64_t i = 0; i < 1000; i++)
        EXPECT(gimli_hash_insert_u64(numbers, i, &items[2]));
    EXPECT(gimli_hash_size(numbers) == 1000 && gimli_hash_find_u64(numbers, 999, &found) && found == &items[2]);
    EXPECT(!gimli_hash_insert_ptr(numbers, items, items) && !gimli_hash_insert(numbers, "key", items));
    gimli_hash_delete_all(numbers, 1);
    EXPECT(gimli_hash_size(numbers) == 0);
    gimli_hash_destroy(numbers);
    puts("tables");
}

static void try_all(gimli_proc_t proc, void *argument)
{
    (void)argument;
    try_memory(proc);
    try_handles(proc);
    try_types(proc);
    try_tables();
    try_printing(proc);
}

int gimli_module_init(int api_version)
{
    return api_version == 3 && gimli_module_register_tracer(try_all, NULL);
}
