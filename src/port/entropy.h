/* port/entropy.h - unpredictable bytes, for secrets and for seeds. The simulator's are seeded. */
#pragma once
#include <stddef.h>

struct entropy {
    void (*fill)(void *self, void *at, size_t len); /* never fails: the system's aborts instead */
    void *self;
};

static inline void entropy_fill(const struct entropy *entropy, void *at, size_t len)
{
    entropy->fill(entropy->self, at, len);
}
