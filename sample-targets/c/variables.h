/* The "variables" scenario: a chain of functions, each holding variables of some kinds while the next runs. */
#ifndef VARIABLES_H
#define VARIABLES_H

/* Keeps the chain a chain: each function stays a frame of its own at every optimisation level. */
#define HOLDS __attribute__((noinline))

/* Each takes a number unknown to the compiler, and gives one that depends on all its variables. */
long hold_integers(int seed);
long hold_floats(int seed);
long hold_pointers(int seed);
long hold_qualified(int seed);
long hold_arrays(int seed);
long hold_structures(int seed);
long hold_bits_and_unions(int seed);
long hold_enumerations(int seed);
long hold_list(int seed);
long hold_statics(int seed);
long hold_scopes(int seed);
long hold_vectors(int seed);
long hold_formats(int seed);
long hold_optimised(int seed);

/* Adds up `count` pointers; to the compiler, all that they point at may be used. */
long count_bytes(int count, ...);

#endif
