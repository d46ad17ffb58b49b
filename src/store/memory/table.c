/* store/memory/table.c - rows in order. */
#include "store/memory/table.h"
#include "base/err.h"
#include <stdlib.h>
#include <string.h>

void table_done(struct table *table)
{
    free(table->rows);
    table->rows = NULL;
    table->count = table->cap = 0;
}

size_t table_floor(const struct table *table, const void *key)
{
    size_t low = 0, high = table->count;
    /* Most keys are new and last. */
    if (high && table->compare(table->rows[high - 1], key) < 0)
        return high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->compare(table->rows[middle], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void *table_find(const struct table *table, const void *key)
{
    size_t at = table_floor(table, key);
    bool found = at < table->count && table->compare(table->rows[at], key) == 0;
    return found ? table->rows[at] : NULL;
}

void table_add(struct table *table, void *row)
{
    size_t at = table_floor(table, row);
    must(at == table->count || table->compare(table->rows[at], row) != 0);
    if (table->count == table->cap) {
        table->cap = table->cap ? table->cap * 2 : 64;
        table->rows = realloc(table->rows, table->cap * sizeof *table->rows);
        must(table->rows);
    }
    memmove(table->rows + at + 1, table->rows + at, (table->count - at) * sizeof *table->rows);
    table->rows[at] = row;
    table->count++;
}

void *table_take_at(struct table *table, size_t index)
{
    must(index < table->count);
    void *row = table->rows[index];
    table->count--;
    memmove(table->rows + index, table->rows + index + 1,
            (table->count - index) * sizeof *table->rows);
    return row;
}

void *table_take(struct table *table, const void *key)
{
    size_t at = table_floor(table, key);
    bool found = at < table->count && table->compare(table->rows[at], key) == 0;
    return found ? table_take_at(table, at) : NULL;
}
