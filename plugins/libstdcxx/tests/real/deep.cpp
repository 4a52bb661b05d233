// Containers in containers, whose types and nodes have names of up to some thousand characters.
#include <cstdio>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

using Words = std::map<std::string, std::vector<std::pair<std::string, int>>>;

// gdb shows what an optional or a variant holds without saying so, where it has a printer for that: not for this.
template <typename Value> struct Held {
    Value value;
};

__attribute__((noinline)) static void hold_deep()
{
    Words words = {{"d", {{"e", 1}, {"f", 2}}}, {"g", {}}};
    std::map<std::string, std::map<std::string, std::map<std::string, Words>>> deep;
    deep["a"]["b"]["c"] = words;
    std::unordered_map<std::string, std::map<std::string, std::list<Words>>> hashed;
    hashed["h"]["i"] = {words, {}};
    std::list<std::set<std::pair<std::string, std::set<std::vector<std::string>>>>> sets = {{{"j", {{"k", "l"}, {}}}}};
    using Tuple = std::tuple<std::map<std::string, std::string>, Words>;
    std::variant<int, std::map<std::string, Words>, Held<Tuple>> variant = Held<Tuple>{{{{"m", "n"}}, words}};
    std::optional<Held<std::multimap<std::string, Words>>> optional = {{{{"o", words}}}};
    std::map<std::string, const Words *> pointers = {{"p", nullptr}, {"q", &words}};
    std::list<Words *> listed = {&words, nullptr};
    asm volatile("" : : "r"(&deep), "r"(&words), "r"(&hashed), "r"(&sets), "r"(&variant), "r"(&optional), "r"(&pointers),
                 "r"(&listed) : "memory");
    std::puts("ready");
    std::fflush(stdout);
    for (;;) pause();
}

int main() { hold_deep(); }
