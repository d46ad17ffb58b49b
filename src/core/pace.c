/* core/pace.c - see pace.h. */
#include "core/pace.h"

enum {
    SECOND_US = 1000000,
    BURST_MS = 100,    /* what a rate may send at once after a pause */
    GROWTH_PARTS = 50, /* the window grows by this part of its ceiling a round trip */
    RATE_PARTS = 20,   /* the rate by this part of what was sent, a second */
    BLOCK_LEAST_MS = 1000,
    BLOCK_MOST_MS = 86400 * 1000, /* a longer Retry-After is asked about again after a day */
};

static const double rate_least = 1;

void pace_init(struct pace *pace, uint32_t in_flight_max, uint32_t rate_max)
{
    *pace = (struct pace){.in_flight_max = in_flight_max,
                          .rate_max = rate_max,
                          .window = in_flight_max,
                          .rate = rate_max,
                          .cut_at = {INT64_MIN}};
}

static bool is_cut(double now, uint32_t most)
{
    return now > 0 && (most == 0 || now < most);
}

void pace_limit(struct pace *pace, uint32_t in_flight_max, uint32_t rate_max)
{
    if (!is_cut(pace->window, pace->in_flight_max) || pace->window > in_flight_max)
        pace->window = in_flight_max;
    if (!is_cut(pace->rate, pace->rate_max) || (rate_max && pace->rate > rate_max))
        pace->rate = rate_max;
    pace->in_flight_max = in_flight_max;
    pace->rate_max = rate_max;
}

uint32_t pace_in_flight(const struct pace *pace)
{
    return pace->window < 1 ? 1 : (uint32_t)pace->window;
}

struct mono pace_allows_at(const struct pace *pace)
{
    struct mono at = pace->blocked_until;
    if (pace->rate > 0) {
        struct mono paced = mono_add(pace->send_at, span_ms(-BURST_MS));
        at = at.us > paced.us ? at : paced;
    }
    return at;
}

static void count_sent(struct pace *pace, struct mono now)
{
    int64_t second = now.us / SECOND_US;
    if (second != pace->second) {
        pace->sent_before = second == pace->second + 1 ? pace->sent : 0;
        pace->sent = 0;
        pace->second = second;
    }
}

void pace_begin(struct pace *pace, struct mono now)
{
    count_sent(pace, now);
    pace->sent++;
    if (pace->rate <= 0)
        return;
    int64_t gap = (int64_t)(SECOND_US / pace->rate);
    if (pace->send_at.us < now.us)
        pace->send_at = now;
    pace->send_at.us += gap > 0 ? gap : 1;
}

static void grow_rate(struct pace *pace, struct mono now)
{
    int64_t us = mono_since(pace->grown_at, now).us;
    double slope =
        pace->rate_sent / RATE_PARTS > rate_least ? pace->rate_sent / RATE_PARTS : rate_least;
    if (us > SECOND_US) /* what was not sent has proved nothing */
        us = SECOND_US;
    pace->grown_at = now;
    pace->rate += slope * (double)us / SECOND_US;
    if (pace->rate_max && pace->rate > pace->rate_max)
        pace->rate = pace->rate_max;
    else if (!pace->rate_max && pace->rate > 2 * pace->rate_sent)
        pace->rate = 0;
}

void pace_worked(struct pace *pace, uint32_t in_flight, struct mono now)
{
    double most = pace->in_flight_max;
    if (pace->window < most && in_flight * 2 >= pace->window) {
        double growth = most / GROWTH_PARTS > 1 ? most / GROWTH_PARTS : 1;
        pace->window += growth / pace->window;
        if (pace->window > most)
            pace->window = most;
    }
    if (pace->rate > 0 && (!pace->rate_max || pace->rate < pace->rate_max))
        grow_rate(pace, now);
}

static double halved(double from, double least)
{
    return from / 2 > least ? from / 2 : least;
}

static void cut(struct pace *pace, uint32_t in_flight, struct mono now)
{
    count_sent(pace, now);
    double sent = pace->sent > pace->sent_before ? pace->sent : pace->sent_before;
    pace->window = halved(in_flight < pace->window ? in_flight : pace->window, 1);
    if (pace->rate > 0 && pace->rate < sent)
        sent = pace->rate;
    if (pace->rate_sent < sent || pace->rate <= 0)
        pace->rate_sent = sent > rate_least ? sent : rate_least;
    pace->rate = halved(sent, rate_least);
    if (pace->rate_max && pace->rate > pace->rate_max)
        pace->rate = pace->rate_max;
    pace->cut_at = pace->grown_at = now;
}

void pace_throttled(struct pace *pace, struct mono began, uint32_t in_flight,
                    struct span retry_after, struct mono now)
{
    if (began.us >= pace->cut_at.us)
        cut(pace, in_flight, now);
    if (retry_after.us <= 0)
        retry_after = span_ms(BLOCK_LEAST_MS);
    if (retry_after.us > span_ms(BLOCK_MOST_MS).us)
        retry_after = span_ms(BLOCK_MOST_MS);
    pace_block(pace, mono_add(now, retry_after));
}

void pace_block(struct pace *pace, struct mono until)
{
    if (until.us > pace->blocked_until.us)
        pace->blocked_until = until;
}
