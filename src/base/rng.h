/* base/rng.h - deterministic random numbers, injected wherever chance decides.
 *
 * xoshiro256** (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2018),
 * seeded through splitmix64. Not for secrets: those come from port/entropy.h.
 */
#pragma once
#include <stdint.h>

struct rng {
    uint64_t state[4];
};

struct rng rng_of(uint64_t seed);
uint64_t rng_next(struct rng *rng);
/* Uniform in [0, below); `below` >= 1. */
uint64_t rng_below(struct rng *rng, uint64_t below);
