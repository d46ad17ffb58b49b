/* model/wire.c - see wire.h. */
#include "model/wire.h"

enum { YEAR_S = 86400 * 365 };

struct str reply_header(const struct reply *reply, struct str name)
{
    for (uint32_t i = 0; i < reply->header_count; i++)
        if (str_eq_nocase(reply->headers[i].name, name))
            return reply->headers[i].value;
    return STR_NONE;
}

static bool all_digits(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
    return s.len > 0;
}

struct span reply_retry_after(const struct reply *reply)
{
    struct str value = str_trim(reply_header(reply, STR("retry-after")));
    uint64_t seconds;
    struct wall at;
    if (str_to_u64(value, &seconds))
        return span_s(seconds < YEAR_S ? (int64_t)seconds : YEAR_S);
    if (all_digits(value)) /* more than a number holds */
        return span_s(YEAR_S);
    if (wall_parse_http(value, &at) && at.ms > reply->at.ms)
        return span_ms(at.ms - reply->at.ms);
    return (struct span){0};
}
