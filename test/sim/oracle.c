/* test/sim/oracle.c - what must hold, while it runs and when it has come to rest. */
#include "flow/courier_state.h"
#include "flow/ledger_state.h"
#include "sim.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    EARLY_MS = 3,
    ONCE_LATE_MS = 200,  /* asked once more when its mark is made */
    LATE_MS = 90 * 1000, /* a clean stop, and a store that refuses */
};

struct sent *oracle_find(struct sim *sim, struct delivery_key key)
{
    for (uint32_t i = 0; i < sim->sent_count; i++)
        if (sim->sent[i].key.notification == key.notification &&
            sim->sent[i].key.ordinal == key.ordinal)
            return &sim->sent[i];
    return NULL;
}

static struct sent *sent_of(struct sim *sim, struct delivery_key key)
{
    struct sent *sent = oracle_find(sim, key);
    if (sent)
        return sent;
    if (sim->sent_count == sim->sent_cap) {
        /* Grown once, far beyond need: others keep pointers into it. */
        must(!sim->sent);
        sim->sent_cap = 1 << 16;
        sim->sent = calloc(sim->sent_cap, sizeof *sim->sent);
        must(sim->sent);
    }
    sent = &sim->sent[sim->sent_count++];
    sent->key = key;
    return sent;
}

struct sent *oracle_sent(struct sim *sim, struct str delivery_id)
{
    struct ids ids = ledger_ids(sim->ledger);
    struct delivery_key key;
    if (!dlv_parse(&ids, delivery_id, &key))
        sim_fail(sim, "a request without a delivery's id: %.*s", STR_ARG(delivery_id));
    return sent_of(sim, key);
}

/* If the clock was set and the store does not know yet, the next life counts from another calendar.
 */
void oracle_stop(struct sim *sim)
{
    struct calendar calendar = sim->ledger->calendar;
    if (!calendar_look(&calendar, sim->now) && calendar.offset_ms == sim->ledger->offset_kept_ms)
        return;
    for (uint32_t i = 0; i < sim->sent_count; i++) {
        struct sent *sent = &sim->sent[i];
        sent->due = sent->expires = sent->not_before = (struct mono){0};
    }
}

/* A mark follows the settling of whatever had its place before. */
static void check_marks(const struct sim *sim)
{
    struct memory_work work;
    uint32_t marked = 0, places = 0;
    for (uint32_t i = 0; i < SIM_PROVIDERS; i++)
        places += sim->providers[i].in_flight_max;
    places += sim->places_before;
    for (size_t i = 0; memory_disk_hand(sim->disk, i, &work); i++)
        marked += work.marked;
    if (marked > places)
        sim_fail(sim, "I4: %u marked, and providers have places for %u", marked, places);
}

void oracle_crash(struct sim *sim)
{
    struct memory_work work;
    struct arena arena;
    struct crash_notes notes;
    arena_init(&arena, 8 << 20);
    must(notes_collect(sim->notes, &arena, &notes) == OK);
    oracle_stop(sim);
    check_marks(sim);
    for (size_t i = 0; memory_disk_hand(sim->disk, i, &work); i++) {
        struct sent *sent = sent_of(sim, work.key);
        const struct crash_note *note = crash_notes_find(&notes, work.key);
        sent->cut_off += note && note->begun; /* else it costs nothing */
        sent->doubtful += sent->processed != 0;
        sent->not_before = sent->due = (struct mono){0}; /* may be lost with the attempt */
        sent->doubt |= work.marked;
        if (sent->open && sent->once && !work.marked)
            sim_fail(sim, "I4: begun without a mark, and the power goes");
    }
    arena_done(&arena);
}

void oracle_answered(struct sent *sent, enum exchange_end end, int status)
{
    bool proof = end == EXCHANGE_UNSENT || end == EXCHANGE_REFUSED ||
                 (end == EXCHANGE_WHOLE && status >= 400 && status < 500);
    sent->open &= !proof;
    sent->doubt |= end == EXCHANGE_CUT || status >= 500;
}

