// Faults as C++ servers have them: each scenario ends the process by the signal that the mistake earns.
#include "scenario.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>

namespace session {

class Session {
public:
    Session(int id, std::string peer) : id_(id), peer_(std::move(peer)) {}
    virtual ~Session() = default;

    [[gnu::noinline]] unsigned long count_request() { return ++requests_; }
    [[gnu::noinline]] unsigned long mean_latency() const { return latency_total_ / requests_; }
    virtual std::size_t handle(const std::string &line) { return line.size() + peer_.size(); }

    [[gnu::noinline]] void check_invariant(unsigned long expected) const
    {
        if (requests_ != expected) {
            std::fprintf(stderr, "session %d has %lu requests, expected %lu\n", id_, requests_, expected);
            std::abort();
        }
    }

private:
    int id_;
    std::string peer_;
    unsigned long requests_ = 0;
    unsigned long latency_total_ = 12;
};

class SecureSession final : public Session {
public:
    using Session::Session;
    std::size_t handle(const std::string &line) override { return 2 * Session::handle(line); }
};

class Registry {
public:
    Registry()
    {
        sessions_.emplace(1, std::make_unique<Session>(1, "192.0.2.4:51920"));
        sessions_.emplace(2, std::make_unique<SecureSession>(2, "192.0.2.7:40112"));
    }

    [[gnu::noinline]] Session *find(int id) const
    {
        auto found = sessions_.find(id);
        return found == sessions_.end() ? nullptr : found->second.get();
    }

private:
    std::map<int, std::unique_ptr<Session>> sessions_;
};

[[gnu::noinline]] std::size_t dispatch(Session &session, const std::string &line)
{
    std::size_t handled = session.handle(line);
    return handled + 1;
}

} // namespace session

namespace {

// A member function is called on no object: `this` is null.
void null_pointer(const Arguments &)
{
    session::Registry registry;
    session::Session *missing = registry.find(1000);
    announce_ready();
    std::printf("%lu\n", missing->count_request());
}

void wild_pointer(const Arguments &)
{
    std::uintptr_t overwritten = 0x7ead0000bee0;
    session::Session *wild;
    std::memcpy(&wild, &overwritten, sizeof wild);
    announce_ready();
    std::printf("%lu\n", wild->count_request());
}

// The object's pointer to its virtual table now leads to a table of the wild address `target`.
[[gnu::noinline]] void call_with_table_of(std::uintptr_t target)
{
    session::Registry registry;
    session::Session *session = registry.find(2);
    std::vector<std::uintptr_t> table(8, target);
    std::uintptr_t *first = table.data();
    std::memcpy(static_cast<void *>(session), &first, sizeof first);
    announce_ready();
    std::printf("%zu\n", session::dispatch(*session, "GET /status"));
}

void wild_call(const Arguments &)
{
    call_with_table_of(0x7ead0000c0de);
}

void null_call(const Arguments &)
{
    call_with_table_of(0);
}

void failed_invariant(const Arguments &)
{
    session::Registry registry;
    announce_ready();
    registry.find(1)->check_invariant(4);
}

void divide_by_zero(const Arguments &)
{
    session::Registry registry;
    announce_ready();
    std::printf("mean latency %lu\n", registry.find(2)->mean_latency());
}

// A recursive-descent reader of "[[[[..." that trusts its input to end.
[[gnu::noinline]] std::size_t read_nested(const std::string &text, std::size_t depth)
{
    std::string token = "level " + std::to_string(depth);
    std::size_t length = token.size();
    if (text[depth % text.size()] == '[')
        length += read_nested(text, depth + 1);
    return length + token.size();
}

void stack_overflow(const Arguments &)
{
    announce_ready();
    std::printf("read %zu bytes\n", read_nested("[[[[", 0));
}

} // namespace

const ScenarioTable fault_scenarios = {
    {"null", "", null_pointer},
    {"wild-pointer", "", wild_pointer},
    {"wild-call", "", wild_call},
    {"null-call", "", null_call},
    {"abort", "", failed_invariant},
    {"divide-by-zero", "", divide_by_zero},
    {"stack-overflow", "", stack_overflow},
};
