/* store/sqlite/accept.c - accept and probe: what is new becomes rows, what is not is told. */
#include "base/map.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/writer.h"

enum { IDEM_SIZE = IDEM_KEY_SIZE + IDEM_BODY_SIZE, CANDIDATES_MAX = 16 };

/* -- idempotency ------------------------------------------------------------------------------ */

uint64_t idem_hash(const struct writer *writer, const struct idem *idem)
{
    struct {
        uint32_t app, mode;
        unsigned char key[IDEM_KEY_SIZE];
    } input = {.app = idem->app, .mode = (uint32_t)idem->mode};
    memcpy(input.key, idem->key, IDEM_KEY_SIZE);
    return siphash13(writer->hash_secret, &input, sizeof input);
}

/* What a candidate of the index says of the identity. */
struct idem_answer {
    enum idem_result result;
    int64_t id;
    uint32_t deliveries;
};

/* The row of IDEM_OF_NOTIFICATION or IDEM_KEPT: app, mode or flags, accepted, deliveries, idem. */
static bool confirm_row(sqlite3_stmt *stmt, const struct idem *idem, struct wall accepted,
                        enum mode mode, struct idem_answer *answer)
{
    struct str stored = column_view(stmt, 4);
    if (stored.len != IDEM_SIZE || (uint32_t)column_i64(stmt, 0) != idem->app ||
        mode != idem->mode || memcmp(stored.at, idem->key, IDEM_KEY_SIZE) != 0 ||
        !idem_live(accepted, idem->now))
        return false;
    bool same = memcmp(stored.at + IDEM_KEY_SIZE, idem->body, IDEM_BODY_SIZE) == 0;
    answer->result = same ? IDEM_REPLAY : IDEM_MISMATCH;
    answer->deliveries = (uint32_t)column_i64(stmt, 3);
    return true;
}

static bool confirm(struct writer *writer, const struct idem *idem, struct idem_answer *answer)
{
    sqlite3_stmt *stmt = db_use(&writer->db, IDEM_OF_NOTIFICATION);
    bind_i64(stmt, 1, answer->id);
    if (db_row(&writer->db, stmt)) {
        struct wall accepted = {id_time(answer->id).ms + column_i64(stmt, 2)};
        int64_t flags = column_i64(stmt, 1);
        bool found = confirm_row(stmt, idem, accepted, flags_mode(flags), answer);
        db_reset(stmt);
        if (found && flags_strategy(flags) == STRATEGY_FIRST)
            answer->deliveries -= rows_made_later(&writer->db, answer->id);
        return found;
    }
    stmt = db_use(&writer->db, IDEM_KEPT);
    bind_i64(stmt, 1, answer->id);
    if (!db_row(&writer->db, stmt))
        return false;
    struct wall accepted = {column_i64(stmt, 2)};
    bool found = confirm_row(stmt, idem, accepted, (enum mode)column_i64(stmt, 1), answer);
    db_reset(stmt);
    return found;
}

static struct idem_answer judge_idem(struct writer *writer, const struct idem *idem, uint64_t hash)
{
    struct idem_answer answer = {.result = IDEM_NEW};
    int64_t candidates[CANDIDATES_MAX];
    uint32_t count = index_find(&writer->idem, &writer->db, hash, candidates, CANDIDATES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        answer.id = candidates[i];
        if (confirm(writer, idem, &answer))
            return answer;
    }
    return (struct idem_answer){.result = IDEM_NEW};
}

/* -- rows ------------------------------------------------------------------------------------- */

