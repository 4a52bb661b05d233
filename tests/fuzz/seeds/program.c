/* What the fuzz targets look at: a few functions whose frames hold one value of each kind. */
enum color { RED, GREEN = 7 };
struct node {
    struct node *next;
    const char *name;
    union {
        double number;
        unsigned char bytes[8];
    } value;
    enum color color : 4;
};
typedef int (*visitor)(struct node *node, long depth);

static inline int look(const char *text)
{
    int length = 0;
    while (text[length])
        length++;
    return length;
}

__attribute__((noinline)) int inner(struct node *node, long depth)
{
    volatile int table[3] = {1, 2, 3};
    int found = look(node->name);
    return table[0] + found + (int)depth;
}

__attribute__((noinline)) int outer(struct node *node, visitor visit, int count)
{
    char text[count];
    float _Complex turned = count;
    text[0] = (char)visit(node, count);
    return text[0] + (int)__real__ turned;
}

void _start(void)
{
    struct node last = {0, "last", {.number = 1.5}, GREEN}, first = {&last, "first", {.bytes = {1}}, RED};
    outer(&first, inner, 3);
    for (;;)
        ;
}
