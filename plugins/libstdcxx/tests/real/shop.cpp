// The program of README.md.
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unistd.h>
#include <variant>
#include <vector>

struct Customer {
    std::string name;
    std::optional<std::string> phone;
};

struct Order {
    std::shared_ptr<Customer> customer;
    std::map<std::string, int> items;
    std::variant<std::string, int> payment;
};

void deliver(const std::vector<Order> &orders, std::function<void(const Order &)> notify)
{
    std::vector<int> route;  // written over by somebody
    reinterpret_cast<long *>(&route)[0] = 0x41414141;
    std::puts("ready");
    std::fflush(stdout);
    for (;;) pause();
}

int main()
{
    auto ada = std::make_shared<Customer>(Customer{"Ada", "555-0199"});
    std::vector<Order> orders = {{ada, {{"ink", 2}, {"pen", 1}}, "cash"}, {ada, {}, 4711}};
    deliver(orders, [](const Order &) {});
}
