/* flow/lanes.c - see lanes.h. */
#include "flow/lanes.h"
#include <stdlib.h>

enum {
    SHELVES_MAX = 1 << 20,
    CLAIM_LEAST = 32,    /* a claim is worth a place in a group only for so many, or all there is */
    CLAIMS_LANE_MAX = 4, /* of one lane under way at once */
    REST_MS = 250,
};

static const double METER_TAU_US = 60e6;

void lanes_init(struct lanes *lanes, const uint64_t hash_key[2])
{
    *lanes = (struct lanes){.window_lane = WINDOW_LANE_MAX,
                            .window_all = WINDOW_ALL_MAX,
                            .window_bytes = WINDOW_BYTES_MAX};
    map_init(&lanes->shelves, SHELVES_MAX, hash_key);
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        heap_init(&lanes->list[i].later);
        list_init(&lanes->list[i].due);
    }
}

void lanes_done(struct lanes *lanes)
{
    for (unsigned i = 0; i < LANE_COUNT; i++)
        heap_done(&lanes->list[i].later);
    size_t at = 0;
    for (struct shelf *shelf; (shelf = map_each(&lanes->shelves, &at));)
        free(shelf);
    map_done(&lanes->shelves);
}

static struct str shelf_key(unsigned lane, uint32_t app, char into[12])
{
    memcpy(into, &app, sizeof app);
    memcpy(into + sizeof app, &lane, sizeof lane);
    return (struct str){into, sizeof app + sizeof lane};
}

struct shelf *lanes_shelf(struct lanes *lanes, unsigned lane, uint32_t app)
{
    char key[12];
    must(lane < LANE_COUNT);
    struct shelf *shelf = map_get(&lanes->shelves, shelf_key(lane, app, key));
    if (shelf)
        return shelf;
    shelf = calloc(1, sizeof *shelf);
    if (!shelf)
        return NULL;
    shelf->lane = lane;
    shelf->app = app;
    shelf->next_due = WALL_NEVER;
    heap_node_init(&shelf->due_node);
    list_init(&shelf->due_link);
    if (map_put(&lanes->shelves, shelf_key(lane, app, shelf->key), shelf, NULL)) {
        free(shelf);
        return NULL;
    }
    return shelf;
}

/* May this shelf hold more bytes? What its lane and it hold is to stay free of all; a small share
 * is each lane's own, whatever others hold. */
static bool has_bytes(const struct lanes *lanes, const struct shelf *shelf, size_t most)
{
    const struct lane *lane = &lanes->list[shelf->lane];
    size_t left = most > lanes->bytes ? most - lanes->bytes : 0;
    size_t own = lanes->window_bytes / (2 * LANE_COUNT);
    return lane->bytes + shelf->bytes < left || lane->bytes + shelf->bytes < own;
}

/* What this lane may still take of the common window: as much as it holds is to stay free, a part
 * is for critical work alone, and a small share is each lane's own, whatever others hold. */
static uint32_t lane_allowance(const struct lanes *lanes, const struct lane *lane, bool critical)
{
    uint32_t own = lanes->window_all / (4 * LANE_COUNT);
    uint32_t common = lanes->window_all - own * LANE_COUNT;
    uint32_t taken = lanes->in_hand + (critical ? 0 : lanes->window_all / 8) + lane->in_hand;
    uint32_t of_common = common > taken ? common - taken : 0;
    uint32_t of_own = own > lane->in_hand ? own - lane->in_hand : 0;
    return of_common > of_own ? of_common : of_own;
}

/* What this shelf may still take of its lane's window. */
static uint32_t allowance(const struct lanes *lanes, const struct shelf *shelf)
{
    const struct lane *lane = &lanes->list[shelf->lane];
    bool critical = lane_priority(shelf->lane) == PRIORITY_CRITICAL;
    size_t bytes = critical ? lanes->window_bytes : lanes->window_bytes - lanes->window_bytes / 8;
    if (!has_bytes(lanes, shelf, bytes))
        return 0;
    uint32_t taken = lane->in_hand + shelf->in_hand;
    uint32_t of_lane = lanes->window_lane > taken ? lanes->window_lane - taken : 0;
    uint32_t of_all = lane_allowance(lanes, lane, critical);
    return of_lane < of_all ? of_lane : of_all;
}

static struct shelf *existing(const struct lanes *lanes, unsigned lane, uint32_t app)
{
    char key[12];
    struct shelf *shelf = map_get(&lanes->shelves, shelf_key(lane, app, key));
    must(shelf);
    return shelf;
}

