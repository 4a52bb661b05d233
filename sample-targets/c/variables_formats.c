/* Variables of formats that are not every day's: wide text, floats beside float and double, vectors, wide bit-fields. */
#include "scenario.h"
#include "variables.h"

#include <complex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <uchar.h>
#include <unistd.h>
#include <wchar.h>

/* A long of 64 bits, in 32-bit programs too. */
#ifdef __x86_64__
#define LONG long
#else
#define LONG long long
#endif

struct wide_fields {
    signed int lowest : 1;
    unsigned int gap : 7;
    signed LONG most : 63;
    unsigned LONG one : 1;
    _Bool yes : 1;
    enum { NORTH = 1, EAST = 2, SOUTH = 4, WEST = 8 } sides : 4;
};

struct __attribute__((packed)) unaligned {
    char tag;
    double ratio;
    short codes[3];
    struct {
        char inside;
        int number;
    } inner;
};

struct message {
    int count;
    long values[];
};

union sized {
    char letter;
    int number;
    double large[3];
};

HOLDS long hold_formats(int seed)
{
    const wchar_t *wide = L"gr\u00fc\u00dfe";
    wchar_t wide_name[12] = L"wide name";
    const char16_t *sixteen = u"clef \U0001D11E";
    char32_t thirty_two[4] = {U'a', U'\u20ac', (char32_t)seed, 0};
    char pairs[24] = "key\0value";
    __float128 quad = (__float128)1 / (3 * seed);
    long double complex turned = seed + 0.25L * I;
    _Complex float none = 0;
    struct wide_fields fields = {-seed, 99, -((LONG)1 << 62) + seed, 1, 1, NORTH | WEST};
    struct unaligned unaligned = {'u', 2.5 * seed, {1, -2, (short)seed}, {'i', 70000}};
    union sized sized = {.large = {0.5, seed, 2.5}};
    struct message *message = malloc(sizeof *message + 2 * sizeof(long));
    if (!message)
        return 0;
    message->count = 2;
    message->values[0] = seed;
    message->values[1] = -seed;
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
    _Float16 half = (_Float16)(1.5f * (float)seed);
    unsigned __int128 wide_bits = ((unsigned __int128)seed << 90) | 5;
    _Float64x extended = 1.25f64x * seed;
#else
    int half = 1, wide_bits = 2, extended = 3;
#endif
    long below = hold_optimised(seed);
    below += count_bytes(11, wide, wide_name, sixteen, thirty_two, pairs, &quad, &turned, &none, &fields, &unaligned,
                         &sized);
    below += count_bytes(5, message, &half, &wide_bits, &extended, message->values);
    free(message);
    return below;
}

/* --- vectors in registers: no call, since a call does not preserve them --- */

typedef float vector8f __attribute__((vector_size(32)));
typedef long vector2l __attribute__((vector_size(16)));

/* pause(2) without the C library, so that this is the innermost frame. */
static inline __attribute__((always_inline)) long pause_here(void)
{
    long result;
#ifdef __x86_64__
    __asm__ volatile("syscall" : "=a"(result) : "a"((long)SYS_pause) : "rcx", "r11", "memory");
#else
    __asm__ volatile("int $0x80" : "=a"(result) : "a"((long)SYS_pause) : "memory");
#endif
    return result;
}

static HOLDS __attribute__((target("avx"))) float hold_in_avx(float start)
{
    vector8f lanes = {start, 1, 2, 3, 4, 5, 6, 7};
    vector2l pair = {17, -4};
    double scalar = 2.5 * (double)start;
    __asm__("" : "+x"(lanes), "+x"(pair), "+x"(scalar));
    announce_ready();
    vector8f doubled = lanes + lanes;
    __asm__("" : "+x"(doubled), "+x"(pair), "+x"(scalar));
    pause_here();
    __asm__("" : "+x"(doubled), "+x"(pair), "+x"(scalar));
    return doubled[7] + (float)pair[1] + (float)scalar;
}

static void variables_in_vectors(int argc, char **argv)
{
    (void)argv;
    if (!__builtin_cpu_supports("avx")) {
        fprintf(stderr, "this processor has no AVX\n");
        exit(3);
    }
    printf("%f\n", (double)hold_in_avx((float)(argc + 1)));
}

const struct scenario format_scenarios[] = {
    {"variables-in-vectors", "", variables_in_vectors},
    {NULL, NULL, NULL},
};
