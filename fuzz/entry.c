/* fuzz/entry.c - what libFuzzer calls; FUZZ_TARGET is the target's function. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    FUZZ_TARGET(bytes, len);
    return 0;
}
