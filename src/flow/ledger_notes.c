/* flow/ledger_notes.c - a note for each ticket: what the next start is to know after a crash. */
#include "flow/ledger_state.h"
#include <stdlib.h>

bool ledger_notes_open(struct ledger *ledger)
{
    if (!ledger->config.notes)
        return true;
    ledger->free_notes = malloc(NOTED_MAX * sizeof *ledger->free_notes);
    if (!ledger->free_notes)
        return false;
    for (uint32_t i = 0; i < NOTED_MAX; i++) /* the last freed is the next taken: few pages */
        ledger->free_notes[i] = NOTED_MAX - 1 - i;
    ledger->free_note_count = NOTED_MAX;
    return true;
}

void ledger_notes_close(struct ledger *ledger)
{
    free(ledger->free_notes);
}

void ledger_note_take(struct ledger *ledger, struct ticket *ticket)
{
    struct notes *notes = ledger->config.notes;
    if (!notes)
        return;
    if (!ledger->free_note_count) {
        notes->overflow = true;
        return;
    }
    struct note *note = &notes->list[ledger->free_notes[--ledger->free_note_count]];
    note->ordinal = ticket->delivery->ordinal;
    note->notification = ticket->notification->id; /* from here on it counts */
    ticket->note = note;
}

void ledger_note_give(struct ledger *ledger, struct ticket *ticket)
{
    if (!ticket->note)
        return;
    uint32_t place = (uint32_t)(ticket->note - ledger->config.notes->list);
    *ticket->note = (struct note){0};
    ledger->free_notes[ledger->free_note_count++] = place;
    ticket->note = NULL;
}
