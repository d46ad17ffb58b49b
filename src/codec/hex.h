/* codec/hex.h - bytes as lower-case hexadecimal digits. Pure; any thread. */
#pragma once
#include "base/buf.h"

void hex_add(struct buf *out, struct str bytes);
/* Writes 2 * len digits and a terminator. */
void hex_write(const void *bytes, size_t len, char *into);
/* Either case, an even number of digits, exactly `len` bytes; else false. */
bool hex_decode(struct str text, void *into, size_t len) must_use;
