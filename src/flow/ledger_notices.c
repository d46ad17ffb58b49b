/* flow/ledger_notices.c - telling intakes and couriers what has changed, and waiting for them. */
#include "flow/ledger_state.h"
#include <stdlib.h>

static void keep_text(struct str *s, char *into, size_t size)
{
    if (!s->at)
        return;
    /* Names are checked at intake; one that does not fit is a bug there. */
    must(str_copy(*s, into, size));
    s->at = into;
}

static void post(struct round *round, const struct inbox *to, uint32_t listener, int type)
{
    struct notice *notice = &round->notices[round->waiting++];
    *notice = (struct notice){.message = {.type = type},
                              .round = round,
                              .courier = type == COURIER_NOTICE,
                              .listener = listener};
    inbox_post(to, &notice->message);
}

static bool is_settings(const struct round *round)
{
    return round->type == NOTICE_USERS || round->type == NOTICE_SUPPRESSION ||
           round->type == NOTICE_APP;
}

static void count_change(struct ledger *ledger, struct round *round)
{
    round->number = ledger->change_count++;
    ledger->changes[round->number % CHANGES_RECENT] = (struct settled_change){
        .users = {round->users[0], round->users[1]},
        .everybody = round->type != NOTICE_USERS,
    };
}

void ledger_tell(struct ledger *ledger, const struct round *what, struct job *job)
{
    struct round *round = malloc(sizeof *round);
    if (!round) {
        /* The change is durable, but nobody can be told: an answer now would be a lie. Stopping
         * here is what recovery is for. */
        never("memory for a notice");
        return;
    }
    *round = *what;
    round->job = job;
    round->waiting = 0;
    round->since = ledger->calendar.look.mono;
    keep_text(&round->user_ids[0], round->text[0], sizeof round->text[0]);
    keep_text(&round->user_ids[1], round->text[1], sizeof round->text[1]);
    keep_text(&round->name, round->text[2], sizeof round->text[2]);
    keep_text(&round->address, round->text[3], sizeof round->text[3]);
    list_add_last(&ledger->rounds, &round->link);
    if (is_settings(round))
        count_change(ledger, round);

    bool intakes =
        what->type != NOTICE_CANCEL && what->type != NOTICE_DRAIN && what->type != NOTICE_STEER;
    bool couriers = is_settings(round) || !intakes;
    must(ledger->config.intake_count + ledger->config.courier_count <= NOTICE_LISTENERS_MAX);
    /* Counted up before the first can come back: acknowledgements arrive through our inbox. */
    for (uint32_t i = 0; intakes && i < ledger->config.intake_count; i++)
        post(round, &ledger->config.intakes[i], i, INTAKE_NOTICE);
    for (uint32_t i = 0; couriers && i < ledger->config.courier_count; i++)
        post(round, &ledger->config.couriers[i], i, COURIER_NOTICE);
}

void ledger_tell_couriers(struct ledger *ledger, struct round *round)
{
    round->since = ledger->calendar.look.mono;
    list_add_last(&ledger->rounds, &round->link);
    for (uint32_t i = 0; i < ledger->config.courier_count; i++)
        post(round, &ledger->config.couriers[i], i, COURIER_NOTICE);
}

void ledger_heard(struct ledger *ledger, struct now now, struct notice *notice)
{
    struct round *round = notice->round;
    must(round->waiting > 0 && !notice->heard);
    notice->heard = true;
    if (--round->waiting)
        return;
    if (round->type == NOTICE_ROLL) {
        list_remove(&round->link);
        ledger_roll_answered(ledger, now);
        return;
    }
    if (round->type == NOTICE_CANCEL)
        ledger_cancel_again(ledger, now, round->job);
    else if (round->job)
        ledger_answer(ledger, round->job);
    list_remove(&round->link);
    steering_free(round->steering);
    free(round);
}

uint64_t ledger_first_unheard(const struct ledger *ledger)
{
    list_each (link, &ledger->rounds) {
        const struct round *round = list_of(link, struct round, link);
        if (is_settings(round))
            return round->number;
    }
    return ledger->change_count;
}

bool ledger_user_changed(const struct ledger *ledger, uint64_t since, int64_t user)
{
    if (ledger->change_count - since > CHANGES_RECENT)
        return true;
    for (uint64_t i = since; i < ledger->change_count; i++) {
        const struct settled_change *change = &ledger->changes[i % CHANGES_RECENT];
        if (change->everybody || (user && (change->users[0] == user || change->users[1] == user)))
            return true;
    }
    return false;
}
