/* test/contract/store_case.c - one fixture over every store. */
#include "store_case.h"
#include "base/map.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

enum { ARENA_MAX = 64 * 1024 * 1024 };

/* -- opening and closing ---------------------------------------------------------------------- */

void case_entropy(void *self, void *at, size_t len)
{
    (void)self; /* a number drawn anew must be new, also in a child of this process */
    assert_int_equal(getrandom(at, len, 0), (ssize_t)len);
}

struct store_case *case_new(enum backend backend)
{
    struct store_case *c = calloc(1, sizeof *c);
    assert_non_null(c);
    c->backend = backend;
    c->config = sqlite_config_default();
    c->config.read_ms_max = 10000; /* sanitizers are slow */
    c->now.ms = INT64_C(1790000000000);
    pthread_mutex_init(&c->mutex, NULL);
    pthread_cond_init(&c->wake, NULL);
    arena_init(&c->arena, ARENA_MAX);
    arena_init(&c->opened, ARENA_MAX);
    if (backend == BACKEND_MEMORY) {
        c->disk = memory_disk_new(7);
    } else {
        (void)snprintf(c->directory, sizeof c->directory, "/tmp/bongsu-store-XXXXXX");
        assert_non_null(mkdtemp(c->directory));
    }
    return c;
}

enum err case_try_open(struct store_case *c, struct why *why)
{
    struct entropy entropy = {case_entropy, NULL};
    arena_reset(&c->opened);
    enum err err = OK;
    if (c->disk)
        memory_disk_notes(c->disk, &c->notes);
    c->config.notes = &c->notes;
    if (c->backend == BACKEND_MEMORY)
        memory_store_open(c->disk, &c->opened, c->now, &c->state, &c->store);
    else
        err = sqlite_store_open(str_of(c->directory), &c->config, c->now, &entropy, &c->opened,
                                &c->state, &c->store, why);
    if (err == OK && c->ids.last < c->state.last_id)
        c->ids.last = c->state.last_id;
    return err;
}

void case_open(struct store_case *c)
{
    struct why why;
    if (case_try_open(c, &why) != OK)
        fail_msg("%s", why.text);
}

void case_close(struct store_case *c)
{
    c->store->ops->close(c->store);
    c->store = NULL;
}

void case_remove(const char *directory)
{
    char path[512];
    DIR *dir = opendir(directory);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        unlink(path);
    }
    if (dir)
        closedir(dir);
    rmdir(directory);
}

void case_free(struct store_case *c)
{
    if (c->store)
        case_close(c);
    if (c->backend == BACKEND_MEMORY)
        memory_disk_free(c->disk);
    else
        case_remove(c->directory);
    arena_done(&c->arena);
    arena_done(&c->opened);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->mutex);
    free(c);
}

static int set_up(void **state, enum backend backend, bool small)
{
    struct store_case *c = case_new(backend);
    if (small) {
        c->config.idem_open_max = 5;
        c->config.lookup_open_max = 7;
        c->config.checkpoint_frames = 4;
        c->config.gate_bytes = 16 * 8192;
        c->config.readers = 2;
    }
    case_open(c);
    *state = c;
    return 0;
}

int case_setup_memory(void **state)
{
    return set_up(state, BACKEND_MEMORY, false);
}

int case_setup_sqlite(void **state)
{
    return set_up(state, BACKEND_SQLITE, false);
}

int case_setup_sqlite_small(void **state)
{
    return set_up(state, BACKEND_SQLITE, true);
}

int case_teardown(void **state)
{
    case_free(*state);
    return 0;
}

/* -- groups and queries ----------------------------------------------------------------------- */

static void post(void *self, struct message *message)
{
    struct store_case *c = self;
    pthread_mutex_lock(&c->mutex);
    c->done = message;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->mutex);
}

static void wait_for(struct store_case *c, const struct message *message)
{
    pthread_mutex_lock(&c->mutex);
    while (c->done != message)
        pthread_cond_wait(&c->wake, &c->mutex);
    c->done = NULL;
    pthread_mutex_unlock(&c->mutex);
}

void case_run(struct store_case *c, struct op **ops, uint32_t count)
{
    struct group *group = arena_new(&c->arena, struct group);
    *group = (struct group){.done = {post, c},
                            .ops = ops,
                            .count = count,
                            .arena = c->arena,
                            .offset_ms = c->offset_ms};
    c->store->ops->submit(c->store, group);
    if (c->backend == BACKEND_MEMORY)
        assert_true(memory_store_step(c->store, STEP_COMMIT));
    wait_for(c, &group->message);
    c->arena = group->arena; /* lent, so that the results stay as long as the test */
    if (group->fate != GROUP_COMMITTED)
        fail_msg("refused: %s", group->why.text);
}

void case_op(struct store_case *c, struct op *op)
{
    case_run(c, &op, 1);
}

