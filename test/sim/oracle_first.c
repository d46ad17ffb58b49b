/* test/sim/oracle_first.c - strategy `first`: one channel after another, each at most once, the
 * next if and only if the one before has reached nobody. */
#include "sim.h"

/* One delivery as the disk has it. */
struct row {
    const struct delivery *delivery;
    enum channel channel;
    enum state first_end; /* the state that it first ended in; queued: none yet */
    bool unsent;          /* it has been nothing but queued, failed, dead and suppressed */
    bool redriven;
};

static bool ends_unsent(enum state state)
{
    return state == STATE_FAILED || state == STATE_DEAD || state == STATE_SUPPRESSED;
}

static void add_state(struct row *row, enum state state)
{
    row->redriven |= row->first_end == STATE_DEAD && state == STATE_QUEUED;
    row->unsent &= state == STATE_QUEUED || ends_unsent(state);
    if (row->first_end == STATE_QUEUED)
        row->first_end = state;
}

static bool load(const struct sim *sim, struct delivery_key key, struct row *ret)
{
    const struct event *const *events;
    uint32_t count;
    *ret = (struct row){.first_end = STATE_QUEUED, .unsent = true};
    ret->delivery = memory_disk_delivery(sim->disk, key, &events, &count);
    if (!ret->delivery)
        return false;
    ret->channel = kind_channel(ret->delivery->kind);
    add_state(ret, ret->delivery->state);
    for (uint32_t i = 0; i < count; i++)
        add_state(ret, events[i]->state);
    return true;
}

static bool find_notification(const struct sim *sim, int64_t id, struct memory_notification *ret)
{
    for (size_t i = 0; memory_disk_notification(sim->disk, i, ret); i++)
        if (ret->notification->id == id)
            return true;
    return false;
}

static uint32_t place_of(const struct sim *sim, const struct notification *notification,
                         enum channel channel)
{
    for (uint32_t i = 0; i < notification->channel_count; i++)
        if (notification->channels[i] == channel)
            return i;
    sim_fail(sim, "I9: a channel that has no content");
    return 0;
}

void oracle_first_begun(struct sim *sim, struct delivery_key key)
{
    struct memory_notification found;
    struct row own, other;
    if (!find_notification(sim, key.notification, &found) || !load(sim, key, &own) ||
        found.notification->strategy != STRATEGY_FIRST || !own.delivery->user)
        return;
    uint32_t place = place_of(sim, found.notification, own.channel);
    for (uint32_t i = 0; i < found.notification->delivery_count; i++) {
        (void)load(sim, (struct delivery_key){key.notification, i}, &other);
        if (other.delivery->to_index == own.delivery->to_index &&
            place_of(sim, found.notification, other.channel) < place &&
            !ends_unsent(other.first_end))
            sim_fail(sim, "I9: %.*s is sent after %.*s that is %.*s",
                     STR_ARG(channel_name(own.channel)), STR_ARG(channel_name(other.channel)),
                     STR_ARG(state_name(other.first_end)));
    }
}

/* What the deliveries of one entry on one channel add up to. */
struct stage {
    uint32_t rows, first, last; /* ordinals */
    bool unsent;                /* all of them, whatever was done later */
    bool reached;               /* one was taken for certain, and by no redrive */
};

static void add_row(struct sim *sim, struct stage *stage, const struct row *row,
                    struct delivery_key key)
{
    const struct sent *sent = oracle_find(sim, key);
    if (stage->rows++ == 0) {
        stage->first = key.ordinal;
        stage->unsent = true;
    }
    stage->last = key.ordinal;
    stage->unsent &= row->unsent && ends_unsent(row->first_end);
    stage->reached |= sent && sent->processed && !sent->doubtful && !row->redriven;
}

static void check_entry(struct sim *sim, const struct memory_notification *found,
                        const struct stage stages[CHANNEL_COUNT], int64_t user)
{
    const struct notification *notification = found->notification;
    uint32_t used = 0;
    while (used < notification->channel_count && stages[used].rows)
        used++;
    for (uint32_t i = used; i < notification->channel_count; i++)
        if (stages[i].rows)
            sim_fail(sim, "I9: a channel was left out");
    for (uint32_t i = 0; i < used; i++) {
        if (stages[i].last - stages[i].first + 1 != stages[i].rows)
            sim_fail(sim, "I9: two sets of deliveries on one channel");
        if (i + 1 < used && stages[i].reached)
            sim_fail(sim, "I9: a channel reached the user, and the next was tried");
    }
    bool over = found->cancelled || !user || !memory_disk_user(sim->disk, user) ||
                wall_reached(sim->calendar_latest, notification->expires_at);
    if (!over && used && used < notification->channel_count && stages[used - 1].unsent)
        sim_fail(sim, "I9: %.*s reached nobody, and nothing follows",
                 STR_ARG(channel_name(notification->channels[used - 1])));
}

void oracle_first_finish(struct sim *sim, const struct memory_notification *found)
{
    enum { ENTRIES_MAX = 8 };
    const struct notification *notification = found->notification;
    struct stage stages[ENTRIES_MAX][CHANNEL_COUNT] = {{{0}}};
    int64_t users[ENTRIES_MAX] = {0};
    if (notification->strategy != STRATEGY_FIRST)
        return;
    for (uint32_t i = 0; i < notification->delivery_count; i++) {
        struct delivery_key key = {notification->id, i};
        struct row row;
        must(load(sim, key, &row) && row.delivery->to_index < ENTRIES_MAX);
        users[row.delivery->to_index] = row.delivery->user;
        add_row(sim, &stages[row.delivery->to_index][place_of(sim, notification, row.channel)],
                &row, key);
    }
    for (uint32_t i = 0; i < ENTRIES_MAX; i++)
        check_entry(sim, found, stages[i], users[i]);
}
