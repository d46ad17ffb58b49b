/* store/memory/table.h - rows in order: a sorted vector of pointers. Owns the vector alone. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct table {
    void **rows;
    size_t count, cap;
    int (*compare)(const void *a, const void *b);
};

void table_done(struct table *table);
/* The first row that is not before `key` (a row with the key's members set); count if none. */
size_t table_floor(const struct table *table, const void *key);
void *table_find(const struct table *table, const void *key); /* NULL if there is none */
void table_add(struct table *table, void *row);               /* its key must be new */
void *table_take_at(struct table *table, size_t index);
void *table_take(struct table *table, const void *key); /* NULL if there was none */
