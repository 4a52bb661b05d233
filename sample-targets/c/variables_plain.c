/* Variables of the plain kinds: integers, floating point, pointers, qualified and renamed types. */
#include "scenario.h"
#include "variables.h"

#include <complex.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static volatile int unknown_to_the_compiler = 1;

HOLDS long hold_integers(int seed)
{
    bool yes = seed > 0, no = seed < 0;
    char letter = (char)('@' + seed);
    signed char signed_char = (signed char)(SCHAR_MIN + seed - 1);
    unsigned char unsigned_char = (unsigned char)(UCHAR_MAX + 1 - seed);
    short small = (short)(-300 * seed);
    unsigned short port = (unsigned short)(65534 + seed);
    int negative = -seed;
    unsigned mask = 0xdeadbeefu * (unsigned)seed;
    long timestamp = 1700000000L + seed;
    unsigned long size = ULONG_MAX - (unsigned long)seed;
    long long smallest = LLONG_MIN + seed - 1;
    unsigned long long counter = 18446744073709551614ull + (unsigned)seed;
    int8_t exact8 = (int8_t)(INT8_MAX + 1 - seed);
    uint16_t exact16 = (uint16_t)(0x1233 + seed);
    int32_t exact32 = INT32_MIN + seed - 1;
    uint64_t exact64 = 0x123456789abcdef0u + (unsigned)seed;
#ifdef __SIZEOF_INT128__
    __int128 wide = ((__int128)seed << 100) + 7;
    unsigned __int128 unsigned_wide = ~(unsigned __int128)0 - (unsigned)seed;
#else
    int64_t wide = 0;
    uint64_t unsigned_wide = 0;
#endif
    char newline = (char)('\t' + seed), high = (char)(-57 * seed);
    long below = hold_floats(seed);
    return below + yes + no + letter + signed_char + unsigned_char + small + port + negative + (long)mask +
           timestamp + (long)size + (long)(smallest >> 40) + (long)counter + exact8 + exact16 + exact32 +
           (long)exact64 + (long)(wide >> 32) + (long)unsigned_wide + newline + high;
}

HOLDS long hold_floats(int seed)
{
    float ratio = 0.1f * (float)seed;
    double pi = 3.141592653589793 * seed;
    long double precise = 1.0L / (3 * seed);
    double zero = 0.0 * seed, negative_zero = -0.0 * seed;
    double infinite = 1.0 / zero, not_a_number = zero / zero;
    float tiny = 1e-42f * (float)seed;
    double huge = 1.7976931348623157e308 * seed, whole = 1e15 * seed;
    float complex small_complex = (float)seed + 2.5f * I;
    double complex impedance = 3.0 * seed - 4.0 * I;
    long below = hold_pointers(seed);
    return below + (long)(ratio + pi + precise + negative_zero + tiny + whole) + (infinite > huge) +
           (not_a_number != not_a_number) + (long)(creal(impedance) + cimag(impedance)) +
           (long)(crealf(small_complex) + cimagf(small_complex));
}

static long add_seed(int seed, const char *label)
{
    return seed + (long)strlen(label);
}

HOLDS long hold_pointers(int seed)
{
    int number = 40 + seed;
    int *to_number = &number, **to_pointer = &to_number, ***to_to_pointer = &to_pointer;
    int *null = seed > 0 ? NULL : &number;
    int *wild = (int *)(uintptr_t)(0x7ead0000bee0u * (uintptr_t)seed);
    void *anything = &number;
    char *text = "a string in read-only data";
    const char *tail = text + 2 * seed;
    char *wild_text = (char *)(uintptr_t)(0x10u * (unsigned)seed);
    const char *escaped = "tab\t quote\" newline\n back\\ high\xc3\xa9 bell\a";
    const char *empty = "";
    long (*function)(int, const char *) = seed > 0 ? add_seed : NULL;
    long (*wild_function)(int, const char *) = (long (*)(int, const char *))(uintptr_t)(0x1234u * (unsigned)seed);
    long (*const table[2])(int, const char *) = {function, NULL};
    int (*imported)(const char *, ...) = seed > 0 ? printf : NULL;
    int matrix[2][3] = {{1, 2, seed}, {4, 5, 6}};
    int (*to_row)[3] = &matrix[1];
    FILE *stream = stdout; /* a large structure of somebody else's */
    struct never_defined *opaque = (struct never_defined *)&number;
    long below = hold_qualified(seed);
    return below + (*to_row)[1] + function(seed, text) + (wild_function != NULL) + (imported != NULL) +
           count_bytes(12, to_to_pointer, null, wild, anything, tail, wild_text, escaped, empty, table, to_row,
                       stream, opaque);
}

typedef unsigned int word;
typedef word identifier;
typedef identifier session_identifier;
typedef const volatile session_identifier *frozen_identifier;
typedef char name_text[12];
typedef long (*adder)(int, const char *);

static HOLDS long hold_restricted(int *restrict into, const int *restrict from, int count)
{
    for (int i = 0; i < count; i++)
        into[i] += from[i];
    long below = hold_arrays(count - 1);
    return below + into[0];
}

HOLDS long hold_qualified(int seed)
{
    session_identifier session = 7000u + (unsigned)seed;
    frozen_identifier frozen = &session;
    name_text name = "typedef";
    adder add = seed > 0 ? add_seed : NULL;
    const int constant = seed * 3;
    volatile int changing = seed * 4;
    const volatile unsigned char status = (unsigned char)(seed * 5);
    const char *const fixed = name;
    _Atomic int shared = seed * 6;
    size_t size = sizeof name;
    int target[2] = {1, 2}, source[2] = {seed, seed};
    long below = hold_restricted(target, source, 2);
    return below + (long)*frozen + name[0] + add(seed, fixed) + constant + changing + status + shared + (long)size;
}

static void variables(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("%ld\n", hold_integers(unknown_to_the_compiler));
}

const struct scenario variable_scenarios[] = {
    {"variables", "", variables},
    {NULL, NULL, NULL},
};
