// The "variables" scenario: a chain of functions, each holding variables of some kinds while the next runs.
#pragma once

// Keeps the chain a chain: each function stays a frame of its own at every optimisation level.
#define HOLDS __attribute__((noinline))

// Each takes a number unknown to the compiler, and gives one that depends on its variables.
long hold_plain(int seed);
long hold_references(int seed);
long hold_classes(int seed);
long hold_templates(int seed);
long hold_standard_library(int seed);
long hold_lambdas(int seed);

// To the compiler, all that the objects hold may be used here.
void use_all(const void *first);

template <typename... Objects> void use(const Objects &...objects)
{
    (use_all(&objects), ...);
}
