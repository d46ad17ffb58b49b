/* From recipients and channels to deliveries: what must hold for any of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/rng.h"
#include "core/plan.h"
#include "model/limits.h"
#include <stdio.h>

enum { SEEDS = 400, USERS = 12, ENTRIES = 24, DEVICES = 4 };

/* A world drawn from a seed. */
struct world {
    struct arena arena;
    struct rng rng;
    char names[USERS + 1][8];
    struct recipient recipients[USERS + 1]; /* the last is unknown */
    struct plan_entry entries[ENTRIES];
    enum channel channels[CHANNEL_COUNT];
    struct category category;
    struct category_choice choice;
    struct plan plan;
    struct delivery *deliveries;
    uint32_t count;
};

static bool chance(struct world *world, uint64_t in)
{
    return rng_below(&world->rng, in) == 0;
}

static struct str text(struct world *world, const char *format, unsigned a, unsigned b)
{
    char into[64];
    (void)snprintf(into, sizeof into, "%s-%u-%u", format, a, b);
    return arena_copy(&world->arena, str_of(into));
}

static void draw_recipient(struct world *world, unsigned i)
{
    struct recipient *recipient = &world->recipients[i];
    (void)snprintf(world->names[i], sizeof world->names[i], "u%u", i);
    recipient->user.user_id = str_of(world->names[i]);
    if (i == USERS)
        return;
    recipient->user.number = 100 + i;
    recipient->user.locale = STR("ko");
    recipient->user.attributes = STR("{\"a\":1}");
    recipient->user.email = chance(world, 3) ? STR_NONE : text(world, "mail", i, 0);
    recipient->user.phone = chance(world, 3) ? STR_NONE : text(world, "phone", i, 0);
    recipient->email_suppressed = chance(world, 4);
    recipient->phone_suppressed = chance(world, 4);
    recipient->device_count = (uint32_t)rng_below(&world->rng, DEVICES + 1);
    struct device *devices = arena_array(&world->arena, struct device, DEVICES);
    for (unsigned k = 0; k < recipient->device_count; k++) {
        devices[k] = (struct device){
            .device_id = text(world, "device", i, k),
            .kind = (enum kind)rng_below(&world->rng, KIND_WEB + 1),
            .token = text(world, "token", i, k),
            .invalid_at = {chance(world, 3) ? 5 : 0},
        };
    }
    recipient->devices = devices;
    for (int channel = 0; channel < CHANNEL_COUNT; channel++)
        recipient->preferences.channels[channel] = (enum choice)rng_below(&world->rng, 3);
    recipient->preferences.categories = &world->choice;
    recipient->preferences.category_count = chance(world, 2);
}

static void draw_entry(struct world *world, unsigned i)
{
    struct plan_entry *entry = &world->entries[i];
    if (!chance(world, 4)) {
        uint64_t user = rng_below(&world->rng, USERS + 1);
        entry->user_id = str_of(world->names[user]);
        entry->recipient = &world->recipients[user];
        return;
    }
    entry->kind = (enum kind)rng_below(&world->rng, KIND_COUNT);
    entry->address = text(world, "direct", (unsigned)rng_below(&world->rng, 6), 0);
    entry->suppressed = chance(world, 4);
}

static void draw(struct world *world, uint64_t seed)
{
    *world = (struct world){.rng = rng_of(seed)};
    arena_init(&world->arena, 8 << 20);
    world->category = category_default();
    world->category.mandatory = chance(world, 3);
    world->choice.category = CATEGORY_DEFAULT;
    for (int channel = 0; channel < CHANNEL_COUNT; channel++)
        world->choice.channels[channel] = (enum choice)rng_below(&world->rng, 3);
    for (unsigned i = 0; i <= USERS; i++)
        draw_recipient(world, i);
    for (unsigned i = 0; i < ENTRIES; i++)
        draw_entry(world, i);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        if (!chance(world, 3))
            world->channels[world->plan.channel_count++] = (enum channel)channel;
        world->plan.has_content[channel] = !chance(world, 4);
    }
    world->plan.entries = world->entries;
    world->plan.entry_count = 1 + (uint32_t)rng_below(&world->rng, ENTRIES);
    world->plan.channels = world->channels;
    world->plan.category = &world->category;
    world->plan.wants_attributes = chance(world, 2);
    world->plan.strategy = (enum strategy)rng_below(&world->rng, STRATEGY_COUNT);
    struct why why;
    assert_int_equal(
        plan_deliveries(&world->plan, &world->arena, &world->deliveries, &world->count, &why), OK);
}

