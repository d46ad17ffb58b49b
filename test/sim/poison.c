/* test/sim/poison.c - deliveries that crash whoever composes them, and what the process leaves.
 *
 * A poisoned one is noted as it is being composed; the process then dies before anything else
 * happens. It must end as `crashed` after its second time, and nothing else ever does.
 */
#include "sim.h"
#include <stdlib.h>

enum { POISONED_ONE_IN = 400 };

void poison_init(struct sim *sim)
{
    sim->notes = calloc(1, sizeof *sim->notes);
    sim->dying = calloc(1, sizeof *sim->dying);
    must(sim->notes && sim->dying);
}

/* How often an operator has wanted it tried again. */
static uint32_t redriven(const struct sim *sim, struct delivery_key key)
{
    const struct event *const *events;
    uint32_t count, times = 0;
    if (!memory_disk_delivery(sim->disk, key, &events, &count))
        return 0;
    for (uint32_t i = 1; i < count; i++)
        times += events[i - 1]->state == STATE_DEAD && events[i]->state == STATE_QUEUED;
    return times;
}

void poison_compose(struct sim *sim, struct str delivery_id)
{
    struct sent *sent = oracle_sent(sim, delivery_id);
    if (sim->dies || !sim->faults)
        return; /* this one was never come to, or a better program runs by now */
    if (sim->ready && chance(sim, POISONED_ONE_IN))
        sent->poison = true;
    if (!sent->poison)
        return;
    if (++sent->poisoned > STRIKES_MAX + redriven(sim, sent->key))
        sim_fail(sim, "poison is composed for the %uth time", sent->poisoned);
    *sim->dying = *sim->notes;
    sim->dies = true;
    sim->poisonings++;
}

bool poison_event(struct sim *sim)
{
    if (!sim->dies)
        return false;
    *sim->notes = *sim->dying;
    sim->dies = false;
    node_crash(sim);
    node_start(sim);
    return true;
}

void poison_open(struct sim *sim, struct arena *arena)
{
    must(notes_collect(sim->notes, arena, &sim->found) == OK);
    memory_disk_notes(sim->disk, &sim->found);
}

void poison_opened(struct sim *sim)
{
    memset(sim->notes, 0, sizeof *sim->notes);
    notes_begin(sim->notes, &sim->found);
}

void oracle_poison(struct sim *sim, struct delivery_key key)
{
    for (uint32_t i = 0; i < sim->sent_count; i++) {
        const struct sent *sent = &sim->sent[i];
        if (sent->key.notification != key.notification || sent->key.ordinal != key.ordinal)
            continue;
        if (!sent->poison || sent->poisoned < STRIKES_MAX)
            sim_fail(sim, "it is said to have crashed us, and has not");
        return;
    }
    sim_fail(sim, "it is said to have crashed us, and was never composed");
}
