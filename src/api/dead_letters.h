/* api/dead_letters.h - redriving and deleting dead letters, in steps.
 *
 * What a request asks for is done by as many commits as it takes, REDRIVE_STEP a commit, so that
 * nobody waits behind a large one; it is answered when all is done, or when `limit` of them are,
 * with a cursor that goes on. A redrive with a rate only dates them one after another: the calendar
 * does the rest.
 */
#pragma once
#include "api/call.h"
#include "port/store.h"

struct redriving {
    struct dead_filter filter;
    struct str query;          /* what a cursor belongs to */
    struct delivery_key *keys; /* NULL: what the filter finds */
    uint32_t key_count, keys_done;
    struct str *strange; /* ids that nobody made: skipped */
    uint32_t strange_count;
    bool delete_only, preview;
    uint32_t limit; /* of those that the filter finds */
    uint32_t rate;  /* a second; 0: all at once */
    struct wall start;
    struct str reason;
    struct str detail;
    bool after_set;
    struct delivery_key after;
    /* What has been done. */
    uint32_t count, looked;
    struct delivery_key *skipped; /* room for key_count */
    uint32_t skipped_count;
};

/* Does it, and answers. */
void redrive_begin(struct call *call, struct redriving *redriving);
