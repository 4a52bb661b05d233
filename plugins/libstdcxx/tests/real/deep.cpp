// A map whose nodes have a name longer than glider spells.
#include <cstdio>
#include <map>
#include <string>
#include <unistd.h>
#include <vector>

__attribute__((noinline)) static void hold_deep()
{
    using Words = std::map<std::string, std::vector<std::string>>;
    std::map<std::string, std::map<std::string, std::map<std::string, Words>>> deep;
    deep["a"]["b"]["c"]["d"] = {"e"};
    Words words = deep["a"]["b"]["c"];
    asm volatile("" : : "r"(&deep), "r"(&words) : "memory");
    std::puts("ready");
    std::fflush(stdout);
    for (;;) pause();
}

int main() { hold_deep(); }