static const struct plan_entry *entry_of(const struct world *world, const struct delivery *row)
{
    assert_true(row->to_index < world->plan.entry_count);
    return &world->entries[row->to_index];
}

static bool is_listed(const struct world *world, enum channel channel)
{
    for (uint32_t i = 0; i < world->plan.channel_count; i++)
        if (world->channels[i] == channel)
            return true;
    return false;
}

static enum choice wish(const struct world *world, const struct recipient *recipient,
                        enum channel channel)
{
    enum choice exact =
        recipient->preferences.category_count ? world->choice.channels[channel] : CHOICE_ABSENT;
    return exact != CHOICE_ABSENT ? exact : recipient->preferences.channels[channel];
}

static void check_row(const struct world *world, const struct delivery *row)
{
    const struct plan_entry *entry = entry_of(world, row);
    enum channel channel = kind_channel(row->kind);
    assert_true(row->state == STATE_QUEUED || row->state == STATE_SUPPRESSED);
    assert_true((row->state == STATE_SUPPRESSED) == (row->reason.at != NULL));
    assert_true(world->plan.has_content[channel]);
    assert_true(row->state == STATE_SUPPRESSED || row->address.len > 0);
    assert_int_equal(plan_has_kind(row), channel != CHANNEL_PUSH || row->address.len > 0);
    if (!entry->user_id.at) {
        assert_int_equal(row->user, 0);
        assert_int_equal(row->state == STATE_SUPPRESSED, entry->suppressed);
        return;
    }
    assert_true(is_listed(world, channel));
    assert_int_equal(row->user, entry->recipient->user.number);
    assert_true(str_eq(row->user_id, entry->user_id));
    bool wanted = world->plan.wants_attributes && row->user;
    assert_int_equal(row->attributes.at != NULL, wanted);
    if (row->user && row->state == STATE_QUEUED && !world->category.mandatory)
        assert_int_not_equal(wish(world, entry->recipient, channel), CHOICE_NO);
    if (world->category.mandatory)
        assert_false(str_eq(row->reason, REASON_OPTED_OUT));
}

static bool same_target(const struct delivery *a, const struct delivery *b)
{
    return a->kind == b->kind && str_eq(a->user_id, b->user_id) && a->user == b->user &&
           str_eq(a->device_id, b->device_id) && str_eq(a->address, b->address);
}

static void every_row_holds_whatever_the_seed(void **state)
{
    (void)state;
    struct world *world = test_malloc(sizeof *world);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        draw(world, seed);
        for (uint32_t i = 0; i < world->count; i++) {
            if (world->deliveries[i].ordinal != i)
                fail_msg("seed %llu: ordinal %u at %u", (unsigned long long)seed,
                         world->deliveries[i].ordinal, i);
            check_row(world, &world->deliveries[i]);
            for (uint32_t k = 0; k < i; k++)
                if (same_target(&world->deliveries[i], &world->deliveries[k]))
                    fail_msg("seed %llu: rows %u and %u", (unsigned long long)seed, k, i);
        }
        arena_done(&world->arena);
    }
    test_free(world);
}

static void everybody_listed_is_in_some_row(void **state)
{
    (void)state;
    struct world *world = test_malloc(sizeof *world);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        draw(world, seed);
        for (uint32_t i = 0; i < world->plan.entry_count; i++) {
            const struct plan_entry *entry = &world->entries[i];
            bool possible = false, found = false;
            for (int c = 0; c < CHANNEL_COUNT; c++)
                possible = possible || (world->plan.has_content[c] &&
                                        (entry->user_id.at ? is_listed(world, (enum channel)c)
                                                           : (int)kind_channel(entry->kind) == c));
            for (uint32_t k = 0; k < world->count; k++)
                found = found ||
                        (entry->user_id.at ? str_eq(world->deliveries[k].user_id, entry->user_id)
                                           : str_eq(world->deliveries[k].address, entry->address) &&
                                                 world->deliveries[k].kind == entry->kind);
            assert_int_equal(found, possible);
        }
        arena_done(&world->arena);
    }
    test_free(world);
}

