// Threads: many of them, waiting for each other, coming and going, outliving their leader.
#include "scenario.h"

#include <array>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <pthread.h>
#include <string>
#include <thread>

namespace {

// Lets a given number of threads go on once all of them are there.
class Gate {
public:
    explicit Gate(unsigned expected) : missing_(expected) {}

    void arrive_and_wait()
    {
        std::unique_lock<std::mutex> guard(lock_);
        missing_--;
        changed_.notify_all();
        changed_.wait(guard, [this] { return missing_ == 0; });
    }

private:
    std::mutex lock_;
    std::condition_variable changed_;
    unsigned missing_;
};

template <typename Body> std::thread start_thread(const std::string &name, Body body)
{
    return std::thread([name, body] {
        pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
        body();
    });
}

// --- deadlock: two transfers that lock the same two accounts in opposite order ---

struct Account {
    std::string owner;
    long balance;
    std::mutex lock;
};

[[gnu::noinline]] void transfer(Account &from, Account &to, long amount, Gate &first_locks_held)
{
    std::lock_guard<std::mutex> from_guard(from.lock);
    first_locks_held.arrive_and_wait();
    std::lock_guard<std::mutex> to_guard(to.lock);
    from.balance -= amount;
    to.balance += amount;
}

void deadlock(const Arguments &)
{
    Account alice = {"alice", 100, {}}, bob = {"bob", 50, {}};
    Gate first_locks_held(3);
    std::thread there = start_thread("transfer-there", [&] { transfer(alice, bob, 10, first_locks_held); });
    std::thread back = start_thread("transfer-back", [&] { transfer(bob, alice, 20, first_locks_held); });
    first_locks_held.arrive_and_wait();
    announce_ready();
    there.join();
    back.join();
}

// --- busy loop: looks for a block with the wanted hash; none has it ---

volatile std::uint32_t wanted_hash = 0;

template <std::size_t Size> [[gnu::noinline]] std::uint32_t hash_block(const std::array<unsigned char, Size> &block)
{
    std::uint32_t hash = 2166136261u;
    for (unsigned char byte : block)
        hash = (hash ^ byte) * 16777619u;
    return hash | 1;
}

void busy_loop(const Arguments &)
{
    std::array<unsigned char, 4096> block = {};
    announce_ready();
    for (unsigned long tries = 0; hash_block(block) != wanted_hash; tries++)
        std::memcpy(block.data(), &tries, sizeof tries);
}

// --- many threads, each waiting for work some calls deep ---

class Pool {
public:
    Pool(unsigned workers, unsigned depth) : depth_(depth), in_place_(workers + 1)
    {
        for (unsigned number = 0; number < workers; number++)
            workers_.push_back(start_thread("worker-" + std::to_string(number), [this, number] { descend(number, 1); }));
        in_place_.arrive_and_wait();
    }

private:
    [[gnu::noinline]] unsigned descend(unsigned number, unsigned level)
    {
        unsigned below = 0;
        if (level < depth_)
            below = descend(number, level + 1);
        else
            wait_for_work();
        return below + number;
    }

    void wait_for_work()
    {
        in_place_.arrive_and_wait();
        std::unique_lock<std::mutex> guard(lock_);
        work_arrived_.wait(guard, [this] { return closing_; });
    }

    const unsigned depth_;
    bool closing_ = false;
    std::mutex lock_;
    std::condition_variable work_arrived_;
    Gate in_place_;
    std::vector<std::thread> workers_;
};

void many_threads(const Arguments &arguments)
{
    Pool pool(argument(arguments, 0, 16, 20000), argument(arguments, 1, 8, 1000));
    block_here();
    std::_Exit(0);
}

// --- the leader ends, its threads go on ---

void leader_exited(const Arguments &)
{
    static Gate started(4);
    for (int i = 0; i < 3; i++)
        start_thread("survivor", [] {
            started.arrive_and_wait();
            wait_for_shutdown();
            std::_Exit(0);
        }).detach();
    started.arrive_and_wait();
    announce_ready();
    pthread_exit(nullptr);
}

// --- threads that start and end all the while ---

void thread_churn(const Arguments &)
{
    for (unsigned long round = 0;; round++) {
        std::array<std::thread, 8> live;
        for (std::thread &thread : live)
            thread = start_thread("request", [round] {
                std::array<unsigned char, 1024> block;
                block.fill(static_cast<unsigned char>(round));
                return hash_block(block);
            });
        if (round == 0)
            announce_ready();
        for (std::thread &thread : live)
            thread.join();
    }
}

// --- thread-locals, one of them with a constructor ---

struct Cache {
    explicit Cache(const char *owner) : owner(owner) {}
    std::string owner;
    unsigned hits = 0;
};

thread_local int current_request = -1;
thread_local Cache cache("nobody");

[[gnu::noinline]] void work_with_thread_locals(int request, const std::string &user, Gate &in_place)
{
    static thread_local unsigned calls = 100;
    current_request = request;
    cache.owner = user;
    cache.hits = static_cast<unsigned>(request) * 10;
    calls += cache.hits;
    in_place.arrive_and_wait();
    wait_for_shutdown();
    std::printf("%u calls\n", calls);
}

void thread_locals(const Arguments &)
{
    Gate in_place(4);
    std::vector<std::thread> workers;
    int request = 0;
    for (const std::string user : {"ada", "grace", "edsger"}) {
        request++;
        workers.push_back(start_thread(user, [=, &in_place] { work_with_thread_locals(request, user, in_place); }));
    }
    in_place.arrive_and_wait();
    block_here();
    std::_Exit(0);
}

} // namespace

const ScenarioTable thread_scenarios = {
    {"deadlock", "", deadlock},
    {"busy-loop", "", busy_loop},
    {"many-threads", "[THREADS [FRAMES]]", many_threads},
    {"leader-exited", "", leader_exited},
    {"thread-churn", "", thread_churn},
    {"thread-locals", "", thread_locals},
};
