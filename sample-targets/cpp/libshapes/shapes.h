// libshapes: classes with virtual functions that live in a shared object of their own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace shapes {

class Shape {
public:
    explicit Shape(std::string name) : name_(std::move(name)) {}
    virtual ~Shape() = default;
    virtual double area() const = 0;
    const std::string &name() const { return name_; }

private:
    std::string name_;
};

class Square : public Shape {
public:
    explicit Square(double side);
    double area() const override;

private:
    double side_;
};

using Shapes = std::vector<std::unique_ptr<Shape>>;

// The sum over all shapes of what `visit` gives.
double sum(const Shapes &shapes, const std::function<double(const Shape &)> &visit);

} // namespace shapes
