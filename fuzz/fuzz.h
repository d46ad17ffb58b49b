/* fuzz/fuzz.h - the fuzz targets: each takes any bytes and aborts where a promise is broken.
 *
 * Deterministic, without state between calls, and bounded, so that a slow input is a finding, too.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define TARGET(name) void fuzz_##name(const uint8_t *bytes, size_t len);
#include "targets.def"
#undef TARGET
