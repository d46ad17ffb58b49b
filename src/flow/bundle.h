/* flow/bundle.h - an accepted notification in memory, shared by those of its deliveries that go
 * straight into a window.
 *
 * Made by intake, moved to the ledger with its job, freed by the ledger when neither the group nor
 * a ticket needs it. Only the ledger counts references; a courier borrows.
 */
#pragma once
#include "base/arena.h"
#include "model/notification.h"

struct bundle {
    struct arena arena; /* owns all that the rest points at, and the bundle itself stands in it */
    uint32_t refs;      /* the ledger's: tickets, in all and of each kind */
    uint32_t kind_refs[KIND_COUNT];
    uint32_t ghosts; /* lost tickets that may still be read */
    struct notification notification;
    struct delivery *deliveries; /* notification.delivery_count of them */
    unsigned char *places;       /* enum place of port/store.h, the ledger's to decide: it turns
                                    `queued` deliveries into HAND or PENDING */
};

/* NULL if memory is short. `max` bounds the arena. */
struct bundle *bundle_new(size_t max);
void bundle_free(struct bundle *bundle);
