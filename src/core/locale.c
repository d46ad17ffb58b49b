/* core/locale.c - see locale.h. */
#include "core/locale.h"

bool locale_shorten(struct str *locale)
{
    size_t end = locale->len;
    do {
        while (end && locale->at[end - 1] != '-')
            end--;
        if (!end)
            return false;
        end--;
    } while (end >= 2 && locale->at[end - 2] == '-');
    locale->len = end;
    return end > 0;
}
