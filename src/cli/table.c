/* cli/table.c - see table.h. */
#include "cli/table.h"

/* Decodes the first character of `text`; its length in bytes, 1 with '?' for what is no UTF-8. */
static size_t decode(struct str text, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text.at[0];
    size_t len = first < 0x80             ? 1
                 : (first & 0xe0) == 0xc0 ? 2
                 : (first & 0xf0) == 0xe0 ? 3
                 : (first & 0xf8) == 0xf0 ? 4
                                          : 0;
    uint32_t code = len == 1 ? first : first & (0xffu >> (len + 1));
    *ret = 0xfffd;
    if (!len || len > text.len)
        return 1;
    for (size_t i = 1; i < len; i++) {
        if ((text.at[i] & 0xc0) != 0x80)
            return 1;
        code = code << 6 | ((unsigned char)text.at[i] & 0x3f);
    }
    if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 1;
    *ret = code;
    return len;
}

struct range {
    uint32_t from, to;
};

static bool in_ranges(uint32_t code, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (code >= ranges[i].from && code <= ranges[i].to)
            return true;
    return false;
}

/* Controls, and the directional marks, embeddings and isolates of UAX #9. */
static bool is_unsafe(uint32_t code)
{
    static const struct range unsafe[] = {{0, 0x1f},        {0x7f, 0x9f},     {0x61c, 0x61c},
                                          {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069},
                                          {0xfff9, 0xfffd}};
    return in_ranges(code, unsafe, sizeof unsafe / sizeof *unsafe);
}

/* Wide and fullwidth characters of UAX #11, by blocks; combining marks take no column. */
static size_t width_of(uint32_t code)
{
    static const struct range none[] = {{0x300, 0x36f},   {0x200b, 0x200d}, {0x20d0, 0x20f0},
                                        {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}};
    static const struct range wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},
                                        {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
                                        {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
                                        {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1faff},
                                        {0x20000, 0x3fffd}};
    if (in_ranges(code, none, sizeof none / sizeof *none))
        return 0;
    return in_ranges(code, wide, sizeof wide / sizeof *wide) ? 2 : 1;
}

size_t text_width(struct str text)
{
    size_t width = 0;
    while (text.len) {
        uint32_t code;
        size_t len = decode(text, &code);
        width += is_unsafe(code) ? 1 : width_of(code);
        text = str_slice(text, len, text.len);
    }
    return width;
}

void text_print(struct str text, FILE *out)
{
    while (text.len) {
        uint32_t code;
        size_t len = decode(text, &code);
        if (is_unsafe(code))
            fputc('?', out);
        else
            fwrite(text.at, 1, len, out);
        text = str_slice(text, len, text.len);
    }
}

void table_init(struct table *table, struct arena *arena, const char *const *heads)
{
    *table = (struct table){.arena = arena, .heads = heads};
    while (heads[table->columns])
        table->columns++;
    must(table->columns <= TABLE_COLUMNS_MAX);
}

static struct table_row *add_row(struct table *table)
{
    size_t cells = (size_t)table->columns * sizeof(struct str);
    struct table_row *row = arena_take(table->arena, sizeof *row + cells);
    if (!row)
        return NULL;
    if (table->last)
        table->last->next = row;
    else
        table->first = row;
    table->last = row;
    table->rows++;
    return row;
}

void table_cell(struct table *table, struct str cell)
{
    if (!table->failed && table->at == 0)
        table->failed = !add_row(table);
    if (table->failed)
        return;
    struct str copy = arena_copy(table->arena, cell.len ? cell : STR("-"));
    table->failed = !copy.at;
    table->last->cells[table->at] = copy;
    table->at = (table->at + 1) % table->columns;
}

/* No spaces behind the last column. */
static void line_print(const struct table *table, const struct str *cells, const size_t *widths,
                       FILE *out)
{
    for (int i = 0; i < table->columns; i++) {
        text_print(cells[i], out);
        if (i + 1 < table->columns)
            fprintf(out, "%*s", (int)(widths[i] - text_width(cells[i]) + 2), "");
    }
    fputc('\n', out);
}

void table_print(const struct table *table, FILE *out)
{
    struct str heads[TABLE_COLUMNS_MAX];
    size_t widths[TABLE_COLUMNS_MAX];
    if (table->failed)
        return;
    for (int i = 0; i < table->columns; i++) {
        heads[i] = str_of(table->heads[i]);
        widths[i] = heads[i].len;
        for (const struct table_row *row = table->first; row; row = row->next) {
            size_t width = text_width(row->cells[i]);
            if (width > widths[i])
                widths[i] = width;
        }
    }
    line_print(table, heads, widths, out);
    for (const struct table_row *row = table->first; row; row = row->next)
        line_print(table, row->cells, widths, out);
}
