/* base/str.h - a view of bytes that somebody else owns.
 *
 * Not terminated, never NULL where `len` > 0. The empty string and the absent one differ only in
 * `at`: an absent string has at == NULL. Passed by value.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *at;
    size_t len;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_INIT(literal)                                                                          \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }
#define STR_NONE ((struct str){NULL, 0})
/* For printf("%.*s"): the length is cut to what an int holds. */
#define STR_ARG(s) (int)((s).len > 0x7fffffff ? 0x7fffffff : (s).len), ((s).at ? (s).at : "")

struct str str_of(const char *terminated); /* NULL gives STR_NONE */
struct str str_slice(struct str s, size_t from, size_t to);
bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII letters only */
int str_cmp(struct str a, struct str b);        /* by bytes, shorter first */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_has(struct str s, char c);
struct str str_trim(struct str s); /* spaces and tabs at both ends */

/* Cuts `*rest` at the first `separator`: returns what stands before it and moves `*rest` behind
 * it. Without one, returns all and leaves `*rest` absent (at == NULL). */
struct str str_cut(struct str *rest, char separator);

/* Whole string, decimal digits only, no sign, no overflow: else false and *ret untouched. */
bool str_to_u64(struct str s, uint64_t *ret);
/* The same with an optional leading '-'. */
bool str_to_i64(struct str s, int64_t *ret);

/* Copies with a terminator into a fixed array; false, and an empty string, if it does not fit. */
bool str_copy(struct str s, char *into, size_t size);

/* Compares in time that depends on the lengths alone; for secrets. */
bool str_eq_secret(struct str a, struct str b);
/* Overwrites a secret so that the compiler cannot leave it out. */
void wipe(void *at, size_t len);

/* True if the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool str_is_utf8(struct str s);