static bool is_marked(const struct sim *sim, struct delivery_key key)
{
    struct memory_work work;
    for (size_t i = 0; memory_disk_hand(sim->disk, i, &work); i++)
        if (work.key.notification == key.notification && work.key.ordinal == key.ordinal)
            return work.marked;
    return false;
}

void oracle_lost(struct sim *sim, const struct ticket *ticket)
{
    bool begun = ticket->began_at.ms != 0; /* for all that the ledger knows */
    struct sent *sent = sent_of(sim, ticket_key(ticket));
    sim->lost++;
    sent->cut_off++;
    sent->not_before = (struct mono){0}; /* it is lost with the answer */
    if (!begun)
        return;
    sent->doubt_lost = true;
    sent->doubt |= is_marked(sim, sent->key); /* else it has only failed before it began */
    if (sent->processed)
        sent->doubtful++;
}

/* At most once: nothing begins unmarked, or after what may have been taken. */
static void check_once(struct sim *sim, struct sent *sent)
{
    if (!is_marked(sim, sent->key))
        sim_fail(sim, "I4: begun without a mark");
    if (sent->open)
        sim_fail(sim, "I4: begun once more, and the last may have been taken");
    if (sent->doubt)
        sim_fail(sim, "I4: begun after a doubt");
}

static uint32_t count_pending(const struct sim *sim, unsigned lane, uint32_t app)
{
    struct memory_work work;
    uint32_t count = 0;
    for (size_t i = 0; memory_disk_pending(sim->disk, i, &work); i++)
        count += work.lane == lane && work.app == app;
    return count;
}

/* Nothing is under way: what is counted is what there is. */
void oracle_depths(struct sim *sim)
{
    const struct ledger *ledger = sim->ledger;
    struct memory_work work;
    uint32_t hand = 0, depths = 0, pending = 0;
    size_t at = 0;
    if (ledger->calendar.at.ms > sim->calendar_latest.ms)
        sim->calendar_latest = ledger->calendar.at;
    if (ledger->stats.reconciled_tickets > sim->lost - sim->lost_before)
        sim_fail(sim, "I1: the roll-call finds %llu lost, of %u",
                 (unsigned long long)ledger->stats.reconciled_tickets,
                 sim->lost - sim->lost_before);
    if (ledger->group || ledger->urgent.count || ledger->accepts.count)
        return;
    for (const struct shelf *shelf; (shelf = map_each(&ledger->lanes.shelves, &at));) {
        if (shelf->depth != count_pending(sim, shelf->lane, shelf->app))
            sim_fail(sim, "I8: lane %u counts %u pending, of %u", shelf->lane, shelf->depth,
                     count_pending(sim, shelf->lane, shelf->app));
        depths += shelf->depth;
    }
    while (memory_disk_pending(sim->disk, pending, &work))
        pending++;
    while (memory_disk_hand(sim->disk, hand, &work))
        hand++;
    if (depths != pending)
        sim_fail(sim, "I8: %u counted pending, of %u", depths, pending);
    if (ledger->lanes.in_hand != hand)
        sim_fail(sim, "I8: %u counted in hand, of %u", ledger->lanes.in_hand, hand);
    if (!hand && ledger->lanes.bytes)
        sim_fail(sim, "I8: %zu bytes in hand, and nothing else", ledger->lanes.bytes);
}

/* Whose address is it? The number behind the 'u', or the last four digits of a phone. */
static uint32_t user_of(const struct sim *sim, struct str address)
{
    uint64_t user = SIM_USERS;
    if (str_starts(address, STR("+1415555")))
        (void)str_to_u64(str_slice(address, address.len - 4, address.len), &user);
    else {
        struct str rest = str_starts(address, STR("token-u")) ? str_slice(address, 7, address.len)
                                                              : str_slice(address, 1, address.len);
        struct str number = str_cut(&rest, str_starts(address, STR("token-u")) ? '-' : '@');
        (void)str_to_u64(number, &user);
    }
    if (user >= SIM_USERS)
        sim_fail(sim, "nobody's address: %.*s", STR_ARG(address));
    return (uint32_t)user;
}

