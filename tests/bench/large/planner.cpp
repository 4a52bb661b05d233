// A unit of the large program: expressions over typed values, as a query planner has them.
#include "large.hpp"

namespace UNIT {

struct catalog; // Only declared here.

template <int Kind> struct literal {
    using value = std::variant<long, double, std::string, std::pair<int, std::array<char, Kind + 1>>>;
    value held;
    std::tuple<int, std::string, double> origin;
};

template <int Kind> struct node {
    std::vector<std::unique_ptr<node>> operands;
    std::function<long(const literal<Kind> &)> apply;
    literal<Kind> constant;
    catalog *looked_up_in = nullptr;

    long evaluate(int depth) const
    {
        long sum = apply ? apply(constant) : 0;
        for (const auto &operand : operands)
            sum += operand->evaluate(depth + 1);
        return sum;
    }
};

template <int Kind> long plan(long seed)
{
    auto root = std::make_unique<node<Kind>>();
    root->constant.held = seed;
    root->apply = [seed](const literal<Kind> &literal) {
        struct {
            long seed;
            long operator()(long number) const { return number + seed; }
            long operator()(double number) const { return static_cast<long>(number); }
            long operator()(const std::string &text) const { return static_cast<long>(text.size()); }
            long operator()(const std::pair<int, std::array<char, Kind + 1>> &pair) const { return pair.first; }
        } number_of{seed};
        return std::visit(number_of, literal.held);
    };
    root->operands.push_back(std::make_unique<node<Kind>>());
    return root->evaluate(0);
}

template <int... Kind> long plan_all(std::integer_sequence<int, Kind...>, long seed)
{
    return (plan<Kind>(seed) + ...);
}

long plan_everything(long seed)
{
    return plan_all(std::make_integer_sequence<int, PLANNER_KINDS>{}, seed);
}

static long execute(const node<2> &root, request &request)
{
    long cost = root.evaluate(0);
    std::tuple<long, std::string, double> chosen{cost, request.title, 0.5};
    return pass_on(request) + std::get<0>(chosen);
}

long enter(request &request)
{
    node<2> root;
    root.constant.held = std::string("constant");
    root.constant.origin = {1, "parsed", 2.5};
    return execute(root, request) + plan<1>(request.id);
}

} // namespace UNIT
