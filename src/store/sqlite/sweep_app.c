/* store/sqlite/sweep_app.c - erasing what belonged to a deleted app. */
#include "store/sqlite/sweep.h"

enum { LOOK_MAX = 1000 }; /* notifications that a step looks at */

/* Takes a delivery's open work away; what was in hand is settled by nobody. */
static void drop_open_work(struct writer *writer, const struct notification_head *head,
                           uint32_t ordinal)
{
    struct db *db = &writer->db;
    struct open_row row = {.key = {head->id, ordinal}};
    int64_t facts;
    if (!load_facts(db, head, ordinal, &facts))
        return;
    row.place = place_of(lane_of(facts_kind(facts), head->priority), head->app);
    struct standing standing = load_standing(db, row.key, facts, NULL);
    struct open_work open = load_open_work(db, row.key, row.place, &standing, head->accepted_at);
    row.due = open.due;
    if (open.where == OPEN_HAND)
        hand_remove(writer, row.key);
    else if (open.where == OPEN_PENDING)
        pending_remove(writer, &row, true);
}

struct gone_app {
    uint32_t number;
    int64_t position; /* notifications up to it are done */
    uint32_t ordinal; /* of the one behind it: deliveries before this are done */
};

static void keep_position(struct db *db, const struct gone_app *app)
{
    sqlite3_stmt *stmt = db_use(db, GONE_APP_MOVE);
    bind_i64(stmt, 1, app->number);
    bind_i64(stmt, 2, app->position);
    bind_i64(stmt, 3, app->ordinal);
    db_run(db, stmt);
}

/* Notifications of the app, oldest first; true at the end of them. */
static bool sweep_notifications(struct writer *writer, struct gone_app *app, struct wall now,
                                uint32_t rows, uint32_t *done)
{
    struct db *db = &writer->db;
    for (uint32_t looked = 0; looked < LOOK_MAX && *done < rows; looked++) {
        sqlite3_stmt *stmt = db_use(db, NOTIFICATION_NEXT);
        bind_i64(stmt, 1, app->position);
        bind_i64(stmt, 2, INT64_MAX);
        if (!db_row(db, stmt))
            return true;
        int64_t id = column_i64(stmt, 0);
        bool own = (uint32_t)column_i64(stmt, 1) == app->number;
        db_reset(stmt);
        struct notification_head head;
        if (own && load_head(db, id, &head)) {
            for (; app->ordinal < head.deliveries && *done < rows; app->ordinal++, ++*done)
                drop_open_work(writer, &head, app->ordinal);
            if (app->ordinal < head.deliveries)
                return false;
            *done += remove_notification(writer, &head, now);
        }
        app->position = id;
        app->ordinal = 0;
    }
    return false;
}

/* Everything else that bears the app's number; true once nothing is left. */
static bool sweep_rest(struct db *db, const struct gone_app *app, uint32_t rows, uint32_t *done)
{
    static const enum statement tables[] = {DEVICE_CLEAR_APP, USER_CLEAR_APP, CATEGORY_CLEAR_APP,
                                            TEMPLATE_CLEAR_APP, SUPPRESSION_CLEAR_APP};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        if (*done >= rows)
            return false;
        sqlite3_stmt *stmt = db_use(db, tables[i]);
        bind_i64(stmt, 1, app->number);
        bind_i64(stmt, 2, rows - *done);
        *done += db_run(db, stmt);
    }
    return *done < rows;
}

static void forget_app(struct db *db, const struct gone_app *app)
{
    sqlite3_stmt *stmt = db_use(db, DEPTH_CLEAR_APP);
    bind_i64(stmt, 1, place_of(0, app->number));
    bind_i64(stmt, 2, place_of(0, app->number + 1));
    db_run(db, stmt);
    stmt = db_use(db, GONE_APP_REMOVE);
    bind_i64(stmt, 1, app->number);
    db_run(db, stmt);
}

uint32_t sweep_gone_apps(struct writer *writer, struct wall now, uint32_t rows, bool *more)
{
    struct db *db = &writer->db;
    struct gone_app app;
    uint32_t done = 0;
    sqlite3_stmt *stmt = db_use(db, GONE_APP_FIRST);
    if (!db_row(db, stmt))
        return 0;
    app = (struct gone_app){(uint32_t)column_i64(stmt, 0), column_i64(stmt, 1),
                            (uint32_t)column_i64(stmt, 2)};
    db_reset(stmt);
    *more = true;
    bool last = sweep_notifications(writer, &app, now, rows, &done);
    keep_position(db, &app);
    if (last && sweep_rest(db, &app, rows, &done))
        forget_app(db, &app);
    return done;
}