static void check_cancelled(struct sim *sim, const struct sent *sent)
{
    struct ids ids = ledger_ids(sim->ledger);
    char id[ID_TEXT_SIZE];
    (void)ntf_format(&ids, sent->key.notification, id);
    for (uint32_t i = 0; i < sim->told_count; i++)
        if (sim->told[i].cancelled && strcmp(sim->told[i].id, id) == 0)
            sim_fail(sim, "I5: %s was cancelled at %lld ms, and is sent", id,
                     (long long)(sim->told[i].cancelled_at.us / 1000));
}

/* A redrive gives it its ttl anew. */
static bool was_dead(const struct sim *sim, struct delivery_key key)
{
    const struct event *const *events;
    uint32_t count = 0;
    (void)memory_disk_delivery(sim->disk, key, &events, &count);
    for (uint32_t i = 0; i < count; i++)
        if (events[i]->state == STATE_DEAD)
            return true;
    return false;
}

/* By the clock that nobody sets. */
static void check_ttl(struct sim *sim, const struct sent *sent)
{
    if (!sent->expires.us || was_dead(sim, sent->key))
        return;
    int64_t left_ms = (sent->expires.us - sim->now.mono.us) / 1000;
    if (left_ms + sim->drift_ms < (sent->once ? -ONCE_LATE_MS : -1000))
        sim_fail(sim, "I5: sent %lld ms after its ttl", (long long)-left_ms);
}

/* May a pause of this lane have stood at `due` or since? */
static bool may_have_waited(const struct sim *sim, unsigned lane, struct mono due)
{
    enum channel channel = kind_channel(lane_kind(lane));
    return sim->paused_most[channel].us &&
           (sim->paused_steps[channel] != sim->steps || due.us < sim->paused_most[channel].us);
}

/* Nothing is claimed before its time, nor long after. */
static void check_claim(struct sim *sim, const struct claim *claim)
{
    struct memory_work work;
    for (size_t i = 0; memory_disk_pending(sim->disk, i, &work); i++) {
        if (work.lane != claim->lane || work.app != claim->app ||
            !wall_reached(claim->now, work.due))
            continue;
        const struct sent *sent = oracle_find(sim, work.key);
        if (!sent || !sent->due.us)
            continue;
        int64_t late_ms = mono_since(sent->due, sim->now.mono).us / 1000;
        bool waited = may_have_waited(sim, claim->lane, sent->due);
        if (late_ms < -EARLY_MS - sim->drift_ms || (late_ms > LATE_MS && !waited))
            sim_fail(sim, "F1: a retry is %lld ms late", (long long)late_ms);
    }
}

static void note_accept(struct sim *sim, const struct accept *accept)
{
    const struct notification *n = accept->notification;
    struct span ttl = span_ms(n->expires_at.ms - accept->now.ms);
    for (uint32_t i = 0; i < sim->sent_count; i++) /* what was not durable gave back its id */
        if (sim->sent[i].key.notification == n->id)
            sim->sent[i].expires = (struct mono){0};
    for (uint32_t i = 0; i < n->delivery_count; i++)
        sent_of(sim, (struct delivery_key){n->id, i})->expires = mono_add(sim->now.mono, ttl);
}

/* What came due while the store was an unconfirmed copy had to wait. */
static void forget_dues(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->sent_count; i++)
        sim->sent[i].due = (struct mono){0};
}

