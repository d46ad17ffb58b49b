/* store/sqlite/group.c - one commit group, one transaction. */
#include "store/sqlite/group.h"
#include "store/sqlite/checkpoint.h"

void write_confirm(struct writer *writer, struct confirm *op)
{
    op->was = writer->epoch.unconfirmed;
    if (op->was)
        epoch_confirm(&writer->epoch, &writer->db, writer->last_id);
}

static void run_op(struct writer *writer, struct op *op, struct arena *arena)
{
    switch (op->verb) {
    case VERB_ACCEPT:
        write_accept(writer, (struct accept *)(void *)op);
        return;
    case VERB_PROBE:
        write_probe(writer, (struct probe *)(void *)op);
        return;
    case VERB_CLAIM:
        write_claim(writer, (struct claim *)(void *)op, arena);
        return;
    case VERB_MARK:
        write_mark(writer, (struct mark *)(void *)op);
        return;
    case VERB_SETTLE:
        write_settle(writer, (struct settle *)(void *)op);
        return;
    case VERB_FOLLOW:
        write_follow(writer, (struct follow *)(void *)op, arena);
        return;
    case VERB_EXTEND:
        write_extend(writer, (struct extend *)(void *)op);
        return;
    case VERB_RECEIPT:
        write_receipt(writer, (struct receipt *)(void *)op);
        return;
    case VERB_CANCEL:
        write_cancel(writer, (struct cancel *)(void *)op, arena);
        return;
    case VERB_REDRIVE:
        write_redrive(writer, (struct redrive *)(void *)op, arena);
        return;
    case VERB_CHANGE:
        write_change(writer, (struct change *)(void *)op, arena);
        return;
    case VERB_SWEEP:
        write_sweep(writer, (struct sweep *)(void *)op);
        return;
    case VERB_CENSUS:
        write_census(writer, (struct census *)(void *)op, arena);
        return;
    case VERB_CONFIRM:
        write_confirm(writer, (struct confirm *)(void *)op);
        return;
    }
    never("a verb");
}

static void begin(struct writer *writer)
{
    writer->last_id_before = writer->last_id;
    writer->swept_before = writer->swept;
    db_run(&writer->db, db_use(&writer->db, BEGIN));
}

static void roll_back(struct writer *writer)
{
    db_forgive(&writer->db);
    if (!sqlite3_get_autocommit(writer->db.sqlite))
        db_run(&writer->db, db_use(&writer->db, ROLLBACK));
    db_forgive(&writer->db);
    index_rolled_back(&writer->idem);
    index_rolled_back(&writer->lookup);
    epoch_rolled_back(&writer->epoch);
    writer->depth_count = 0;
    writer->last_id = writer->last_id_before;
    writer->swept = writer->swept_before;
}

/* True once it is durable; else nothing of it stays and `why` says why. */
static bool commit(struct writer *writer, struct why *why)
{
    struct db *db = &writer->db;
    index_flush(&writer->idem, db);
    index_flush(&writer->lookup, db);
    depth_flush(writer);
    db_run(db, db_use(db, COMMIT));
    if (db->code == SQLITE_OK) {
        index_committed(&writer->idem);
        index_committed(&writer->lookup);
        epoch_committed(&writer->epoch);
        return true;
    }
    if (why)
        *why = db->why;
    roll_back(writer);
    return false;
}

/* Touches what the look-ups of the group will read, so that they need not wait one by one. */
static void prefetch(struct writer *writer, const struct group *group)
{
    for (uint32_t i = 0; i < group->count; i++) {
        const struct accept *accept = (const struct accept *)(const void *)group->ops[i];
        if (group->ops[i]->verb == VERB_ACCEPT && accept->idem.present)
            index_prefetch(&writer->idem, idem_hash(writer, &accept->idem));
    }
}

void group_run(struct writer *writer, struct group *group)
{
    struct mono began = stopwatch();
    group->why.text[0] = '\0';
    prefetch(writer, group);
    begin(writer);
    for (uint32_t i = 0; i < group->count && writer->db.code == SQLITE_OK; i++)
        run_op(writer, group->ops[i], &group->arena);
    if (group->offset_ms != writer->offset_ms)
        offset_put(writer, group->offset_ms);
    group->fate = commit(writer, &group->why) ? GROUP_COMMITTED : GROUP_REFUSED;
    if (group->fate == GROUP_COMMITTED)
        writer->offset_ms = group->offset_ms;
    group->took = mono_since(began, stopwatch());
}

void group_tend(struct writer *writer)
{
    begin(writer);
    (void)index_tend(&writer->idem, &writer->db, INT64_MIN);
    (void)index_tend(&writer->lookup, &writer->db, INT64_MIN);
    (void)commit(writer, NULL);
}