void lanes_hold(struct lanes *lanes, unsigned lane, uint32_t app, size_t bytes, bool new_bundle,
                bool new_here)
{
    lanes->bytes += new_bundle ? bytes : 0;
    if (!new_here)
        return;
    lanes->list[lane].bytes += bytes;
    existing(lanes, lane, app)->bytes += bytes;
}

void lanes_release(struct lanes *lanes, unsigned lane, uint32_t app, size_t bytes, bool last,
                   bool last_here)
{
    must(lanes->bytes >= bytes && lanes->list[lane].bytes >= bytes);
    lanes->bytes -= last ? bytes : 0;
    if (!last_here)
        return;
    lanes->list[lane].bytes -= bytes;
    existing(lanes, lane, app)->bytes -= bytes;
    if (!lanes->list[lane].bytes)
        lanes->list[lane].busy_since = (struct mono){0};
}

static void take(struct lanes *lanes, struct shelf *shelf, uint32_t count)
{
    shelf->in_hand += count;
    lanes->list[shelf->lane].in_hand += count;
    lanes->in_hand += count;
}

bool lanes_take(struct lanes *lanes, struct shelf *shelf, struct wall now)
{
    bool overtakes = shelf->claiming || (shelf->depth && wall_reached(now, shelf->next_due));
    if (overtakes || lanes->list[shelf->lane].paused || allowance(lanes, shelf) == 0)
        return false;
    take(lanes, shelf, 1);
    return true;
}

void lanes_give(struct lanes *lanes, struct shelf *shelf, uint32_t count)
{
    must(shelf->in_hand >= count && lanes->list[shelf->lane].in_hand >= count &&
         lanes->in_hand >= count);
    shelf->in_hand -= count;
    lanes->list[shelf->lane].in_hand -= count;
    lanes->in_hand -= count;
}

/* When it may next be claimed. */
static struct wall claimable_at(const struct shelf *shelf, struct wall now)
{
    bool resting = shelf->rest_until.ms > now.ms;
    return resting && shelf->next_due.ms < shelf->rest_until.ms ? shelf->rest_until
                                                                : shelf->next_due;
}

/* Puts a shelf where its next due time says: in the ring, in the heap, or in neither. */
static void place(struct lanes *lanes, struct shelf *shelf, struct wall now)
{
    struct lane *lane = &lanes->list[shelf->lane];
    if (shelf->claiming)
        return;
    if (shelf->depth == 0)
        shelf->next_due = WALL_NEVER;
    if (shelf->next_due.ms == WALL_NEVER.ms) {
        heap_remove(&lane->later, &shelf->due_node);
        list_remove(&shelf->due_link);
    } else if (wall_reached(now, claimable_at(shelf, now))) {
        heap_remove(&lane->later, &shelf->due_node);
        if (list_empty(&shelf->due_link))
            list_add_last(&lane->due, &shelf->due_link);
    } else {
        list_remove(&shelf->due_link);
        /* Without memory for the heap it is looked at in the next turn instead: no worse than
         * a claim that finds nothing. */
        if (heap_put(&lane->later, &shelf->due_node, claimable_at(shelf, now).ms) != OK)
            list_add_last(&lane->due, &shelf->due_link);
    }
}

void lanes_pending(struct lanes *lanes, struct shelf *shelf, int32_t delta, struct wall due,
                   struct wall now)
{
    must(delta >= 0 || shelf->depth >= (uint32_t)-delta);
    shelf->depth = (uint32_t)((int64_t)shelf->depth + delta);
    shelf->counted = lanes->pass;
    if (delta > 0)
        shelf->next_due = wall_min(shelf->next_due, due);
    place(lanes, shelf, now);
}

void lanes_rest(struct lanes *lanes, struct shelf *shelf, struct now now)
{
    must(shelf); /* it exists while anything of it is in hand */
    struct lane *lane = &lanes->list[shelf->lane];
    if (!lane->stuck_since.us)
        lane->stuck_since = now.mono;
    lane->stuck_at = now.mono;
    shelf->rest_until = wall_add(now.wall, span_ms(REST_MS));
    place(lanes, shelf, now.wall);
}

void lanes_pause(struct lanes *lanes, unsigned kinds)
{
    for (unsigned i = 0; i < LANE_COUNT; i++)
        lanes->list[i].paused = kinds & 1u << lane_kind(i);
}