struct query *case_ask(struct store_case *c, struct query query)
{
    struct query *asked = arena_new(&c->arena, struct query);
    *asked = query;
    asked->done = (struct inbox){post, c};
    asked->arena = c->arena;
    c->store->ops->read(c->store, asked);
    wait_for(c, &asked->message);
    c->arena = asked->arena;
    return asked;
}

struct query *case_get(struct store_case *c, struct query query)
{
    struct query *asked = case_ask(c, query);
    if (asked->err != OK)
        fail_msg("query %d: %s: %s", (int)query.type, err_name(asked->err), asked->why.text);
    return asked;
}

/* -- what most tests need --------------------------------------------------------------------- */

struct change case_change(struct store_case *c, struct change change)
{
    change.op.verb = VERB_CHANGE;
    change.now = c->now;
    case_op(c, &change.op);
    return change;
}

uint32_t case_app(struct store_case *c, const char *name)
{
    struct change done =
        case_change(c, (struct change){.type = CHANGE_APP_CREATE, .name = str_of(name)});
    assert_int_equal(done.result, CHANGED_CREATED);
    return done.number;
}

int64_t case_user(struct store_case *c, uint32_t app, const char *user_id)
{
    struct change put = {.type = CHANGE_USER_PUT, .app = app, .name = str_of(user_id)};
    put.user = (struct user){.email = arena_printf(&c->arena, "%s@x.example", user_id),
                             .phone = STR("+15005550006"),
                             .locale = STR("ko-KR")};
    put = case_change(c, put);
    assert_true(put.users[0] > 0);
    return put.users[0];
}

void case_device(struct store_case *c, uint32_t app, const char *user_id, const char *device_id,
                 const char *token)
{
    struct change put = {.type = CHANGE_DEVICE_PUT, .app = app, .name = str_of(user_id)};
    put.device = (struct device){.device_id = str_of(device_id),
                                 .kind = KIND_IOS,
                                 .token = str_of(token),
                                 .bundle_id = STR("com.example.shop")};
    put = case_change(c, put);
    assert_true(put.result == CHANGED_CREATED || put.result == CHANGED_REPLACED);
}

struct idem case_idem(const struct store_case *c, const struct draft *draft)
{
    static const uint64_t secret[2] = {1, 2};
    struct idem idem = {
        .present = draft->event_id != NULL, .app = draft->app, .mode = draft->mode, .now = c->now};
    struct str event_id = str_of(draft->event_id), body = str_of(draft->body);
    uint64_t hash[2];
    siphash24_128(secret, event_id.at, event_id.len, hash);
    memcpy(idem.key, hash, IDEM_KEY_SIZE);
    siphash24_128(secret, body.at, body.len, hash);
    memcpy(idem.body, hash, IDEM_BODY_SIZE);
    return idem;
}

static struct delivery make_delivery(const struct draft *draft, uint32_t ordinal)
{
    struct delivery delivery = {
        .ordinal = ordinal,
        .user = draft->user,
        .user_id = str_of(draft->user_id),
        .kind = draft->kind,
        .device_id = str_of(draft->device_id),
        .address = draft->address ? str_of(draft->address) : STR("token-0"),
        .bundle_id = STR("com.example.shop"),
        .to_index = draft->entry_rows ? ordinal / draft->entry_rows : ordinal,
        .state = STATE_QUEUED,
    };
    if (draft->place == PLACE_ENDED) {
        delivery.state = STATE_SUPPRESSED;
        delivery.reason = REASON_OPTED_OUT;
    }
    return delivery;
}

struct accept_case *case_make_accept(struct store_case *c, const struct draft *draft)
{
    uint32_t count = draft->deliveries ? draft->deliveries : 1;
    struct accept_case *made = arena_new(&c->arena, struct accept_case);
    made->deliveries = arena_array(&c->arena, struct delivery, count);
    made->places = arena_array(&c->arena, unsigned char, count);
    assert_non_null(made->places);
    for (uint32_t i = 0; i < count; i++) {
        made->deliveries[i] = make_delivery(draft, i);
        made->places[i] = (unsigned char)draft->place;
    }
    made->notification = (struct notification){
        .id = ids_mint(&c->ids, c->now),
        .app = draft->app,
        .mode = draft->mode,
        .priority = draft->priority,
        .guarantee = draft->guarantee,
        .expires_at = wall_add(c->now, span_ms(draft->ttl_ms ? draft->ttl_ms : 86400000)),
        .category = draft->category ? str_of(draft->category) : STR("default"),
        .template_name = str_of(draft->template_name),
        .template_version = draft->template_name ? 2 : 0,
        .event_id = str_of(draft->event_id),
        .request = STR("{\"to\":[]}"),
        .delivery_count = count,
    };
    if (draft->strategy == STRATEGY_FIRST) {
        static const enum channel channels[] = {CHANNEL_PUSH, CHANNEL_SMS, CHANNEL_EMAIL};
        made->notification.strategy = STRATEGY_FIRST;
        memcpy(made->notification.channels, channels, sizeof channels);
        made->notification.channel_count = CHANNEL_COUNT;
        made->notification.wants_attributes = draft->template_name != NULL;
    }
    made->accept = (struct accept){
        .op.verb = VERB_ACCEPT,
        .idem = case_idem(c, draft),
        .notification = &made->notification,
        .deliveries = made->deliveries,
        .places = made->places,
        .now = c->now,
    };
    return made;
}

