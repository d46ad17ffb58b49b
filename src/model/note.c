/* model/note.c - see note.h. */
#include "model/note.h"
#include <stdlib.h>

static int by_key(const void *a, const void *b)
{
    const struct crash_note *x = a, *y = b;
    if (x->key.notification != y->key.notification)
        return x->key.notification < y->key.notification ? -1 : 1;
    return x->key.ordinal < y->key.ordinal ? -1 : x->key.ordinal > y->key.ordinal;
}

static void add(struct crash_note *list, uint32_t *count, const struct note *note)
{
    bool at_work = note->at_courier || note->at_compose;
    list[(*count)++] = (struct crash_note){
        .key = {note->notification, note->ordinal},
        .begun = note->begun || at_work,
        .fresh = at_work,
        .strikes = note->strikes + at_work,
    };
}

/* A suspect that was in hand again stands there twice. */
static uint32_t merge(struct crash_note *list, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!kept || by_key(&list[kept - 1], &list[i]) != 0) {
            list[kept++] = list[i];
            continue;
        }
        struct crash_note *one = &list[kept - 1];
        one->begun |= list[i].begun;
        one->fresh |= list[i].fresh;
        one->strikes += list[i].strikes;
    }
    return kept;
}

enum err notes_collect(const struct notes *notes, struct arena *arena, struct crash_notes *ret)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < NOTED_MAX; i++)
        count += notes->list[i].notification != 0;
    struct crash_note *list = arena_array(arena, struct crash_note, count + SUSPECTS_MAX);
    if (!list)
        return ERR_MEMORY;
    count = 0;
    for (uint32_t i = 0; i < SUSPECTS_MAX; i++)
        if (notes->suspects[i].notification)
            add(list, &count, &notes->suspects[i]);
    for (uint32_t i = 0; i < NOTED_MAX; i++)
        if (notes->list[i].notification)
            add(list, &count, &notes->list[i]);
    qsort(list, count, sizeof *list, by_key);
    *ret =
        (struct crash_notes){.known = !notes->overflow, .list = list, .count = merge(list, count)};
    return OK;
}

void notes_begin(struct notes *notes, const struct crash_notes *found)
{
    uint32_t count = 0;
    /* The newest first, should there be too many: ids grow with time. */
    for (uint32_t i = found->count; i-- > 0 && count < SUSPECTS_MAX;)
        if (found->list[i].strikes)
            notes->suspects[count++] = (struct note){
                .notification = found->list[i].key.notification,
                .ordinal = found->list[i].key.ordinal,
                .strikes = (uint8_t)(found->list[i].strikes < 255 ? found->list[i].strikes : 255),
            };
}

const struct crash_note *crash_notes_find(const struct crash_notes *notes, struct delivery_key key)
{
    const struct crash_note wanted = {.key = key};
    return notes->count ? bsearch(&wanted, notes->list, notes->count, sizeof *notes->list, by_key)
                        : NULL;
}
