/* base/err.h - how the world's failures travel, and how our own bugs end.
 *
 * Three kinds, never mixed: our bug is `must`; a failure of the world is an `enum err` with a
 * `struct why` beside it; a provider's answer is a verdict (model/verdict.h), not an error.
 */
#pragma once
#include <stdarg.h>
#include <stddef.h>

/* What a program can act upon. The sentence for people stands in `struct why`. */
enum err {
    OK = 0,
    ERR_MEMORY,      /* an allocation failed, or an arena or buffer reached its maximum */
    ERR_INPUT,       /* malformed or invalid input */
    ERR_LIMIT,       /* a named limit of model/limits.h */
    ERR_MISSING,     /* no such thing */
    ERR_CONFLICT,    /* the thing exists, or is in another state */
    ERR_DENIED,      /* not allowed */
    ERR_IO,          /* a system call failed; the sentence has errno's text */
    ERR_FULL,        /* no room now; may be tried again */
    ERR_TIMEOUT,     /* a deadline passed */
    ERR_CLOSED,      /* the other side has gone, or this side is closing */
    ERR_CORRUPT,     /* stored data is not what was written */
    ERR_CRYPTO,      /* a key, certificate or cryptographic operation */
    ERR_UNSUPPORTED, /* understood, but not built or not chosen */
};

#define WHY_MAX 256

/* One sentence for people: values, no secrets. Filled by the line that knows most. */
struct why {
    char text[WHY_MAX];
};

#define must_use          __attribute__((warn_unused_result))
#define printf_like(f, a) __attribute__((format(printf, f, a)))

/* Fills `why` (may be NULL) and returns `err`, so that a failing line is one statement. */
enum err why_set(struct why *why, enum err err, const char *format, ...) printf_like(3, 4);
const char *err_name(enum err err);

/* Our bug: kept in release builds; says file and line, then aborts. Never on input from outside. */
#define must(condition) ((condition) ? (void)0 : must_failed(#condition, __FILE__, __LINE__))
/* The same for a place that cannot be reached. */
#define never(text) must_failed(text, __FILE__, __LINE__)
_Noreturn void must_failed(const char *condition, const char *file, int line);
