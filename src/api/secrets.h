/* api/secrets.h - the names and secrets of keys. */
#pragma once
#include "base/arena.h"
#include "base/time.h"
#include "port/entropy.h"

/* "key_" and 26 digits of Crockford base32: 48 bits of milliseconds, 80 of chance. */
struct str secret_key_name(const struct entropy *entropy, struct wall now, struct arena *arena);
/* 256 bits of chance as base64url. Absent if memory is short. */
struct str secret_make(const struct entropy *entropy, struct arena *arena);
