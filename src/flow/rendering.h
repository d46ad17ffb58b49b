/* flow/rendering.h - from an accepted notification and one of its deliveries to what is sent.
 *
 * The template version that was pinned at acceptance (or the content in the request), the data
 * with the recipient's own laid over it, and the user as it was snapshot then: the same answer
 * whenever it is asked. Used by the courier for every attempt, and by whoever shows what was sent.
 */
#pragma once
#include "flow/library.h"
#include "flow/reading.h"
#include "model/content.h"

enum { RENDERING_PARTIALS_MAX = 64 };

/* In: the first six and `done`, `owner`. What `content` points at lives in `arena`. */
struct rendering {
    struct library *library;
    struct readings *readings; /* that deliveries of one notification share; may be NULL */
    const struct notification *notification;
    const struct delivery *delivery;
    struct arena *arena;
    void (*done)(struct rendering *rendering);
    void *owner;
    /* ERR_MISSING: template gone or channel without content; ERR_INPUT, ERR_LIMIT: it cannot be
     * rendered; ERR_FULL, ERR_IO, ERR_MEMORY: not now. */
    enum err err;
    struct why why;
    struct content content;
    /* Its own. */
    struct reading *reading, own;
    uint32_t next_pin;
    struct template_entry *entry;
    struct template_entry *partials[RENDERING_PARTIALS_MAX];
    uint32_t partial_count;
};

/* `done` may be called before this returns. */
void rendering_begin(struct rendering *rendering);
