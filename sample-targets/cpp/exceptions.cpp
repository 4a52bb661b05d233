// Exceptions in flight: blocked in a catch, in a destructor while the stack unwinds, in the terminate handler.
#include "scenario.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>

namespace {

class ParseError : public std::runtime_error {
public:
    ParseError(const std::string &what, int line) : std::runtime_error(what), line_(line) {}
    int line() const { return line_; }

private:
    int line_;
};

[[gnu::noinline]] int parse_field(const std::string &field, int line)
{
    if (field.find('=') == field.npos)
        throw ParseError("no '=' in \"" + field + "\"", line);
    return static_cast<int>(field.size());
}

[[gnu::noinline]] int parse_configuration()
{
    int parsed = 0;
    try {
        parsed += parse_field("port=8080", 1);
        parsed += parse_field("verbose", 2);
    } catch (const ParseError &error) {
        int line = error.line();
        block_here();
        parsed -= line;
    }
    return parsed;
}

void in_catch(const Arguments &)
{
    std::printf("%d\n", parse_configuration());
}

// Blocks when it is destroyed because an exception passes.
class Transaction {
public:
    explicit Transaction(std::string name) : name_(std::move(name)) {}
    ~Transaction()
    {
        if (std::uncaught_exceptions() > 0)
            roll_back();
    }

private:
    [[gnu::noinline]] void roll_back() const
    {
        std::size_t undone = name_.size();
        block_here();
        std::printf("%zu undone\n", undone);
    }

    std::string name_;
};

[[gnu::noinline]] int update(const std::string &field)
{
    Transaction transaction("update");
    return parse_field(field, 3);
}

void in_unwinding(const Arguments &)
{
    try {
        std::printf("%d\n", update("colour"));
    } catch (const ParseError &error) {
        std::printf("%s\n", error.what());
    }
}

[[noreturn]] void on_terminate()
{
    std::exception_ptr current = std::current_exception();
    block_here();
    std::_Exit(current ? 1 : 2);
}

void in_terminate(const Arguments &)
{
    std::set_terminate(on_terminate);
    std::printf("%d\n", parse_field("verbose", 4));
}

// An exception that says what is in its own member, by code that only gives it back.
class Refused : public std::exception {
public:
    const char *what() const noexcept override { return "the peer refused"; }
};

[[gnu::noinline]] int checked(int port)
{
    if (port < 1024)
        throw Refused();
    return port;
}

// A function that promised not to throw.
[[gnu::noinline]] int connect(int port) noexcept
{
    return checked(port);
}

void broken_promise(const Arguments &)
{
    announce_ready();
    std::printf("%d\n", connect(80));
}

} // namespace

// Where other files could derive more classes, so that the compiler does not know what is called.
namespace protocol {

class Handler {
public:
    Handler() { start(); }
    virtual ~Handler() = default;
    [[gnu::noinline]] void start() { handle(); }
    virtual void handle() = 0;
};

class Echo final : public Handler {
public:
    void handle() override { std::puts("echo"); }
};

} // namespace protocol

namespace {

// A constructor that calls what only its derived class has.
void pure_virtual(const Arguments &)
{
    announce_ready();
    protocol::Echo().start();
}

void uncaught(const Arguments &)
{
    announce_ready();
    std::printf("%d\n", parse_field("verbose", 5));
}

} // namespace

const ScenarioTable exception_scenarios = {
    {"in-catch", "", in_catch},
    {"in-unwinding", "", in_unwinding},
    {"in-terminate", "", in_terminate},
    {"uncaught-exception", "", uncaught},
    {"broken-promise", "", broken_promise},
    {"pure-virtual", "", pure_virtual},
};
