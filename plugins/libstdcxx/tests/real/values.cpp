// Values of the standard library, some in every state that has a shape of its own.
#include <array>
#include <atomic>
#include <chrono>
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
#include <tuple>
#include <unistd.h>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

// The compiler is told that each may be read and changed: they are in memory, whatever it optimises.
template <typename... Values> static void keep(Values &...values)
{
    (..., static_cast<void>(([](void *place) { asm volatile("" : : "r"(place) : "memory"); })(
              const_cast<void *>(static_cast<const volatile void *>(&values)))));
}

__attribute__((noinline)) static void wait_here()
{
    std::puts("ready");
    std::fflush(stdout);
    for (;;) pause();
}

struct Order {
    int number;
    std::string customer;
    std::vector<std::string> items;
};

enum class Colour { red, green };

static int twice(int number) { return 2 * number; }

struct Deleter {
    int calls;
    void operator()(Order *order) { calls++, delete order; }
};

__attribute__((noinline)) static void hold_strings(int seed)
{
    std::string empty, brief = "brief", longest_inside(15, 'i'), outside(40, 'o'), escaped("a\"b\n\0c", 6);
    std::string very_long(1000, 'v');
    std::string moved_from = "this one is moved to somewhere else entirely", moved_to = std::move(moved_from);
    std::wstring wide = L"wide";
    std::u16string sixteen = u"sixteen \u00e9";
    std::u32string thirty_two = U"thirty-two \U0001f600";
    std::string_view view = std::string_view(outside).substr(0, 3), no_view;
    keep(empty, brief, longest_inside, outside, escaped, very_long, moved_from, moved_to, wide, sixteen, thirty_two,
         view, no_view, seed);
    wait_here();
    keep(empty, brief, longest_inside, outside, escaped, very_long, moved_from, moved_to, wide, sixteen, thirty_two,
         view, no_view, seed);
}

__attribute__((noinline)) static void hold_sequences(int seed)
{
    std::vector<int> no_numbers, numbers = {1, 2, 3 * seed};
    std::vector<int> many(100, 7);
    std::vector<std::string> words = {"alpha", "beta"};
    std::vector<std::vector<int>> nested = {{1}, {2, 3}};
    std::vector<bool> bits = {true, false, seed > 0}, no_bits, many_bits(100, true);
    std::vector<Order> orders = {{1, "ada", {"pen", "ink"}}};
    std::array<double, 2> fixed = {0.5, 1.5};
    std::array<int, 0> nothing;
    std::deque<int> no_deque, deque = {9, 10, 11};
    deque.push_front(8);
    std::deque<int> blocks;
    for (int number = 0; number < 300; number++) blocks.push_back(number);
    for (int number = 0; number < 125; number++) blocks.pop_front();
    std::list<int> no_list, list = {7, 8, 9};
    std::list<std::string> names = {"n1", "n2"};
    std::list<const char *> texts = {"t1", "t2"};
    std::forward_list<int> forward = {4, 5, 6}, no_forward;
    keep(no_numbers, numbers, many, words, nested, bits, no_bits, many_bits, orders, fixed, nothing, no_deque, deque,
         blocks, no_list, list, names, texts, forward, no_forward);
    hold_strings(seed);
    keep(no_numbers, numbers, many, words, nested, bits, no_bits, many_bits, orders, fixed, nothing, no_deque, deque,
         blocks, no_list, list, names, texts, forward, no_forward);
}

__attribute__((noinline)) static void hold_associations(int seed)
{
    std::map<int, int> no_map, squares;
    for (int number = 0; number < 10 * seed; number++) squares[number] = number * number;
    std::map<std::string, std::vector<int>> lists = {{"one", {1}}, {"two", {1, 2}}};
    std::map<std::pair<int, int>, char> cells = {{{1, 2}, 'x'}};
    std::map<Colour, double> weights = {{Colour::red, 0.5}, {Colour::green, 1.5}};
    std::multimap<int, char> several = {{1, 'a'}, {1, 'b'}};
    std::set<char> no_set, letters = {'b', 'a', 'c'};
    std::set<std::string> tags = {"new", "hot"};
    std::multiset<int> repeated = {3, 3, 1};
    std::unordered_map<int, std::string> by_number = {{seed, "one"}};
    std::unordered_map<std::string, int> by_name = {{"ada", 36}};
    std::unordered_multimap<int, int> scattered = {{5, 1}, {5, 2}};
    std::unordered_set<int> no_hash, hashed = {42};
    std::unordered_multiset<std::string> hashed_words = {"w", "w"};
    Order order{7, "grace", {"tea"}};
    std::set<Order *> pointers = {&order};
    keep(no_map, squares, lists, cells, weights, several, no_set, letters, tags, repeated, by_number, by_name,
         scattered, no_hash, hashed, hashed_words, order, pointers);
    hold_sequences(seed);
    keep(no_map, squares, lists, cells, weights, several, no_set, letters, tags, repeated, by_number, by_name,
         scattered, no_hash, hashed, hashed_words, order, pointers);
}

__attribute__((noinline)) static void hold_others(int seed)
{
    std::pair<int, std::string> pair = {seed, "pair"};
    std::tuple<int, std::string, char> tuple = {1, "tuple", 't'};
    std::tuple<> no_tuple;
    std::unique_ptr<int> unique = std::make_unique<int>(11 * seed), no_unique;
    std::unique_ptr<Order, Deleter> deleted(new Order{3, "kept", {}}, Deleter{0});
    std::shared_ptr<int> shared = std::make_shared<int>(12), again = shared, no_shared;
    std::shared_ptr<Order> order = std::shared_ptr<Order>(new Order{5, "shared", {"cup"}});
    std::weak_ptr<int> weak = shared, expired = std::make_shared<int>(1), no_weak;
    std::optional<int> present = 5 * seed, absent;
    std::optional<std::string> text = "in an optional";
    std::variant<int, std::string, double> first = 1, second = "in a variant", third = 2.5;
    std::function<int(int)> no_function, of_pointer = twice, of_lambda = [seed](int more) { return seed + more; };
    std::atomic<int> atomic = seed;
    std::atomic<bool> flag = true;
    std::atomic<int *> atomic_pointer = nullptr;
    std::chrono::milliseconds duration(1500 * seed);
    std::chrono::system_clock::time_point moment(std::chrono::seconds(1700000000));
    keep(pair, tuple, no_tuple, unique, no_unique, deleted, shared, again, no_shared, order, weak, expired, no_weak, present,
         absent, text, first, second, third, no_function, of_pointer, of_lambda, atomic, flag, atomic_pointer, duration,
         moment);
    hold_associations(seed);
    keep(pair, tuple, no_tuple, unique, no_unique, deleted, shared, again, no_shared, order, weak, expired, no_weak, present,
         absent, text, first, second, third, no_function, of_pointer, of_lambda, atomic, flag, atomic_pointer, duration,
         moment);
}

int main()
{
    volatile int seed = 1;
    hold_others(seed);
}