void oracle_group(struct sim *sim, const struct group *group)
{
    for (uint32_t i = 0; i < group->count; i++) {
        const struct settle *settle = (const struct settle *)(const void *)group->ops[i];
        struct span wait = {0};
        switch (group->ops[i]->verb) {
        case VERB_ACCEPT:
            note_accept(sim, (const struct accept *)(const void *)group->ops[i]);
            break;
        case VERB_CLAIM:
            check_claim(sim, (const struct claim *)(const void *)group->ops[i]);
            break;
        case VERB_SETTLE:
            wait = span_ms(settle->due.ms - sim->ledger->calendar.at.ms);
            sent_of(sim, settle->key)->due =
                settle->to == SETTLE_AGAIN ? mono_add(sim->now.mono, wait) : (struct mono){0};
            break;
        case VERB_CONFIRM:
            forget_dues(sim);
            break;
        default:
            break;
        }
    }
}

static bool stands(const struct sim *sim, const struct sim_steer *steer)
{
    return steer->stands && steer->steps == sim->steps && sim->now.mono.us + 2000 < steer->until.us;
}

static void check_steers(struct sim *sim, const struct request *request, enum channel channel)
{
    bool plain = request->header_count < 4; /* the token provider sends a credential */
    if (stands(sim, &sim->paused[channel]))
        sim_fail(sim, "%.*s is paused, and something of it begins", STR_ARG(channel_name(channel)));
    if (plain && channel != CHANNEL_PUSH && stands(sim, &sim->moved[channel]))
        sim_fail(sim, "%.*s is moved to another provider, and goes to the first",
                 STR_ARG(channel_name(channel)));
}

/* Somebody wants it sent again since its last attempt: no matter what that one was told. */
static bool was_redriven(const struct sim *sim, struct delivery_key key)
{
    const struct event *const *events;
    uint32_t count;
    const struct delivery *delivery = memory_disk_delivery(sim->disk, key, &events, &count);
    return delivery && count && events[count - 1]->state == STATE_QUEUED &&
           !events[count - 1]->attempt;
}

void oracle_begun(struct sim *sim, const struct request *request, struct sent *sent)
{
    struct str address = request->headers[0].value;
    uint32_t user = user_of(sim, address);
    enum channel channel;
    must(channel_parse(request->headers[1].value, &channel));
    if (sim->beliefs[user].opted_out[channel])
        sim_fail(sim, "I5: u%u opted out of %.*s at %lld ms, and is sent to", user,
                 STR_ARG(request->headers[1].value),
                 (long long)(sim->beliefs[user].opted_out_at[channel].us / 1000));
    check_steers(sim, request, channel);
    if (sim->beliefs[user].suppressed[channel])
        sim_fail(sim, "I5: %.*s is suppressed, and sent to", STR_ARG(address));
    if (sim->beliefs[user].gone)
        sim_fail(sim, "I5: u%u was deleted, and is sent to", user);
    sent->once = str_eq(request->headers[2].value, STR("at_most_once"));
    check_ttl(sim, sent);
    check_cancelled(sim, sent);
    oracle_first_begun(sim, sent->key);
    if (sim->now.mono.us + 2000 < sent->not_before.us && !was_redriven(sim, sent->key))
        sim_fail(sim, "C5: sent %lld ms before its Retry-After",
                 (long long)((sent->not_before.us - sim->now.mono.us) / 1000));
    if (sent->once)
        check_once(sim, sent);
    sent->open = true;
    if (request->header_count > 3 && !str_starts(request->headers[3].value, STR("token-")))
        sim_fail(sim, "I6: sent without a credential");
    char canary[32];
    (void)snprintf(canary, sizeof canary, "for u%u.", user);
    if (!str_eq(request->body, str_of(canary)))
        sim_fail(sim, "I6: %.*s is sent \"%.*s\"", STR_ARG(address), STR_ARG(request->body));
}

/* ------------------------------------------------------------------------------ at rest ---- */

