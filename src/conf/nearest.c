/* conf/nearest.c - see nearest.h. */
#include "conf/nearest.h"
#include <stdio.h>

enum { WORD_MAX = 48, DISTANCE_MAX = 2 };

/* Levenshtein: insertions, deletions and replacements that turn one word into the other. */
static unsigned edits(struct str a, struct str b)
{
    unsigned row[WORD_MAX + 1];
    if (a.len > WORD_MAX || b.len > WORD_MAX)
        return WORD_MAX;
    for (unsigned j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned corner = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            unsigned replaced = corner + (a.at[i - 1] != b.at[j - 1]);
            unsigned other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            corner = row[j];
            row[j] = replaced < other ? replaced : other;
        }
    }
    return row[b.len];
}

void nearest_init(struct nearest *nearest, struct str word)
{
    *nearest = (struct nearest){.word = word, .distance = WORD_MAX};
}

void nearest_offer(struct nearest *nearest, struct str name)
{
    unsigned distance = edits(nearest->word, name);
    if (distance < nearest->distance) {
        nearest->distance = distance;
        nearest->best = name;
    }
    size_t used = strlen(nearest->text);
    if (used + name.len + 2 < sizeof nearest->text)
        snprintf(nearest->text + used, sizeof nearest->text - used, "%s%.*s",
                 used ? ", " : "known are: ", STR_ARG(name));
}

const char *nearest_remedy(struct nearest *nearest)
{
    if (nearest->distance <= DISTANCE_MAX && nearest->distance < nearest->word.len)
        snprintf(nearest->text, sizeof nearest->text, "did you mean \"%.*s\"?",
                 STR_ARG(nearest->best));
    return nearest->text;
}
