/* runtime/system.h - the real clock and the real entropy. */
#pragma once
#include "port/clock.h"
#include "port/entropy.h"

struct clock system_clock(void);
struct entropy system_entropy(void); /* getrandom(2); aborts if the kernel cannot */
