// Shapes of stacks: deep, inlined, through templates, lambdas and the standard library.
#include "scenario.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <numeric>
#include <string_view>

namespace {

[[gnu::noinline]] unsigned long walk_directory(unsigned level, unsigned levels)
{
    unsigned long entries = level * 2UL;
    if (level == levels)
        block_here();
    else
        entries += walk_directory(level + 1, levels);
    return entries + level;
}

void deep_recursion(const Arguments &arguments)
{
    std::printf("%lu entries\n", walk_directory(1, argument(arguments, 0, 200, 100000)));
}

// A header parser whose pieces the compiler folds into one function.
struct Header {
    std::string_view name;
    long value = -1;

    [[gnu::always_inline]] static inline int digit_value(char digit)
    {
        int value = digit - '0';
        if (value == 7)
            block_here();
        return value;
    }

    template <typename Number> [[gnu::always_inline]] static inline Number parse_number(std::string_view text)
    {
        Number number = 0;
        for (char digit : text) {
            int next = digit_value(digit);
            number = number * 10 + next;
        }
        return number;
    }

    [[gnu::always_inline]] inline bool parse(std::string_view line)
    {
        std::size_t colon = line.find(':');
        if (colon == line.npos)
            return false;
        name = line.substr(0, colon);
        value = parse_number<long>(line.substr(colon + 1));
        return true;
    }
};

[[gnu::noinline]] bool parse_request(std::string_view line)
{
    Header header;
    bool parsed = header.parse(line);
    std::printf("%.*s is %ld\n", static_cast<int>(header.name.size()), header.name.data(), header.value);
    return parsed;
}

void inlined(const Arguments &)
{
    parse_request("length:4179");
}

struct Route {
    std::string prefix;
    int cost;
};

// std::sort calls back into a lambda that has captured a reference and a value.
void sort_callback(const Arguments &arguments)
{
    std::vector<Route> routes = {{"10.0.0.0/8", 20}, {"192.168.0.0/16", 7}, {"0.0.0.0/0", 100}};
    int comparisons = 0;
    const std::size_t stop_at = arguments.size() + 2;
    std::sort(routes.begin(), routes.end(), [&comparisons, stop_at](const Route &left, const Route &right) {
        comparisons++;
        if (static_cast<std::size_t>(comparisons) == stop_at)
            block_here();
        return left.cost < right.cost;
    });
    std::printf("best route %s\n", routes.front().prefix.c_str());
}

template <typename Value, std::size_t Places> class Ring {
public:
    void push(const Value &value) { values_[used_++ % Places] = value; }

    template <typename Result> Result fold(Result start, const std::function<Result(Result, Value)> &step) const
    {
        return std::accumulate(values_, values_ + std::min(used_, Places), start, step);
    }

private:
    Value values_[Places] = {};
    std::size_t used_ = 0;
};

void function_object(const Arguments &)
{
    Ring<short, 4> ring;
    for (short value : {3, 1, 4, 1, 5})
        ring.push(value);
    const std::string separator = "+";
    std::string sum = ring.fold<std::string>("", [&separator](std::string sum, short value) {
        if (value == 4)
            block_here();
        return sum + separator + std::to_string(value);
    });
    std::printf("%s\n", sum.c_str());
}

} // namespace

const ScenarioTable frame_scenarios = {
    {"deep-recursion", "[FRAMES]", deep_recursion},
    {"inlined", "", inlined},
    {"sort-callback", "", sort_callback},
    {"function-object", "", function_object},
};