static bool follows(enum state before, enum state after)
{
    switch (before) {
    case STATE_QUEUED:
        return after == STATE_QUEUED || after == STATE_SENT || after == STATE_FAILED ||
               after == STATE_DEAD || after == STATE_EXPIRED || after == STATE_CANCELLED ||
               after == STATE_SUPPRESSED || after == STATE_UNKNOWN;
    case STATE_SENT:
        return after == STATE_DELIVERED || after == STATE_FAILED;
    case STATE_DEAD: /* redriven, or its dead letter deleted */
        return after == STATE_QUEUED || after == STATE_DEAD;
    default:
        return false;
    }
}

/* C5: it is dead because its attempts are used up, and a limit uses none. */
static void check_attempts(struct sim *sim, struct delivery_key key,
                           const struct event *const *events, uint32_t count)
{
    struct retry_policy policies[PRIORITY_COUNT];
    const struct sent *sent = oracle_find(sim, key);
    uint32_t used = 0, cut_off = sent ? sent->cut_off : 0; /* and left no event */
    node_policies(sim, policies);
    for (uint32_t i = count; i-- > 0 && events[i]->attempt;)
        used += !str_eq(events[i]->code, STR("429"));
    if (used + cut_off < policies[0].attempts_max)
        sim_fail(sim, "C5: dead after %u attempts, of %u", used, policies[0].attempts_max);
}

/* Checks one delivery's history and returns the state that it has come to. */
static enum state check_delivery(struct sim *sim, struct delivery_key key, bool once)
{
    const struct event *const *events;
    uint32_t count;
    const struct delivery *delivery = memory_disk_delivery(sim->disk, key, &events, &count);
    if (!delivery)
        sim_fail(sim, "I1: a delivery is missing");
    enum state state = delivery->state;
    uint32_t redriven = 0;
    bool deleted = false;
    for (uint32_t i = 0; i < count; i++) {
        if (events[i]->seq != i)
            sim_fail(sim, "I7: a gap in the events");
        if (!follows(state, events[i]->state))
            sim_fail(sim, "I7: %.*s after %.*s", STR_ARG(state_name(events[i]->state)),
                     STR_ARG(state_name(state)));
        redriven += state == STATE_DEAD && events[i]->state == STATE_QUEUED;
        if (deleted)
            sim_fail(sim, "I7: a dead letter that was deleted is redriven");
        deleted = state == STATE_DEAD && events[i]->state == STATE_DEAD;
        if (str_eq(events[i]->reason, STR("crashed")))
            oracle_poison(sim, key);
        else if (events[i]->state == STATE_DEAD && !deleted)
            check_attempts(sim, key, events, i + 1);
        state = events[i]->state;
    }
    if (!state_is_final(state))
        sim_fail(sim, "I1: at rest in state %.*s", STR_ARG(state_name(state)));
    const struct sent *sent = oracle_find(sim, key);
    uint32_t processed = sent ? sent->processed : 0, doubtful = sent ? sent->doubtful : 0;
    if (state == STATE_SENT && !sim->crashes && sent && sent->receipt)
        sim_fail(sim, "I7: its receipt is lost");
    if ((state == STATE_SENT || state == STATE_DELIVERED) && !processed)
        sim_fail(sim, "I1: said to be sent, and nobody took it");
    if (processed > 1 + doubtful + redriven)
        sim_fail(sim, "I3: taken %u times, of which %u in doubt", processed, doubtful);
    if (once && processed > 1)
        sim_fail(sim, "I4: taken %u times, at most once", processed);
    if (state == STATE_UNKNOWN && !(once && sent && (sent->doubt || sent->doubt_lost)))
        sim_fail(sim, "I4: unknown, and there is no doubt");
    if (once && state == STATE_DEAD && processed)
        sim_fail(sim, "I4: dead, and taken");
    if (delivery->state == STATE_SUPPRESSED && sent && sent->begun)
        sim_fail(sim, "I5: suppressed, and sent");
    return state;
}

