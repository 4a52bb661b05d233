// What the units of the large program share: a request that each of them works on and passes on.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

struct request {
    long id;
    std::string title;
    std::vector<int> route;
    std::size_t at;
};

/// The next unit's turn; the last one waits for ever.
long pass_on(request &request);
