/* model/wire.c - see wire.h. */
#include "model/wire.h"

enum { YEAR_S = 86400 * 365 };
static const int64_t MS = 1000;

struct str reply_header(const struct reply *reply, struct str name)
{
    for (uint32_t i = 0; i < reply->header_count; i++)
        if (str_eq_nocase(reply->headers[i].name, name))
            return reply->headers[i].value;
    return STR_NONE;
}

struct span reply_retry_after(const struct reply *reply)
{
    struct str value = str_trim(reply_header(reply, STR("retry-after")));
    uint64_t seconds;
    struct wall at;
    if (str_to_u64(value, &seconds))
        return span_s(seconds <= YEAR_S ? (int64_t)seconds : 0);
    if (wall_parse_http(value, &at) && at.ms > reply->at.ms && at.ms - reply->at.ms <= YEAR_S * MS)
        return span_ms(at.ms - reply->at.ms);
    return (struct span){0};
}