static void add_notification(struct writer *writer, const struct accept *op,
                             const unsigned char *idem)
{
    const struct notification *n = op->notification;
    sqlite3_stmt *stmt = db_use(&writer->db, NOTIFICATION_ADD);
    bind_i64(stmt, 1, n->id);
    bind_i64(stmt, 2, n->app);
    bind_i64(stmt, 3, notification_flags(n));
    bind_i64(stmt, 4, op->now.ms - id_time(n->id).ms);
    if (n->expires_at.ms == INT64_MAX)
        bind_null(stmt, 5);
    else
        bind_i64(stmt, 5, n->expires_at.ms - op->now.ms);
    bind_str(stmt, 6, n->category);
    bind_str(stmt, 7, n->template_name);
    if (n->template_version)
        bind_i64(stmt, 8, n->template_version);
    else
        bind_null(stmt, 8);
    bind_str(stmt, 9, n->partials);
    bind_str(stmt, 10, n->collapse_key);
    bind_str(stmt, 11, n->event_id);
    bind_str(stmt, 12, n->traceparent);
    bind_i64(stmt, 13, n->delivery_count);
    bind_blob(stmt, 14, idem, idem ? IDEM_SIZE : 0);
    if (n->delivery_count)
        bind_delivery(stmt, 15, &op->deliveries[0]);
    else
        for (int i = 0; i < DELIVERY_COLUMNS; i++)
            bind_null(stmt, 15 + i);
    bind_str(stmt, 15 + DELIVERY_COLUMNS, n->request);
    db_run(&writer->db, stmt);
}

void delivery_add(struct writer *writer, int64_t notification, const struct delivery *delivery)
{
    sqlite3_stmt *stmt = db_use(&writer->db, DELIVERY_ADD);
    bind_i64(stmt, 1, notification);
    bind_i64(stmt, 2, delivery->ordinal);
    bind_delivery(stmt, 3, delivery);
    db_run(&writer->db, stmt);
}

static void place_delivery(struct writer *writer, const struct accept *op, uint32_t ordinal)
{
    const struct notification *n = op->notification;
    const struct delivery *delivery = &op->deliveries[ordinal];
    must(delivery->ordinal == ordinal);
    struct open_row row = {
        .key = {n->id, ordinal},
        .place = place_of(lane_of(delivery->kind, n->priority), n->app),
        .due = op->now,
    };
    switch ((enum place)op->places[ordinal]) {
    case PLACE_ENDED:
        must(state_is_final(delivery->state));
        return;
    case PLACE_HAND:
        must(delivery->state == STATE_QUEUED);
        row.attempts = 1;
        hand_add(writer, &row);
        return;
    case PLACE_PENDING:
        must(delivery->state == STATE_QUEUED);
        pending_add(writer, &row, false);
        return;
    }
    never("a place");
}

static void add_lookups(struct writer *writer, const struct accept *op)
{
    const struct notification *n = op->notification;
    int64_t last = 0;
    index_add(&writer->lookup, &writer->db, lookup_app(n->app), n->id);
    for (uint32_t i = 0; i < n->delivery_count; i++) {
        int64_t user = op->deliveries[i].user;
        if (user && user != last)
            index_add(&writer->lookup, &writer->db, lookup_user(user), n->id);
        last = user;
    }
}

void write_accept(struct writer *writer, struct accept *op)
{
    const struct notification *n = op->notification;
    unsigned char idem[IDEM_SIZE];
    uint64_t hash = 0;
    op->result = IDEM_NEW;
    if (op->idem.present) {
        must(op->idem.app == n->app && op->idem.mode == n->mode);
        hash = idem_hash(writer, &op->idem);
        struct idem_answer answer = judge_idem(writer, &op->idem, hash);
        op->result = answer.result;
        op->replay_id = answer.id;
        op->replay_deliveries = answer.deliveries;
        if (op->result != IDEM_NEW)
            return;
        memcpy(idem, op->idem.key, IDEM_KEY_SIZE);
        memcpy(idem + IDEM_KEY_SIZE, op->idem.body, IDEM_BODY_SIZE);
    }
    must(n->id > writer->last_id);
    writer->last_id = n->id;
    add_notification(writer, op, op->idem.present ? idem : NULL);
    for (uint32_t i = 0; i < n->delivery_count; i++) {
        if (i)
            delivery_add(writer, n->id, &op->deliveries[i]);
        place_delivery(writer, op, i);
    }
    add_lookups(writer, op);
    if (op->idem.present)
        index_add(&writer->idem, &writer->db, hash, n->id);
}

void write_probe(struct writer *writer, struct probe *op)
{
    struct idem_answer answer = {.result = IDEM_NEW};
    if (op->idem.present)
        answer = judge_idem(writer, &op->idem, idem_hash(writer, &op->idem));
    op->result = answer.result;
    op->replay_id = answer.id;
    op->replay_deliveries = answer.deliveries;
}
