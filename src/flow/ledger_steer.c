/* flow/ledger_steer.c - pauses and moves: checked, told to couriers, and ended when their time is
 * over. */
#include "flow/ledger_state.h"

bool ledger_steer_open(struct ledger *ledger, const struct store_state *state, struct now now)
{
    ledger->steering = steering_new(state->steers, state->steer_count, 1, now.wall);
    if (!ledger->steering)
        return false;
    lanes_pause(&ledger->lanes, ledger->steering->paused);
    ledger->steer_untold = ledger->steering->count > 0;
    return true;
}

/* Another move of a kind in `kinds` that this one would lead to, or that leads to this one: what it
 * would come to depends on which is asked first. */
static bool crosses(const struct steering *steering, const struct steer *steer, unsigned kinds)
{
    for (uint32_t i = 0; i < steering->count; i++) {
        const struct steer *other = &steering->list[i];
        if (other->type == STEER_MOVE && (kinds & 1u << other->kind) &&
            (str_eq(other->from, steer->to) || str_eq(other->to, steer->from)))
            return true;
    }
    return false;
}

bool ledger_steer_check(struct ledger *ledger, struct now now, struct job *job)
{
    const struct steering *steering = ledger->steering;
    struct change *change = &job->change;
    struct steer *steer = &change->steering.steer;
    if (change->type != CHANGE_STEER_PUT)
        return true;
    /* What stands already stands since then, whatever is said of it anew. */
    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        const struct steer *old =
            steering_find(steering, steer->type, (enum kind)kind, steer->from);
        if (old && (change->steering.kinds & 1u << kind) && steer_stands(old, now.wall))
            steer->since = wall_min(steer->since, old->since);
    }
    bool full = steering->count >= STEERS_MAX;
    bool crossed = steer->type == STEER_MOVE && crosses(steering, steer, change->steering.kinds);
    change->result = full ? CHANGE_FULL : CHANGE_EXISTS;
    if (full || crossed)
        ledger_answer(ledger, job);
    return !full && !crossed;
}

/* The lanes obey from now on; `job` is answered when every courier has heard. */
static void apply(struct ledger *ledger, struct steering *steering, struct job *job)
{
    must(steering); /* it is durable: going on as before would be a lie */
    if (steering != ledger->steering)
        steering_free(ledger->steering);
    ledger->steering = steering;
    ledger->steer_untold = false;
    lanes_pause(&ledger->lanes, steering->paused);
    struct round round = {.type = NOTICE_STEER, .steering = steering_copy(steering)};
    must(round.steering);
    ledger_tell(ledger, &round, job);
}

void ledger_steered(struct ledger *ledger, struct now now, struct job *job)
{
    const struct change *change = &job->change;
    const struct steer *steer = &change->steering.steer;
    unsigned kinds = change->steering.kinds;
    apply(ledger,
          change->type == CHANGE_STEER_PUT
              ? steering_with(ledger->steering, steer, kinds, now.wall)
              : steering_without(ledger->steering, steer, kinds, now.wall),
          job);
}

void ledger_steer_turn(struct ledger *ledger, struct now now)
{
    struct steering *steering = ledger->steering;
    if (wall_reached(now.wall, steering_next_end(steering)))
        steering = steering_new(steering->list, steering->count, steering->number + 1, now.wall);
    if (steering && (steering != ledger->steering || ledger->steer_untold))
        apply(ledger, steering, NULL);
}
