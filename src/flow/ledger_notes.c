/* flow/ledger_notes.c - a note for each ticket: what the next start is to know after a crash. */
#include "flow/ledger_state.h"
#include <stdlib.h>

bool ledger_notes_open(struct ledger *ledger)
{
    if (!ledger->config.notes)
        return true;
    ledger->free_notes = malloc(NOTED_MAX * sizeof *ledger->free_notes);
    return ledger->free_notes != NULL;
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
    if (!ledger->free_note_count && ledger->note_count == NOTED_MAX) {
        notes->overflow = true;
        return;
    }
    uint32_t place = ledger->free_note_count ? ledger->free_notes[--ledger->free_note_count]
                                             : ledger->note_count++;
    struct note *note = &notes->list[place];
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
