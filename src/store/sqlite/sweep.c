/* store/sqlite/sweep.c - one bounded step of what is due behind the hot path. */
#include "store/sqlite/sweep.h"
#include "model/limits.h"

enum { REST_MAX = 32 }; /* rows that are removed along with their notification */

static uint32_t clear_of(struct db *db, enum statement statement, int64_t id, uint32_t rows)
{
    sqlite3_stmt *stmt = db_use(db, statement);
    bind_i64(stmt, 1, id);
    bind_i64(stmt, 2, rows);
    return db_run(db, stmt);
}

/* The rows that hang on a notification, `rows` at most. */
static uint32_t clear_rest(struct writer *writer, int64_t id, uint32_t rows)
{
    static const enum statement tables[] = {EVENT_CLEAR, DELIVERY_CLEAR, DEAD_CLEAR, MOVED_CLEAR,
                                            FOLLOW_CLEAR};
    uint32_t done = 0;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && done < rows; i++)
        done += clear_of(&writer->db, tables[i], id, rows - done);
    return done;
}

uint32_t remove_notification(struct writer *writer, const struct notification_head *head,
                             struct wall now)
{
    struct db *db = &writer->db;
    if (idem_live(head->accepted_at, now)) {
        sqlite3_stmt *stmt = db_use(db, IDEM_KEEP);
        bind_i64(stmt, 1, head->id);
        bind_i64(stmt, 2, head->accepted_at.ms);
        bind_i64(stmt, 3, head->mode);
        db_run(db, stmt);
    }
    clear_of(db, CANCELLED_REMOVE, head->id, 1);
    clear_of(db, NOTIFICATION_REMOVE, head->id, 1);
    uint32_t rest = clear_rest(writer, head->id, REST_MAX);
    if (rest == REST_MAX)
        clear_of(db, ERASE_PUT, head->id, 1);
    if (head->id == writer->last_id)
        meta_put(db, "last_id", head->id); /* no row tells it any more */
    return 1 + rest;
}

/* The id in the first row of a small table of work; 0: it is empty. */
static int64_t first_of(struct db *db, enum statement statement)
{
    sqlite3_stmt *stmt = db_use(db, statement);
    int64_t id = db_row(db, stmt) ? column_i64(stmt, 0) : 0;
    db_reset(stmt);
    return id;
}

uint32_t erase_rest(struct writer *writer, uint32_t rows)
{
    uint32_t done = 0;
    while (done < rows && writer->db.code == SQLITE_OK) {
        int64_t id = first_of(&writer->db, ERASE_FIRST);
        if (!id)
            break;
        uint32_t cleared = clear_rest(writer, id, rows - done);
        done += cleared;
        if (done < rows)
            done += clear_of(&writer->db, ERASE_REMOVE, id, 1);
    }
    return done;
}

/* -- retention -------------------------------------------------------------------------------- */

/* What is older than retention: accepted before `floor`, by the calendar; or died before `died`, by
 * the wall clock. */
struct old {
    struct wall floor, died;
};

/* Open, or with a dead letter still within its time. */
static bool is_kept(struct writer *writer, const struct notification_head *head, struct wall died)
{
    struct db *db = &writer->db;
    if (head->strategy == STRATEGY_FIRST && is_following(db, head->id))
        return true;
    for (uint32_t i = 0; i < head->deliveries; i++) {
        struct delivery_key key = {head->id, i};
        int64_t facts;
        if (!load_facts(db, head, i, &facts))
            continue;
        sqlite3_stmt *stmt = db_use(db, EVENT_LAST);
        enum state state = facts_state(facts);
        bind_i64(stmt, 1, head->id);
        bind_i64(stmt, 2, i);
        if (db_row(db, stmt))
            state = facts_state(column_i64(stmt, 1) << 4);
        db_reset(stmt);
        if (!state_is_final(state))
            return true;
        if (state != STATE_DEAD)
            continue;
        stmt = db_use(db, DEAD_GET);
        bind_i64(stmt, 1, key.notification);
        bind_i64(stmt, 2, key.ordinal);
        bool young = db_row(db, stmt) && column_i64(stmt, 6) >= died.ms;
        db_reset(stmt);
        if (young)
            return true;
    }
    return false;
}

static uint32_t sweep_one(struct writer *writer, int64_t id, const struct old *old, struct wall now)
{
    struct notification_head head;
    if (!load_head(&writer->db, id, &head) || head.accepted_at.ms >= old->floor.ms ||
        is_kept(writer, &head, old->died))
        return 0;
    return remove_notification(writer, &head, now);
}