/* The rows of one entry and channel, from row `at` on. */
static uint32_t rows_together(const struct delivery *rows, uint32_t count, uint32_t at,
                              bool *ret_queued)
{
    uint32_t end = at;
    *ret_queued = false;
    for (; end < count && rows[end].to_index == rows[at].to_index &&
           kind_channel(rows[end].kind) == kind_channel(rows[at].kind);
         end++)
        *ret_queued = *ret_queued || rows[end].state == STATE_QUEUED;
    return end;
}

/* `first` plans what `all` does, of each user up to the first channel that goes out. */
static void first_stops_at_the_first_channel_that_goes_out(void **state)
{
    (void)state;
    struct world *world = test_malloc(sizeof *world);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct delivery *all, *first;
        uint32_t all_count, first_count, at = 0, stopped = UINT32_MAX;
        struct why why;
        draw(world, seed);
        world->plan.strategy = STRATEGY_ALL;
        assert_int_equal(plan_deliveries(&world->plan, &world->arena, &all, &all_count, &why), OK);
        world->plan.strategy = STRATEGY_FIRST;
        assert_int_equal(plan_deliveries(&world->plan, &world->arena, &first, &first_count, &why),
                         OK);
        for (uint32_t i = 0, end; i < all_count; i = end) {
            bool queued;
            end = rows_together(all, all_count, i, &queued);
            if (all[i].user && all[i].to_index == stopped)
                continue;
            for (uint32_t k = i; k < end; k++, at++) {
                assert_true(at < first_count);
                assert_true(same_target(&all[k], &first[at]));
                assert_int_equal(all[k].state, first[at].state);
                assert_int_equal(first[at].ordinal, at);
            }
            if (queued)
                stopped = all[i].to_index;
        }
        assert_int_equal(at, first_count);
        arena_done(&world->arena);
    }
    test_free(world);
}

/* ------------------------------------------------------------------------------- by example ----
 */

static const struct device devices[] = {
    {.device_id = STR_INIT("d0"), .kind = KIND_IOS, .token = STR_INIT("t0"), .invalid_at = {9}},
    {.device_id = STR_INIT("d1"), .kind = KIND_WEB, .token = STR_INIT("t1")},
    {.device_id = STR_INIT("d2"), .kind = KIND_ANDROID, .token = STR_INIT("t2")},
};

static uint32_t plan_one(struct arena *arena, const struct recipient *recipient,
                         struct delivery **ret)
{
    static const enum channel push[] = {CHANNEL_PUSH};
    struct category category = category_default();
    struct plan_entry entry = {.user_id = STR("u"), .recipient = recipient};
    struct plan plan = {.entries = &entry,
                        .entry_count = 1,
                        .channels = push,
                        .channel_count = 1,
                        .has_content = {true, true, true},
                        .category = &category};
    uint32_t count;
    struct why why;
    assert_int_equal(plan_deliveries(&plan, arena, ret, &count, &why), OK);
    return count;
}

static void a_dead_token_makes_a_row_only_if_all_are_dead(void **state)
{
    (void)state;
    struct arena arena;
    struct delivery *rows;
    arena_init(&arena, 1 << 20);
    struct recipient mixed = {.user = {.number = 1}, .devices = devices, .device_count = 3};
    assert_int_equal(plan_one(&arena, &mixed, &rows), 2);
    assert_true(str_eq(rows[0].device_id, STR("d1")));
    assert_true(str_eq(rows[1].device_id, STR("d2")));
    struct recipient dead = {.user = {.number = 1}, .devices = devices, .device_count = 1};
    assert_int_equal(plan_one(&arena, &dead, &rows), 1);
    assert_int_equal(rows[0].state, STATE_SUPPRESSED);
    assert_true(str_eq(rows[0].reason, REASON_INVALID_TOKEN));
    assert_true(plan_has_kind(&rows[0]));
    struct recipient none = {.user = {.number = 1}};
    assert_int_equal(plan_one(&arena, &none, &rows), 1);
    assert_true(str_eq(rows[0].reason, REASON_NO_ADDRESS));
    assert_false(plan_has_kind(&rows[0]));
    arena_done(&arena);
}

