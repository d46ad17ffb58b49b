/* flow/reading.h - what a notification's request says, read once for all of its deliveries.
 *
 * A request to a thousand recipients is a large document; reading it anew for each of them costs a
 * thousand times its size in time, and in memory as often as deliveries are under way. So those
 * share one reading, in a cache of bounded size. The small request of a single delivery is read
 * where it is needed. Threads: the owner's alone.
 */
#pragma once
#include "core/template.h"
#include "flow/cache.h"
#include "model/notification.h"

struct reading {
    const struct json *request;
    const struct json *pins;         /* of the partials that the content includes, or NULL */
    struct template *inline_content; /* NULL: the notification names a template */
    struct readings *readings;       /* that share it; NULL: nobody does */
    struct cache_entry *cached;
};

struct readings {
    struct cache cache; /* by the notification's id */
    size_t held;        /* bytes of all readings there are, pinned or kept */
    size_t held_max;    /* past it there are no more for now */
};

void readings_init(struct readings *readings, size_t bytes_max, const uint64_t hash_key[2]);
void readings_resize(struct readings *readings, size_t bytes_max);
void readings_done(struct readings *readings); /* nothing may be pinned */

/* The notification's reading: a shared one if that is worth it and `readings` is not NULL, else
 * read into *own and `arena`, borrowing from the notification. To be given back by reading_unpin.
 * ERR_CORRUPT, ERR_MISSING (no content), ERR_INPUT (it does not compile); ERR_FULL: not now;
 * ERR_MEMORY; with `why`. */
enum err reading_find(struct readings *readings, const struct notification *notification,
                      struct arena *arena, struct reading *own, struct why *why,
                      struct reading **ret) must_use;
void reading_unpin(struct reading *reading);
