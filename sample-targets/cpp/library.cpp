// Frames and classes of another object: a class here derives from one in libshapes and is called from there.
#include "libshapes/shapes.h"
#include "scenario.h"

#include <cstdio>

namespace {

class Circle final : public shapes::Shape {
public:
    explicit Circle(double radius) : Shape("circle"), radius_(radius) {}

    double area() const override
    {
        double square = radius_ * radius_;
        block_here();
        return 3.14159 * square;
    }

private:
    double radius_;
};

void library_callback(const Arguments &)
{
    shapes::Shapes all;
    all.push_back(std::make_unique<shapes::Square>(3.0));
    all.push_back(std::make_unique<Circle>(2.0));
    double scale = 0.5;
    double total = shapes::sum(all, [&scale](const shapes::Shape &shape) { return scale * shape.area(); });
    std::printf("%g\n", total);
}

} // namespace

const ScenarioTable library_scenarios = {
    {"library-callback", "", library_callback},
};
