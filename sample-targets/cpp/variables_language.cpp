// Variables of the kinds that the language itself has: characters, references, classes, members, templates.
#include "scenario.h"
#include "variables.h"

#include <cstdint>
#include <cstdio>
#include <cstring>

void use_all(const void *first)
{
    static volatile std::uintptr_t sum;
    sum = sum + reinterpret_cast<std::uintptr_t>(first);
}

namespace color {

enum class Channel : std::uint8_t { red = 1, green = 2, blue = 4 };
enum Legacy { dark, light };

inline namespace v2 {
struct Rgb {
    std::uint8_t red, green, blue;
};
} // namespace v2

} // namespace color

enum class Level : long long { lowest = -9000000000, normal = 0 };

HOLDS long hold_plain(int seed)
{
    bool yes = seed > 0;
    wchar_t wide = L'\u20ac' + static_cast<wchar_t>(seed - 1);
    char16_t sixteen = static_cast<char16_t>(u'\u00e8' + seed);
    char32_t thirty_two = U'\U0001F600' + static_cast<char32_t>(seed - 1);
    const wchar_t *wide_text = L"wide text";
    const char16_t *text16 = u"sixteen";
    const char32_t *text32 = U"thirty-two";
    wchar_t wide_array[8] = L"array";
    std::nullptr_t null = nullptr;
    color::Channel channel = static_cast<color::Channel>(2 * seed);
    color::Channel mixed = static_cast<color::Channel>(5 * seed);
    color::Legacy legacy = seed > 0 ? color::light : color::dark;
    Level level = static_cast<Level>(seed * -9000000000);
    color::Rgb orange = {255, static_cast<std::uint8_t>(164 + seed), 0};
    auto deduced = 2.5f * static_cast<float>(seed);
    constexpr int at_compile_time = 17 * 3;
    std::byte raw{static_cast<unsigned char>(0x7e + seed)};
    long below = hold_references(seed);
    use(yes, wide, sixteen, thirty_two, wide_text, text16, text32, wide_array, null, channel, mixed, legacy,
        level, orange, deduced, raw);
    return below + at_compile_time;
}

struct Widget {
    int width;
    double ratio;
    static int instances;
    static constexpr int most = 10;

    HOLDS long resize(int by) const
    {
        int next = width + by;
        long below = hold_classes(by);
        return below + next;
    }
};

int Widget::instances = 3;

static HOLDS long hold_reference_parameters(Widget &widget, const std::string &name, int &&temporary, int (&fixed)[3])
{
    widget.width += fixed[0];
    long below = widget.resize(temporary);
    return below + static_cast<long>(name.size());
}

HOLDS long hold_references(int seed)
{
    int number = seed + 41;
    int &alias = number;
    const int &read_only = number;
    int &&extended = seed * 7;
    int numbers[3] = {1, 2, seed};
    int *pointer = &number;
    int *&to_pointer = pointer;
    Widget widget = {640, 1.5 * seed};
    Widget &same_widget = widget;
    int Widget::*member = &Widget::width;
    double Widget::*no_member = nullptr;
    long (Widget::*method)(int) const = &Widget::resize;
    long (Widget::*no_method)(int) const = nullptr;
    long below = hold_reference_parameters(widget, "by reference", seed + 1, numbers);
    use(number, alias, read_only, extended, to_pointer, same_widget, member, no_member, method, no_method);
    return below + widget.*member;
}

// --- classes: bases, virtual bases, nested and private parts ---

class Animal {
public:
    explicit Animal(int age) : age_(age) {}
    virtual ~Animal() = default;
    virtual long speak(int seed) = 0;

protected:
    int age_;
};

class Named {
public:
    explicit Named(const char *name) { std::snprintf(name_, sizeof name_, "%s", name); }

private:
    char name_[12];
};

class Dog : public Animal, private Named {
public:
    Dog(int age, const char *name) : Animal(age), Named(name), tail_{age, true}, tricks_(9) {}
    HOLDS long speak(int seed) override
    {
        int barks = seed + age_;
        heard_ += static_cast<int>(tricks_);
        long below = hold_templates(barks - age_);
        return below + barks + tail_.length;
    }

private:
    struct Tail {
        int length;
        bool wags;
    } tail_;
    unsigned tricks_ : 4;
    mutable int heard_ = 0;
};

struct Device {
    int identifier = 7;
    virtual ~Device() = default;
};
struct Input : virtual Device {
    int events = 10;
};
struct Output : virtual Device {
    int written = 20;
};
struct Terminal : Input, Output {
    int columns = 80;
};

/* Known by its bases only: which class an object is of, its vtable tells. */
namespace {
template <typename Held> class Cage : public Named, public Animal {
public:
    explicit Cage(Held held) : Named("cage"), Animal(1), held_(held) {}
    long speak(int seed) override { return seed; }

private:
    Held held_;
};
} // namespace

union Number {
    long integer;
    double real;
    explicit Number(double value) : real(value) {}
};

HOLDS long hold_classes(int seed)
{
    Dog dog(seed + 4, "Rex");
    Animal *animal = &dog;
    Terminal terminal;
    Device &device = terminal;
    Output *output = &terminal;
    Animal *caged = new Cage<long>(seed + 40);
    Animal &reference = *caged;
    long (Animal::*virtual_method)(int) = &Animal::speak;
    Number number(2.5 * seed);
    struct Local {
        int inside_function;
    } local = {seed};
    struct : Local {
        int more = 5;
    } unnamed = {};
    long below = animal->speak(seed);
    use(dog, terminal, device, output, caged, reference, virtual_method, number, local, unnamed);
    delete caged;
    return below;
}

// --- templates ---

template <typename First, typename Second> struct Pair {
    First first;
    Second second;
};

template <typename Value, int Rows, int Columns = Rows> class Matrix {
public:
    explicit Matrix(Value start)
    {
        for (auto &row : cells_)
            for (Value &cell : row)
                cell = start++;
    }

private:
    Value cells_[Rows][Columns];
};

template <typename... Parts> static HOLDS long hold_pack(int seed, Parts... parts)
{
    long below = hold_standard_library(seed);
    use(parts...);
    return below + static_cast<long>(sizeof...(parts));
}

HOLDS long hold_templates(int seed)
{
    Pair<int, const char *> pair = {seed, "second"};
    Pair<Pair<char, short>, double> nested = {{'x', static_cast<short>(seed)}, 0.25};
    Matrix<int, 2, 3> matrix(seed);
    Matrix<unsigned char, 2> bytes(static_cast<unsigned char>(seed));
    using Alias = Pair<Level, color::Channel>;
    Alias alias = {Level::normal, color::Channel::red};
    long below = hold_pack(seed, 1.5, "pack", 'c', pair);
    use(pair, nested, matrix, bytes, alias);
    return below;
}

static void variables(const Arguments &arguments)
{
    std::printf("%ld\n", hold_plain(static_cast<int>(arguments.size()) + 1));
}

const ScenarioTable variable_scenarios = {
    {"variables", "", variables},
};
