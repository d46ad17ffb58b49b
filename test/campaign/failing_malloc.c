/* test/campaign/failing_malloc.c - an LD_PRELOAD allocator in which some allocations fail.
 *
 * FAIL_AT=N: the Nth of the process returns NULL; FAIL_EVERY=M: and every Mth after it. The memory
 * itself is glibc's.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *at, size_t size);

static atomic_ulong made;
static unsigned long fail_at, fail_every;

__attribute__((constructor)) static void read_environment(void)
{
    const char *at = getenv("FAIL_AT"), *every = getenv("FAIL_EVERY");
    fail_every = every ? strtoul(every, NULL, 10) : 0;
    fail_at = at ? strtoul(at, NULL, 10) : 0;
    atomic_store(&made, 0);
}

static bool fails(void)
{
    unsigned long number = atomic_fetch_add_explicit(&made, 1, memory_order_relaxed) + 1;
    if (!fail_at || number < fail_at)
        return false;
    if (number != fail_at && (!fail_every || (number - fail_at) % fail_every))
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *at, size_t size)
{
    return fails() ? NULL : __libc_realloc(at, size);
}
