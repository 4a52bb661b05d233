// Objects of the standard library that are none: uninitialised, destroyed, overwritten.
#include <cstdio>
#include <cstring>
#include <deque>
#include <forward_list>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unistd.h>
#include <unordered_map>
#include <variant>
#include <vector>

// One of every kind, never constructed.
union Everything {
    Everything() {}
    ~Everything() {}
    struct {
        std::string string;
        std::wstring wide;
        std::string_view view;
        std::vector<int> vector;
        std::vector<bool> bits;
        std::deque<int> deque;
        std::list<int> list;
        std::forward_list<int> forward;
        std::map<int, int> map;
        std::set<std::string> set;
        std::unordered_map<int, int> hashed;
        std::unique_ptr<int> unique;
        std::shared_ptr<int> shared;
        std::weak_ptr<int> weak;
        std::optional<int> optional;
        std::variant<int, std::string> variant;
        std::function<int(int)> function;
    } held;
};

__attribute__((noinline)) static void wait_here()
{
    std::puts("ready");
    std::fflush(stdout);
    for (;;) pause();
}

__attribute__((noinline)) static void hold_filled(Everything *place)
{
    Everything &filled = *place;
    asm volatile("" : : "r"(&filled) : "memory");
    wait_here();
    asm volatile("" : : "r"(&filled) : "memory");
}

// The words of an object, to be written over.
template <typename Object> static unsigned long *words(Object &object)
{
    return reinterpret_cast<unsigned long *>(&object);
}

// Nodes of lists and trees begin with their links.
template <typename Container> static unsigned long *node(Container &container, int steps)
{
    auto at = container.begin();
    while (steps-- > 0) ++at;
    return reinterpret_cast<unsigned long *>(&*at);
}

__attribute__((noinline)) static void hold_damaged(Everything *place)
{
    // Read from the sizes in the text: values that are whole but for one word.
    std::vector<int> reversed = {1, 2, 3}, odd = {1, 2, 3}, unmapped = {1}, unaligned = {1, 2}, enormous = {1};
    words(reversed)[1] = words(reversed)[0] - 4;
    words(odd)[1] -= 2;
    words(unmapped)[0] = 0x1000, words(unmapped)[1] = words(unmapped)[2] = 0x1004;
    for (int word = 0; word < 3; word++) words(unaligned)[word] += 1;
    words(enormous)[1] = words(enormous)[2] = words(enormous)[0] + (1ul << 45);
    std::string too_long = "short", unterminated(20, 'u'), dangling(30, 'd');
    words(too_long)[1] = 1000;
    const_cast<char *>(unterminated.data())[20] = 'u';
    words(dangling)[0] = 0x2000;
    std::list<int> circle = {1, 2, 3, 4}, shortened = {1, 2, 3};
    node(circle, 2)[-2] = reinterpret_cast<unsigned long>(node(circle, 1) - 2);
    words(shortened)[2] = 5;
    std::forward_list<int> forward_circle = {1, 2, 3};
    node(forward_circle, 2)[-1] = reinterpret_cast<unsigned long>(node(forward_circle, 0) - 1);
    std::forward_list<int> loose_end = {1, 2, 3};
    node(loose_end, 1)[-1] = 0xdead0;
    std::map<int, int> crossed = {{1, 1}, {2, 4}, {3, 9}, {4, 16}, {5, 25}};
    node(crossed, 2)[-2] = reinterpret_cast<unsigned long>(node(crossed, 0) - 4);
    std::unordered_map<int, int> ring = {{1, 1}, {2, 2}, {3, 3}}, longer = {{1, 1}, {2, 2}};
    node(ring, 2)[-1] = reinterpret_cast<unsigned long>(node(ring, 0) - 1);
    words(ring)[3] = 1000;
    words(longer)[3] = 7;
    std::deque<int> elsewhere = {1, 2, 3};
    words(elsewhere)[2] += 4096;
    std::shared_ptr<int> freed = std::make_shared<int>(1);
    words(*reinterpret_cast<unsigned long **>(&freed)[1])[0] = 0x41414141;
    std::optional<int> flag = 1;
    reinterpret_cast<unsigned char *>(&flag)[4] = 7;
    std::variant<int, std::string> index = 1;
    reinterpret_cast<unsigned char *>(&index)[32] = 9;
    std::forward_list<int> endless;
    for (int number = 0; number < 100000; number++) endless.push_front(number);
    asm volatile("" : : "r"(&reversed), "r"(&ring), "r"(&crossed) : "memory");
    hold_filled(place);
}

int main(int count, char **arguments)
{
    Everything everything;
    int byte = count > 1 ? std::atoi(arguments[1]) : 0xa5;
    std::memset(static_cast<void *>(&everything), byte, sizeof everything);
    hold_damaged(&everything);
}
