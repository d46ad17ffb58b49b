/* store/memory/accept.c - accept and probe: what is new becomes durable, what is not is told. */
#include "store/memory/disk.h"
#include "store/rules.h"
#include <stdlib.h>

/* What stands under this identity and has not run out; NULL: nothing. */
static const struct idem_row *find_idem(const struct memory_disk *disk, const struct idem *idem)
{
    struct idem_row key = {.idem = *idem};
    const struct idem_row *row = table_find(&disk->idems, &key);
    return row && idem_live(row->idem.now, idem->now) ? row : NULL;
}

static enum idem_result judge_idem(const struct memory_disk *disk, const struct idem *idem,
                                   int64_t *ret_id, uint32_t *ret_deliveries)
{
    const struct idem_row *row = idem->present ? find_idem(disk, idem) : NULL;
    if (!row)
        return IDEM_NEW;
    *ret_id = row->notification;
    *ret_deliveries = row->deliveries;
    bool same = memcmp(row->idem.body, idem->body, IDEM_BODY_SIZE) == 0;
    return same ? IDEM_REPLAY : IDEM_MISMATCH;
}

static void remember_idem(struct memory_disk *disk, const struct accept *op)
{
    struct idem_row key = {.idem = op->idem};
    free(table_take(&disk->idems, &key)); /* one that ran out */
    struct idem_row *row = memory_take(sizeof *row);
    *row = key;
    row->notification = op->notification->id;
    row->deliveries = op->notification->delivery_count;
    table_add(&disk->idems, row);
}

static void place_delivery(struct memory_disk *disk, const struct accept *op,
                           struct delivery_row *row, uint32_t ordinal)
{
    const struct notification *notification = op->notification;
    const struct delivery *delivery = &op->deliveries[ordinal];
    must(delivery->ordinal == ordinal);
    row->delivery = shape_clone(&delivery_shape, delivery);
    struct work_row work = {
        .key = {notification->id, ordinal},
        .lane = lane_of(delivery->kind, notification->priority),
        .app = notification->app,
        .due = op->now,
        .expires_at = notification->expires_at,
    };
    switch ((enum place)op->places[ordinal]) {
    case PLACE_ENDED:
        must(state_is_final(delivery->state));
        return;
    case PLACE_HAND:
        must(delivery->state == STATE_QUEUED);
        work.attempts = 1;
        disk_hand(disk, row, work);
        return;
    case PLACE_PENDING:
        must(delivery->state == STATE_QUEUED);
        disk_pend(disk, row, work);
        return;
    }
    never("a place");
}

void memory_accept(struct memory_disk *disk, struct accept *op)
{
    op->result = judge_idem(disk, &op->idem, &op->replay_id, &op->replay_deliveries);
    if (op->result != IDEM_NEW)
        return;
    uint32_t count = op->notification->delivery_count;
    must(op->notification->id > disk->last_id);
    disk->last_id = op->notification->id;
    struct notification_row *row = memory_take(sizeof *row);
    row->notification = shape_clone(&notification_shape, op->notification);
    row->accepted_at = op->now;
    row->deliveries = memory_take(count * sizeof *row->deliveries);
    table_add(&disk->notifications, row);
    for (uint32_t i = 0; i < count; i++)
        place_delivery(disk, op, &row->deliveries[i], i);
    if (op->idem.present)
        remember_idem(disk, op);
}

void memory_probe(struct memory_disk *disk, struct probe *op)
{
    op->result = judge_idem(disk, &op->idem, &op->replay_id, &op->replay_deliveries);
}
