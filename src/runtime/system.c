/* runtime/system.c - see system.h. */
#include "runtime/system.h"
#include "base/err.h"
#include <sys/random.h>
#include <time.h>

static struct now read_clock(void *self)
{
    (void)self;
    struct timespec mono, wall;
    must(clock_gettime(CLOCK_MONOTONIC, &mono) == 0);
    must(clock_gettime(CLOCK_REALTIME, &wall) == 0);
    return (struct now){
        .mono = {(int64_t)mono.tv_sec * 1000000 + mono.tv_nsec / 1000},
        .wall = {(int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000},
    };
}

static void fill(void *self, void *at, size_t len)
{
    (void)self;
    unsigned char *into = at;
    while (len) {
        ssize_t got = getrandom(into, len, 0);
        must(got > 0);
        into += got;
        len -= (size_t)got;
    }
}

struct clock system_clock(void)
{
    return (struct clock){.read = read_clock};
}

struct entropy system_entropy(void)
{
    return (struct entropy){.fill = fill};
}