/* If retention was made longer, what has been looked at and kept may end within it: once more. */
static void note_retention(struct writer *writer, const struct sweep *op)
{
    int64_t now_ms = op->retention.us / 1000, before_ms = meta_get(&writer->db, "retention_ms", 0);
    if (now_ms == before_ms)
        return;
    if (now_ms > before_ms)
        writer->swept = 0;
    meta_put(&writer->db, "retention_ms", now_ms);
}

/* The next id behind `swept` that is old; 0: there is none. As ids and the calendar never go back,
 * no older one follows one that is not. */
static int64_t next_old(struct writer *writer, const struct old *old)
{
    struct notification_head head;
    sqlite3_stmt *stmt = db_use(&writer->db, NOTIFICATION_NEXT);
    bind_i64(stmt, 1, writer->swept);
    bind_i64(stmt, 2, INT64_MAX);
    int64_t id = db_row(&writer->db, stmt) ? column_i64(stmt, 0) : 0;
    db_reset(stmt);
    bool is_old = id && load_head(&writer->db, id, &head) && head.accepted_at.ms < old->floor.ms;
    return is_old ? id : 0;
}

/* Ids that retention has not looked at yet, oldest first. */
static bool sweep_new(struct writer *writer, struct sweep *op, const struct old *old)
{
    int64_t swept = writer->swept;
    uint32_t looked = 0;
    note_retention(writer, op);
    for (; op->rows < op->rows_max && looked < op->rows_max; looked++) {
        int64_t id = next_old(writer, old);
        if (!id)
            break;
        op->rows += sweep_one(writer, id, old, op->now);
        writer->swept = id;
    }
    if (writer->swept != swept)
        meta_put(&writer->db, "swept", writer->swept);
    return looked == op->rows_max || op->rows >= op->rows_max;
}

/* Dead letters that have become old, and notifications whose last delivery has ended since. */
static bool sweep_over(struct writer *writer, struct sweep *op, const struct old *old)
{
    struct db *db = &writer->db;
    uint32_t looked = 0;
    for (; looked < op->rows_max && op->rows < op->rows_max; looked++) {
        sqlite3_stmt *stmt = db_use(db, DEAD_AGED);
        bind_i64(stmt, 1, old->died.ms);
        if (!db_row(db, stmt))
            break;
        int64_t id = column_i64(stmt, 0), ordinal = column_i64(stmt, 1);
        db_reset(stmt);
        stmt = db_use(db, DEAD_AGE);
        bind_i64(stmt, 1, id);
        bind_i64(stmt, 2, ordinal);
        db_run(db, stmt);
        note_over(writer, id);
    }
    for (; looked < op->rows_max && op->rows < op->rows_max; looked++) {
        int64_t id = first_of(db, OVER_FIRST);
        if (!id)
            break;
        clear_of(db, OVER_REMOVE, id, 1);
        op->rows += sweep_one(writer, id, old, op->now);
    }
    return looked == op->rows_max || op->rows >= op->rows_max;
}

/* -- what is derived -------------------------------------------------------------------------- */

static bool sweep_indexes(struct writer *writer, struct sweep *op, int64_t low_ms)
{
    struct db *db = &writer->db;
    /* An id's time may be a little before its acceptance: an answer is kept an hour longer. */
    struct wall dropped =
        wall_add(op->now, span_ms(low_ms - (IDEMPOTENCY_DAYS * 86400 + 3600) * INT64_C(1000)));
    int64_t oldest = first_of(db, NOTIFICATION_OLDEST);
    bool more = index_tend(&writer->idem, db, id_floor(dropped));
    more |= index_tend(&writer->lookup, db, oldest ? oldest : INT64_MAX);
    sqlite3_stmt *stmt = db_use(db, IDEM_EXPIRE);
    bind_i64(stmt, 1, id_floor(dropped));
    bind_i64(stmt, 2, op->rows_max);
    more |= db_run(db, stmt) == op->rows_max;
    return more;
}

void write_sweep(struct writer *writer, struct sweep *op)
{
    int64_t low_ms = offset_low(writer, op->now);
    struct wall floor = wall_add(op->now, (struct span){-op->retention.us});
    const struct old old = {.floor = floor, .died = {floor.ms + low_ms}};
    must(op->rows_max >= 1);
    op->rows = erase_rest(writer, op->rows_max);
    op->more = op->rows >= op->rows_max;
    if (!op->more)
        op->rows += sweep_gone_apps(writer, op->now, op->rows_max - op->rows, &op->more);
    if (!op->more)
        op->more = sweep_new(writer, op, &old);
    if (!op->more)
        op->more = sweep_over(writer, op, &old);
    op->more |= sweep_indexes(writer, op, low_ms);
}
