/* base/list.h - an intrusive doubly linked list; the element holds its links.
 *
 * A `struct list` is a ring with a head; an element outside any list points at itself.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define list_of(at, type, member) ((type *)(void *)((char *)(at)-offsetof(type, member)))
#define list_each(at, head)       for (struct list *at = (head)->next; at != (head); at = at->next)

static inline void list_init(struct list *list)
{
    list->next = list->prev = list;
}
static inline bool list_empty(const struct list *list)
{
    return list->next == list;
}
static inline void list_add_last(struct list *head, struct list *at)
{
    at->prev = head->prev;
    at->next = head;
    head->prev->next = at;
    head->prev = at;
}
static inline void list_add_first(struct list *head, struct list *at)
{
    list_add_last(head->next, at);
}
static inline void list_remove(struct list *at)
{
    at->prev->next = at->next;
    at->next->prev = at->prev;
    list_init(at);
}
/* The first element, taken out; NULL if there is none. */
static inline struct list *list_take_first(struct list *head)
{
    struct list *at = head->next;
    if (at == head)
        return NULL;
    list_remove(at);
    return at;
}