/* What `first` plans on push, sms, e-mail, as "push/reason sms". */
static void first_goes_on_where_nothing_can_go_out(void **state)
{
    (void)state;
    static const struct {
        const char *what, *rows;
        uint32_t devices; /* of `devices`: the first is dead */
        bool no_phone, no_email, phone_suppressed, email_suppressed;
        enum choice push, sms, email;
        bool no_sms_content;
    } table[] = {
        {"a live device is enough", "push push", 3},
        {"no device", "push:no_address sms"},
        {"a dead device", "push:invalid_token sms", 1},
        {"opted out of push", "push:opted_out push:opted_out sms", 3, .push = CHOICE_NO},
        {"no device, no phone", "push:no_address sms:no_address email", .no_phone = true},
        {"suppressed phone", "push:no_address sms:suppression_list email",
         .phone_suppressed = true},
        {"no content between", "push:no_address email", .no_sms_content = true},
        {"nobody can be reached", "push:no_address sms:opted_out email:no_address",
         .sms = CHOICE_NO, .no_email = true},
    };
    static const enum channel channels[] = {CHANNEL_PUSH, CHANNEL_SMS, CHANNEL_EMAIL};
    struct category category = category_default();
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct recipient user = {
            .user = {.number = 1,
                     .phone = table[i].no_phone ? STR_NONE : STR("+1"),
                     .email = table[i].no_email ? STR_NONE : STR("a@b")},
            .devices = devices,
            .device_count = table[i].devices,
            .phone_suppressed = table[i].phone_suppressed,
            .email_suppressed = table[i].email_suppressed,
            .preferences.channels = {table[i].push, table[i].sms, table[i].email},
        };
        struct plan_entry entry = {.user_id = STR("u"), .recipient = &user};
        struct plan plan = {.entries = &entry,
                            .entry_count = 1,
                            .channels = channels,
                            .channel_count = CHANNEL_COUNT,
                            .has_content = {true, !table[i].no_sms_content, true},
                            .strategy = STRATEGY_FIRST,
                            .category = &category};
        struct delivery *rows;
        uint32_t count;
        struct why why;
        struct buf text;
        buf_init(&text, 256);
        assert_int_equal(plan_deliveries(&plan, &arena, &rows, &count, &why), OK);
        for (uint32_t k = 0; k < count; k++)
            buf_printf(&text, "%s%.*s%s%.*s", k ? " " : "",
                       STR_ARG(channel_name(kind_channel(rows[k].kind))),
                       rows[k].reason.at ? ":" : "", STR_ARG(rows[k].reason));
        if (!str_eq(buf_str(&text), str_of(table[i].rows)))
            fail_msg("%s: %.*s", table[i].what, STR_ARG(buf_str(&text)));
        buf_done(&text);
    }
    arena_done(&arena);
}

/* A direct address names its channel: nothing comes after it, and it waits for nobody. */
static void a_direct_address_knows_no_strategy(void **state)
{
    (void)state;
    static const enum channel channels[] = {CHANNEL_PUSH, CHANNEL_SMS, CHANNEL_EMAIL};
    struct category category = category_default();
    struct plan_entry entries[] = {
        {.kind = KIND_EMAIL, .address = STR("a@b"), .suppressed = true},
        {.kind = KIND_SMS, .address = STR("+1")},
    };
    struct plan plan = {.entries = entries,
                        .entry_count = 2,
                        .channels = channels,
                        .channel_count = CHANNEL_COUNT,
                        .has_content = {true, true, true},
                        .strategy = STRATEGY_FIRST,
                        .category = &category};
    struct arena arena;
    struct delivery *rows;
    uint32_t count;
    struct why why;
    arena_init(&arena, 1 << 20);
    assert_int_equal(plan_deliveries(&plan, &arena, &rows, &count, &why), OK);
    assert_int_equal(count, 2);
    assert_true(str_eq(rows[0].reason, REASON_SUPPRESSION));
    assert_int_equal(rows[1].state, STATE_QUEUED);
    arena_done(&arena);
}

