/* cli/table.h - columns for people: as wide as their widest cell, in terminal columns.
 *
 * Cells are UTF-8 from anywhere; what would move the cursor, or turn the writing around, is shown
 * as '?'. A failed allocation makes the table print nothing (`failed`).
 */
#pragma once
#include "base/arena.h"
#include <stdio.h>

enum { TABLE_COLUMNS_MAX = 12 };

struct table_row {
    struct table_row *next;
    struct str cells[];
};

struct table {
    struct arena *arena;
    const char *const *heads; /* closed by NULL */
    int columns;
    int at; /* the next cell's column */
    struct table_row *first, *last;
    size_t rows;
    bool failed;
};

void table_init(struct table *table, struct arena *arena, const char *const *heads);
/* The next cell, row by row; copied. Absent and empty ones are shown as '-'. */
void table_cell(struct table *table, struct str cell);
void table_print(const struct table *table, FILE *out);

/* Terminal columns of a text once it is made safe to show. */
size_t text_width(struct str text);
/* The text with everything that could act on a terminal replaced. */
void text_print(struct str text, FILE *out);
