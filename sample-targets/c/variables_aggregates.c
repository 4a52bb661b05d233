/* Variables made of others: arrays, structures, unions, bit-fields, enumerations, linked lists. */
#define _GNU_SOURCE
#include "variables.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct point {
    int x, y;
};

struct rectangle {
    struct point corner;
    struct point size;
    const char *label;
};

HOLDS long hold_arrays(int seed)
{
    int numbers[5] = {seed, 2, 3, 5, 8};
    short grid[2][3] = {{1, 2, 3}, {4, 5, (short)seed}};
    int cube[2][2][2] = {{{1, 2}, {3, 4}}, {{5, 6}, {7, seed}}};
    struct point polygon[3] = {{0, 0}, {seed, 0}, {seed, seed}};
    char greeting[16] = "hello";
    char unterminated[4] = {'f', 'u', 'l', 'l'};
    char with_garbage_after[8] = {'a', 'b', '\0', 'x', 'y', (char)seed, 0, 0};
    unsigned char bytes[4] = {0, 127, 128, 255};
    double samples[3] = {0.5, 1.5, seed};
    const char *words[4] = {"alpha", "beta", NULL, "delta"};
    int zeros[200] = {0};
    int repeats[64];
    for (int i = 0; i < 64; i++)
        repeats[i] = i < 30 ? 7 : i < 34 ? i : -seed;
    char long_text[600];
    memset(long_text, 'z', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    struct point no_points[0];
    long below = hold_structures(seed);
    return below + numbers[seed] + grid[seed][seed] + cube[seed][seed][seed] + polygon[seed].x + greeting[seed] +
           unterminated[seed] + with_garbage_after[seed] + bytes[seed] + (long)samples[seed] + words[seed][0] +
           zeros[seed] + repeats[seed] + long_text[seed] + (long)sizeof no_points;
}

struct packet {
    uint16_t kind;
    uint32_t length;
    unsigned char payload[]; /* `length` bytes */
};

struct __attribute__((packed)) wire_header {
    uint8_t version;
    uint32_t sequence;
    uint64_t stamp;
};

struct empty {};

/* Small enough to be passed in two registers. */
struct extent {
    long offset;
    long length;
};

/* One part goes in a general register, the other in an SSE register. */
struct reading {
    long sensor;
    double value;
};

static HOLDS long hold_structure_parameters(struct rectangle large, struct extent extent, struct reading reading,
                                            struct point small)
{
    long below = hold_bits_and_unions(small.x);
    return below + large.corner.x + extent.offset + extent.length + reading.sensor + (long)reading.value + small.y;
}

HOLDS long hold_structures(int seed)
{
    struct point origin = {seed, -seed};
    struct rectangle frame = {{1, 2}, {30, 40 * seed}, "main window"};
    struct rectangle *to_frame = &frame;
    struct wire_header header = {4, 0x01020304u * (unsigned)seed, 0x1122334455667788u};
    struct empty nothing = {};
    struct {
        int inside;
        struct {
            char deeper[6];
            struct {
                int deepest;
            } third;
        } second;
    } unnamed = {seed, {"depth", {99}}};
    struct packet *packet = malloc(sizeof *packet + 8);
    if (!packet)
        return 0;
    packet->kind = 6;
    packet->length = 8;
    memcpy(packet->payload, "payload", 8);
    long below = hold_structure_parameters(frame, (struct extent){4096L * seed, 512},
                                           (struct reading){17, 36.6 * seed}, origin);
    below += origin.y + to_frame->size.y + header.version + unnamed.second.third.deepest +
             packet->payload[seed] + (long)sizeof nothing;
    free(packet);
    return below;
}

struct flags {
    unsigned int active : 1;
    unsigned int priority : 3;
    signed int offset : 5;
    int : 0;
    unsigned long long address : 48;
    unsigned long long generation : 16;
    _Bool dirty : 1;
};

/* Packed, so that a field crosses the border of its storage unit. */
struct __attribute__((packed)) crossing {
    unsigned int first : 13;
    unsigned int second : 23;
    signed long long third : 37;
};

union value {
    int64_t integer;
    double real;
    char text[8];
    void *pointer;
};

struct token {
    int kind;
    union {
        long number;
        const char *word;
    };
    struct {
        int line, column;
    };
};

HOLDS long hold_bits_and_unions(int seed)
{
    struct flags flags = {1, 5, -7 * seed, 0x7fff12345678u, 65535, 1};
    struct crossing crossing = {8191, 4194305, -3LL * seed};
    union value value = {.real = 2.5 * seed};
    union value text = {.text = "seven"};
    struct token number = {.kind = 1, .number = 1234 * seed, .line = 3, .column = 14};
    struct token word = {.kind = 2, .word = "while", .line = 4, .column = 1};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    long below = hold_enumerations(seed);
    return below + flags.offset + flags.dirty + (long)flags.address + (long)crossing.second + crossing.third +
           value.integer + text.text[seed] + number.number + word.word[seed] + sigismember(&signals, SIGHUP);
}

enum color { RED, GREEN, BLUE };
enum sparse { LOW = -5, NONE = 0, MIDDLE = 100, HIGH = 100000 };
enum permission { READ = 1, WRITE = 2, EXECUTE = 4, STICKY = 1 << 9 };
enum overlapping { FIRST = 1, SECOND = 2, BOTH = FIRST | SECOND, FOURTH = 8 };
enum wide { SMALL_VALUE = 1, BIG_VALUE = 0x100000000 };
typedef enum { STATE_IDLE, STATE_BUSY } machine_state;

HOLDS long hold_enumerations(int seed)
{
    enum color color = (enum color)(seed + 1);
    enum sparse negative = (enum sparse)(seed * LOW), gap = (enum sparse)(seed * 50);
    enum permission set = (enum permission)(seed * (READ | EXECUTE | STICKY));
    enum permission unknown_bit = (enum permission)(seed * (WRITE | 64));
    enum overlapping both = (enum overlapping)(seed * 3), more = (enum overlapping)(seed * (BOTH | FOURTH));
    enum permission none = (enum permission)(seed - 1);
    enum wide wide = (enum wide)(seed * BIG_VALUE);
    machine_state state = (machine_state)seed;
    enum color palette[3] = {BLUE, RED, (enum color)(seed * 7)};
    long below = hold_list(seed);
    return below + color + negative + gap + set + unknown_bit + both + more + none + (long)wide + (long)state + palette[seed];
}

struct node {
    int value;
    struct node *next, *previous;
};

struct tree {
    const char *key;
    struct tree *left, *right;
};

HOLDS long hold_list(int seed)
{
    struct node third = {30, NULL, NULL}, second = {20, &third, NULL}, first = {10 * seed, &second, NULL};
    struct node *list = &first, *same_list = &first;
    struct tree leaf = {"leaf", NULL, NULL}, branch = {"branch", &leaf, NULL}, root = {"root", &branch, &leaf};
    struct tree *tree = &root;
    struct node itself = {seed, &itself, &itself};
    second.previous = &first;
    third.previous = &second;
    third.next = &first; /* the list closes to a ring */
    long below = hold_statics(seed);
    return below + count_bytes(4, list, same_list, tree, &itself);
}