static void the_channels_after_one_are_those_behind_it(void **state)
{
    (void)state;
    struct notification first = {.strategy = STRATEGY_FIRST,
                                 .channels = {CHANNEL_EMAIL, CHANNEL_PUSH, CHANNEL_SMS},
                                 .channel_count = 3};
    uint32_t count;
    const enum channel *rest = plan_channels_after(&first, CHANNEL_EMAIL, &count);
    assert_int_equal(count, 2);
    assert_int_equal(rest[0], CHANNEL_PUSH);
    assert_int_equal(rest[1], CHANNEL_SMS);
    (void)plan_channels_after(&first, CHANNEL_SMS, &count);
    assert_int_equal(count, 0);
    first.channel_count = 2;
    (void)plan_channels_after(&first, CHANNEL_SMS, &count); /* had no content */
    assert_int_equal(count, 0);
    first.strategy = STRATEGY_ALL;
    (void)plan_channels_after(&first, CHANNEL_EMAIL, &count);
    assert_int_equal(count, 0);
}

static void copies_outlive_the_recipient(void **state)
{
    (void)state;
    struct arena arena;
    struct delivery *rows;
    char token[] = "t1";
    arena_init(&arena, 1 << 20);
    struct device device = {.device_id = STR("d"), .kind = KIND_IOS, .token = {token, 2}};
    struct recipient one = {.user = {.number = 1}, .devices = &device, .device_count = 1};
    assert_int_equal(plan_one(&arena, &one, &rows), 1);
    token[0] = 'x';
    assert_true(str_eq(rows[0].address, STR("t1")));
    arena_done(&arena);
}

static void too_many_rows_are_refused_before_any_is_made(void **state)
{
    (void)state;
    enum { MANY = 50 };
    static struct device many[MANY];
    static struct recipient recipients[DELIVERIES_MAX / MANY + 1];
    static struct plan_entry entries[DELIVERIES_MAX / MANY + 1];
    static const enum channel push[] = {CHANNEL_PUSH};
    static char names[DELIVERIES_MAX / MANY + 1][8];
    struct category category = category_default();
    struct plan plan = {.entries = entries,
                        .channels = push,
                        .channel_count = 1,
                        .has_content = {true, false, false},
                        .category = &category};
    for (int i = 0; i < MANY; i++)
        many[i] = (struct device){.device_id = STR("d"), .kind = KIND_IOS, .token = STR("t")};
    for (int i = 0; i <= DELIVERIES_MAX / MANY; i++) {
        (void)snprintf(names[i], sizeof names[i], "u%d", i);
        recipients[i] =
            (struct recipient){.user = {.number = i + 1}, .devices = many, .device_count = MANY};
        entries[i] = (struct plan_entry){.user_id = str_of(names[i]), .recipient = &recipients[i]};
    }
    struct arena arena;
    struct delivery *rows;
    uint32_t count;
    struct why why;
    arena_init(&arena, 64 << 20);
    plan.entry_count = DELIVERIES_MAX / MANY;
    assert_int_equal(plan_deliveries(&plan, &arena, &rows, &count, &why), OK);
    assert_int_equal(count, DELIVERIES_MAX);
    plan.entry_count++;
    assert_int_equal(plan_deliveries(&plan, &arena, &rows, &count, &why), ERR_LIMIT);
    arena_done(&arena);
    plan.entry_count--;
    arena_init(&arena, 4096);
    assert_int_equal(plan_deliveries(&plan, &arena, &rows, &count, &why), ERR_MEMORY);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_holds_whatever_the_seed),
        cmocka_unit_test(everybody_listed_is_in_some_row),
        cmocka_unit_test(a_dead_token_makes_a_row_only_if_all_are_dead),
        cmocka_unit_test(first_stops_at_the_first_channel_that_goes_out),
        cmocka_unit_test(first_goes_on_where_nothing_can_go_out),
        cmocka_unit_test(a_direct_address_knows_no_strategy),
        cmocka_unit_test(the_channels_after_one_are_those_behind_it),
        cmocka_unit_test(copies_outlive_the_recipient),
        cmocka_unit_test(too_many_rows_are_refused_before_any_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
