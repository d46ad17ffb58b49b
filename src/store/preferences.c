/* store/preferences.c - a user's preferences as one string. */
#include "store/preferences.h"

static void add_choices(struct buf *out, const enum choice choices[CHANNEL_COUNT])
{
    for (unsigned i = 0; i < CHANNEL_COUNT; i++)
        buf_add_char(out, (char)('0' + choices[i]));
}

void preferences_pack(const struct preferences *preferences, struct buf *out)
{
    add_choices(out, preferences->channels);
    for (uint32_t i = 0; i < preferences->category_count; i++) {
        buf_add_char(out, '\n');
        add_choices(out, preferences->categories[i].channels);
        buf_add_char(out, ' ');
        buf_add(out, preferences->categories[i].category);
    }
}

static bool read_choices(struct str line, enum choice ret[CHANNEL_COUNT])
{
    if (line.len < CHANNEL_COUNT)
        return false;
    for (unsigned i = 0; i < CHANNEL_COUNT; i++) {
        if (line.at[i] < '0' + CHOICE_ABSENT || line.at[i] > '0' + CHOICE_YES)
            return false;
        ret[i] = (enum choice)(line.at[i] - '0');
    }
    return true;
}

static uint32_t lines_of(struct str text)
{
    uint32_t lines = 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    return lines;
}

enum err preferences_unpack(struct str packed, struct arena *arena, struct preferences *ret)
{
    struct preferences preferences = {0};
    uint32_t count = lines_of(packed);
    struct str rest = packed, line = str_cut(&rest, '\n');
    if (!read_choices(line, preferences.channels) || line.len != CHANNEL_COUNT)
        return ERR_CORRUPT;
    struct category_choice *list = arena_array(arena, struct category_choice, count);
    if (!list && count)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        line = str_cut(&rest, '\n');
        if (!read_choices(line, list[i].channels) || line.len < CHANNEL_COUNT + 2)
            return ERR_CORRUPT;
        list[i].category = str_slice(line, CHANNEL_COUNT + 1, line.len);
    }
    preferences.categories = list;
    preferences.category_count = count;
    *ret = preferences;
    return OK;
}
