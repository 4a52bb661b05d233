// Variables of the standard library's types, and lambdas.
#include "scenario.h"
#include "variables.h"

#include <array>
#include <atomic>
#include <chrono>
#include <complex>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <variant>

struct Node {
    int value = 0;
    std::shared_ptr<Node> next;
    std::weak_ptr<Node> previous;
};

HOLDS long hold_standard_library(int seed)
{
    std::string short_string = "short";
    std::string long_string(40 + seed, '=');
    std::string empty_string;
    std::wstring wide_string = L"wide";
    std::string_view view = std::string_view(long_string).substr(0, 3);
    std::vector<int> numbers = {1, 2, 3, seed};
    std::vector<std::string> words = {"alpha", "beta"};
    std::vector<bool> bits = {true, false, seed > 0};
    std::vector<int> nothing;
    std::array<double, 2> fixed = {0.5, 1.5};
    std::map<std::string, int> ages = {{"ada", 36}, {"grace", 85}};
    std::unordered_map<int, std::string> by_number = {{seed, "one"}};
    std::set<char> letters = {'b', 'a'};
    std::list<int> list = {7, 8};
    std::deque<int> deque = {9, 10};
    std::pair<int, std::string> pair = {seed, "pair"};
    std::tuple<int, double, char> tuple = {1, 2.5, 't'};
    std::optional<int> present = seed, absent;
    std::variant<int, std::string> variant = "in a variant";
    std::unique_ptr<int> unique = std::make_unique<int>(11 * seed);
    std::unique_ptr<int> no_unique;
    auto shared = std::make_shared<Node>();
    shared->value = 5 * seed;
    shared->next = std::make_shared<Node>();
    shared->next->previous = shared;
    std::atomic<int> atomic = seed;
    std::chrono::milliseconds duration(1500 * seed);
    std::complex<double> complex(3.0, -4.0 * seed);
    std::mutex mutex;
    std::lock_guard<std::mutex> guard(mutex);
    long below = hold_lambdas(seed);
    use(short_string, long_string, empty_string, wide_string, view, numbers, words, bits, nothing, fixed, ages,
        by_number, letters, list, deque, pair, tuple, present, absent, variant, unique, no_unique, shared, atomic,
        duration, complex, guard);
    return below;
}

HOLDS long hold_lambdas(int seed)
{
    int captured = 3 * seed;
    std::string text = "captured too";
    auto by_value = [captured, text](int more) { return captured + more + static_cast<int>(text.size()); };
    auto by_reference = [&captured, &text] {
        captured++;
        block_here();
        return static_cast<int>(text.size());
    };
    auto generic = [](auto left, auto right) { return left + right; };
    auto stateless = [](int value) { return value * 2; };
    int (*as_function)(int) = stateless;
    std::function<int(int)> erased = by_value;
    std::pair<int, double> parts = {seed, 0.5};
    auto &[whole, part] = parts;
    int result = by_reference() + by_value(1) + generic(1, 2) + as_function(seed) + erased(2);
    use(captured, text, by_value, by_reference, generic, stateless, as_function, erased, whole, part);
    return result;
}
