/* api/post.h - one POST of notifications, alone or in a batch, on its way to the ledger.
 *
 * Every item goes the same way: read and checked; then all that the whole post needs is looked up
 * together; planned into a bundle; and handed to the ledger in order, where the store decides
 * about repeats. What cannot be accepted, but has an event_id, still asks the store whether it is
 * a replay, which is answered before anything that is wrong with it.
 */
#pragma once
#include "api/call.h"
#include "api/draft.h"
#include "api/partials.h"

struct post;

struct item {
    struct post *post;
    const struct json *body;
    struct draft draft;
    struct idem idem;
    struct template *inline_template; /* of `content`; freed after planning */
    struct partials partials;         /* of it */
    /* Where its things begin in the lookup's arrays. */
    uint32_t category_at, template_at, user_at, address_at;
    struct job *job;
    /* What becomes of it. */
    struct faults faults;
    struct problem problem; /* if `refused` */
    bool refused;
    bool replayed;
    int64_t id;
    uint32_t deliveries;
    struct span retry_after;
};

struct post {
    struct call *call;
    struct str traceparent;
    struct item *items;
    uint32_t count;
    uint32_t waiting; /* jobs out, and one while they are being handed over */
    struct lookup lookup;
    struct template_ref *templates;
    struct str *categories, *user_ids;
    struct suppression *addresses;
    void (*done)(struct post *post);
};

/* `done` gets the post back when every item is decided; or the call has been answered, 503. */
void post_begin(struct call *call, const struct json *bodies, uint32_t count, struct str key,
                void (*done)(struct post *post));
/* The answer to one item: {"id","status","deliveries"} or a problem. */
int item_status(const struct item *item);
void item_write(const struct item *item, struct json_out *out);
