// Containers in containers: together far more elements than a report should have.
#include <cstdio>
#include <unistd.h>
#include <vector>

__attribute__((noinline)) static void hold_wide()
{
    using Row = std::vector<int>;
    std::vector<std::vector<std::vector<Row>>> cube(20, std::vector<std::vector<Row>>(20, std::vector<Row>(20, Row(20, 1))));
    std::vector<int> after = {1};
    asm volatile("" : : "r"(&cube), "r"(&after) : "memory");
    std::puts("ready");
    std::fflush(stdout);
    for (;;) pause();
}

int main() { hold_wide(); }