void lanes_moved(struct lanes *lanes, unsigned lane, struct mono now)
{
    lanes->list[lane].moved_at = now;
    lanes->list[lane].stuck_since = (struct mono){0};
}

bool lanes_full(const struct lanes *lanes, const struct shelf *shelf)
{
    return allowance(lanes, shelf) == 0;
}

static void wake_due(struct lanes *lanes, struct lane *lane, struct wall now)
{
    for (struct heap_node *first; (first = heap_first(&lane->later)) && first->key <= now.ms;)
        place(lanes, list_of(first, struct shelf, due_node), now);
}

struct shelf *lanes_turn(struct lanes *lanes, unsigned lane_number, struct wall now,
                         uint32_t *ret_limit)
{
    struct lane *lane = &lanes->list[lane_number];
    if (lane->paused)
        return NULL;
    wake_due(lanes, lane, now);
    if (lane->claims >= CLAIMS_LANE_MAX)
        return NULL;
    list_each (link, &lane->due) {
        struct shelf *shelf = list_of(link, struct shelf, due_link);
        uint32_t limit = allowance(lanes, shelf);
        if (limit > CLAIM_MAX)
            limit = CLAIM_MAX;
        if (limit > shelf->depth)
            limit = shelf->depth;
        if (limit == 0 || (limit < CLAIM_LEAST && limit < shelf->depth && shelf->in_hand))
            continue;
        list_remove(link);
        shelf->claiming = true;
        shelf->next_due = WALL_NEVER;
        lane->claims++;
        take(lanes, shelf, limit);
        *ret_limit = limit;
        return shelf;
    }
    return NULL;
}

void lanes_claimed(struct lanes *lanes, struct shelf *shelf, uint32_t limit, uint32_t got,
                   struct wall next_due, struct wall now)
{
    must(shelf->claiming && got <= limit && shelf->depth >= got);
    shelf->claiming = false;
    lanes->list[shelf->lane].claims--;
    lanes_give(lanes, shelf, limit - got);
    shelf->depth -= got;
    /* What was added while the claim was under way may be due before what the claim saw. */
    shelf->next_due = wall_min(shelf->next_due, next_due);
    if (shelf->depth && shelf->next_due.ms == WALL_NEVER.ms) {
        if (got) /* should not be: asked again, but not at once */
            shelf->next_due = wall_add(now, span_s(1));
        else /* there is nothing: what was counted has been erased with its app */
            shelf->depth = 0;
    }
    shelf->counted = lanes->pass;
    place(lanes, shelf, now);
}

/* What a refused claim or one without memory has put off comes this much later. */
enum { PUT_OFF_MS = 2000 };

static bool is_placed(const struct shelf *shelf)
{
    return shelf->claiming || !shelf->depth || !list_empty(&shelf->due_link) ||
           shelf->due_node.place != HEAP_OUT;
}

bool lanes_correct(struct lanes *lanes, struct shelf *shelf, uint32_t depth, struct wall first_due,
                   struct wall now)
{
    int64_t latest = first_due.ms == WALL_NEVER.ms ? INT64_MAX
                     : first_due.ms > now.ms       ? first_due.ms + PUT_OFF_MS
                                                   : now.ms + PUT_OFF_MS;
    bool forgotten = depth && !shelf->claiming && shelf->next_due.ms > latest;
    bool wrong = shelf->depth != depth || forgotten || !is_placed(shelf);
    shelf->counted = lanes->pass;
    if (!wrong)
        return false;
    shelf->depth = depth;
    if (!shelf->claiming) /* else it will tell */
        shelf->next_due = wall_min(shelf->next_due, first_due);
    place(lanes, shelf, now);
    return true;
}

struct wall lanes_next_due(const struct lanes *lanes)
{
    struct wall next = WALL_NEVER;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        const struct heap_node *first = heap_first(&lanes->list[i].later);
        if (first && !lanes->list[i].paused)
            next = wall_min(next, (struct wall){first->key});
    }
    return next;
}

void lanes_settled(struct shelf *shelf, struct mono now)
{
    meter_count(&shelf->meter, now);
}

void meter_count(struct meter *meter, struct mono now)
{
    meter->rate = meter_read(meter, now) + 1e6 / METER_TAU_US;
    meter->at = now;
}

double meter_read(const struct meter *meter, struct mono now)
{
    /* exp(-x) by its rational approximation: a rate shown to people needs no more. */
    double x = (double)mono_since(meter->at, now).us / METER_TAU_US;
    return meter->rate / (1 + x + x * x / 2 + x * x * x / 6);
}