/* I8: what the API counts is what stands on the disk. */
static void check_counts(struct sim *sim, int64_t notification, const uint32_t counts[STATE_COUNT])
{
    struct ids ids = ledger_ids(sim->ledger);
    struct arena arena;
    char path[64], id[ID_TEXT_SIZE];
    arena_init(&arena, 4 << 20);
    struct str text = ntf_format(&ids, notification, id);
    (void)snprintf(path, sizeof path, "/v1/notifications/%.*s", STR_ARG(text));
    const struct json *shown = json_get(clients_ask(sim, &arena, path), STR("counts"));
    for (unsigned i = 0; i < STATE_COUNT; i++) {
        const struct json *count = json_get(shown, state_name((enum state)i));
        int64_t number = 0;
        (void)json_to_i64(count, &number);
        if (number != counts[i])
            sim_fail(sim, "I8: %s has %u %.*s, and shows %lld", path, counts[i],
                     STR_ARG(state_name((enum state)i)), (long long)number);
    }
    arena_done(&arena);
}

static void check_queues(struct sim *sim)
{
    struct arena arena;
    arena_init(&arena, 4 << 20);
    const struct json *rows = json_get(clients_ask(sim, &arena, "/v1/queues"), STR("data"));
    if (!json_is(rows, JSON_ARRAY) || rows->count != LANE_COUNT)
        sim_fail(sim, "I8: the queues are not shown");
    for (uint32_t i = 0; i < rows->count; i++) {
        int64_t depth = -1, in_flight = -1;
        (void)json_to_i64(json_get(&rows->items[i], STR("depth")), &depth);
        (void)json_to_i64(json_get(&rows->items[i], STR("in_flight")), &in_flight);
        if (depth || in_flight)
            sim_fail(sim, "I8: at rest a lane shows depth %lld, in flight %lld", (long long)depth,
                     (long long)in_flight);
    }
    arena_done(&arena);
}

void oracle_finish(struct sim *sim)
{
    struct memory_notification row;
    struct memory_work work;
    size_t count = 0;
    struct ids ids = ledger_ids(sim->ledger);
    for (; memory_disk_notification(sim->disk, count, &row); count++) {
        uint32_t states[STATE_COUNT] = {0};
        for (uint32_t i = 0; i < row.notification->delivery_count; i++)
            states[check_delivery(sim, (struct delivery_key){row.notification->id, i},
                                  row.notification->guarantee == GUARANTEE_AT_MOST_ONCE)]++;
        check_counts(sim, row.notification->id, states);
        oracle_first_finish(sim, &row);
    }
    check_queues(sim);
    const struct admission *admission = intake_admission(sim->intake);
    if (admission->waiting || admission->bytes)
        sim_fail(sim, "D1: at rest %u are admitted, with %zu bytes", admission->waiting,
                 admission->bytes);
    for (uint32_t i = 0; i < sim->told_count; i++) {
        int64_t id;
        const struct event *const *events;
        uint32_t events_count;
        if (!ntf_parse(&ids, str_of(sim->told[i].id), &id))
            sim_fail(sim, "I1: %s is no id", sim->told[i].id);
        if (sim->told[i].deliveries &&
            !memory_disk_delivery(sim->disk, (struct delivery_key){id, 0}, &events, &events_count))
            sim_fail(sim, "I1: %s was accepted, and is lost", sim->told[i].id);
    }
    if (count < sim->accepted || count > sim->accepted + sim->lost_posts)
        sim_fail(sim, "I2: %zu stored, %u accepted, %u unheard", count, sim->accepted,
                 sim->lost_posts);
    if (memory_disk_dead(sim->disk, 0, &work))
        sim_fail(sim, "I1: all were redriven, and one is still dead");
    if (memory_disk_hand(sim->disk, 0, &work) || memory_disk_pending(sim->disk, 0, &work))
        sim_fail(sim, "I8: at rest with open work");
}