int64_t case_accept(struct store_case *c, const struct draft *draft)
{
    struct accept_case *made = case_make_accept(c, draft);
    case_op(c, &made->accept.op);
    return made->accept.result == IDEM_NEW ? made->notification.id : made->accept.replay_id;
}

struct claim *case_claim(struct store_case *c, uint32_t app, enum kind kind, enum priority priority,
                         uint32_t limit)
{
    struct claim *claim = arena_new(&c->arena, struct claim);
    *claim = (struct claim){.op.verb = VERB_CLAIM,
                            .lane = lane_of(kind, priority),
                            .app = app,
                            .limit = limit,
                            .now = c->now};
    case_op(c, &claim->op);
    return claim;
}

bool case_mark(struct store_case *c, struct delivery_key key, uint32_t attempt)
{
    struct mark mark = {.op.verb = VERB_MARK, .key = key, .attempt = attempt};
    case_op(c, &mark.op);
    return mark.applied;
}

static struct settle make_settle(struct store_case *c, uint32_t app, struct delivery_key key,
                                 uint32_t attempt)
{
    return (struct settle){
        .op.verb = VERB_SETTLE,
        .key = key,
        .attempt = attempt,
        .lane = lane_of(KIND_IOS, PRIORITY_CRITICAL),
        .app = app,
        .event = {.at = c->now,
                  .attempt = attempt,
                  .began_at = {c->now.ms - 5},
                  .provider = STR("apns-main"),
                  .code = STR("200"),
                  .message_id = STR("message-1"),
                  .route = STR("rule 1")},
    };
}

bool case_settle(struct store_case *c, uint32_t app, struct delivery_key key, uint32_t attempt,
                 enum state end)
{
    struct settle settle = make_settle(c, app, key, attempt);
    settle.to = SETTLE_END;
    settle.event.state = end;
    if (end == STATE_DEAD)
        settle.event.reason = STR("attempts_used_up");
    case_op(c, &settle.op);
    return settle.applied;
}

bool case_again(struct store_case *c, uint32_t app, struct delivery_key key, uint32_t attempt,
                struct wall due, uint32_t attempts)
{
    struct settle settle = make_settle(c, app, key, attempt);
    settle.to = SETTLE_AGAIN;
    settle.due = due;
    settle.attempts = attempts;
    settle.event.code = STR("503");
    settle.event.message_id = STR_NONE;
    case_op(c, &settle.op);
    return settle.applied;
}

bool case_back(struct store_case *c, uint32_t app, struct delivery_key key, uint32_t attempt,
               struct wall due)
{
    struct settle settle = make_settle(c, app, key, attempt);
    settle.to = SETTLE_BACK;
    settle.due = due;
    case_op(c, &settle.op);
    return settle.applied;
}

bool case_receipt(struct store_case *c, struct delivery_key key, enum state state)
{
    struct receipt receipt = {.op.verb = VERB_RECEIPT,
                              .key = key,
                              .event = {.at = c->now, .state = state, .provider = STR("twilio")}};
    case_op(c, &receipt.op);
    return receipt.applied;
}

void case_sweep(struct store_case *c, struct span retention)
{
    struct sweep sweep = {.op.verb = VERB_SWEEP, .retention = retention, .rows_max = 7};
    int steps = 0;
    do {
        sweep.now = c->now;
        case_op(c, &sweep.op);
        assert_true(++steps < 100000);
    } while (sweep.more);
}

struct query *case_delivery(struct store_case *c, int64_t id, uint32_t ordinal)
{
    return case_get(c,
                    (struct query){.type = QUERY_DELIVERY, .key = {id, ordinal}, .any_mode = true});
}

enum state case_state(struct store_case *c, int64_t id, uint32_t ordinal)
{
    return case_delivery(c, id, ordinal)->deliveries->state;
}

uint32_t case_depth(const struct store_case *c, enum kind kind, enum priority priority,
                    uint32_t app)
{
    for (uint32_t i = 0; i < c->state.depth_count; i++)
        if (c->state.depths[i].lane == lane_of(kind, priority) && c->state.depths[i].app == app)
            return c->state.depths[i].depth;
    return 0;
}

void case_later(struct store_case *c, int64_t ms)
{
    c->now.ms += ms;
}

bool case_str_is(struct str actual, const char *expected)
{
    bool same = expected ? actual.at && str_eq(actual, str_of(expected)) : !actual.at;
    if (!same)
        print_error("is \"%.*s\", should be \"%s\"\n", STR_ARG(actual),
                    expected ? expected : "(absent)");
    return same;
}
