/* store/sqlite/offset.c - how far the calendar is from the wall clock, kept in the meta table.
 *
 * An id tells wall time, and ids are what idempotency drops by. So the lowest offset of late is
 * kept, too: an id below (calendar + lowest offset) was accepted before that calendar time.
 */
#include "model/limits.h"
#include "store/sqlite/writer.h"

enum { FORGET_DAYS = IDEMPOTENCY_DAYS + 1 };

void offset_open(struct writer *writer)
{
    writer->offset_ms = meta_get(&writer->db, META_OFFSET, 0);
}

void offset_put(struct writer *writer, int64_t offset_ms)
{
    struct db *db = &writer->db;
    int64_t low = meta_get(db, "offset_low", writer->offset_ms);
    meta_put(db, META_OFFSET, offset_ms);
    meta_put(db, "offset_low", offset_ms < low ? offset_ms : low);
    meta_put(db, "offset_at", 0); /* a sweep knows what the calendar says */
}

int64_t offset_low(struct writer *writer, struct wall now)
{
    struct db *db = &writer->db;
    int64_t low = meta_get(db, "offset_low", writer->offset_ms);
    if (low == writer->offset_ms)
        return low;
    int64_t at = meta_get(db, "offset_at", 0);
    if (!at)
        meta_put(db, "offset_at", now.ms);
    else if (now.ms - at > FORGET_DAYS * INT64_C(86400000))
        meta_put(db, "offset_low", writer->offset_ms);
    return low;
}
