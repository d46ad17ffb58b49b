/* ops/metrics.c - see metrics.h. */
#include "ops/metrics.h"
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* Whole numbers as such: a double shows them exactly up to 2^53. */
static void add_value(struct buf *out, double value)
{
    if (value >= 0 && value < 9007199254740992.0 && value == (double)(uint64_t)value)
        buf_add_u64(out, (uint64_t)value);
    else
        buf_printf(out, "%.6f", value);
    buf_add_char(out, '\n');
}

static void add_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* -------------------------------------------------------------------------------- families ---- */

static void build_info(const struct metrics *m, const char *name, struct buf *out)
{
    buf_printf(out, "%s{version=\"%.*s\"} 1\n", name, STR_ARG(m->version));
}

static void deliveries_ended(const struct metrics *m, const char *name, struct buf *out)
{
    for (int state = 0; state < STATE_COUNT; state++) {
        if (!state_is_final((enum state)state))
            continue;
        buf_printf(out, "%s{state=\"%.*s\"} ", name, STR_ARG(state_name((enum state)state)));
        add_value(out, (double)m->ledger->ended[state]);
    }
}

static void lane_head(const struct lane_report *lane, const char *name, struct buf *out)
{
    buf_printf(out, "%s{kind=\"%.*s\",priority=\"%.*s\"} ", name,
               STR_ARG(kind_name(lane_kind(lane->lane))),
               STR_ARG(priority_name(lane_priority(lane->lane))));
}

static void queue_depth(const struct metrics *m, const char *name, struct buf *out)
{
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        lane_head(&m->lanes[i], name, out);
        add_value(out, m->lanes[i].depth);
    }
}

static void queue_in_flight(const struct metrics *m, const char *name, struct buf *out)
{
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        lane_head(&m->lanes[i], name, out);
        add_value(out, m->lanes[i].in_flight);
    }
}

static void queue_oldest(const struct metrics *m, const char *name, struct buf *out)
{
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        lane_head(&m->lanes[i], name, out);
        add_value(out, (double)m->lanes[i].oldest.us / 1e6);
    }
}

static void oldest_unclaimed(const struct metrics *m, const char *name, struct buf *out)
{
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        lane_head(&m->lanes[i], name, out);
        add_value(out, (double)m->lanes[i].unclaimed.us / 1e6);
    }
}

static void queue_rate(const struct metrics *m, const char *name, struct buf *out)
{
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        lane_head(&m->lanes[i], name, out);
        add_value(out, m->lanes[i].rate_1m);
    }
}

static void queue_blocked(const struct metrics *m, const char *name, struct buf *out)
{
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        lane_head(&m->lanes[i], name, out);
        add_value(out, m->blocked[i]);
    }
}

static void queue_paused(const struct metrics *m, const char *name, struct buf *out)
{
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        lane_head(&m->lanes[i], name, out);
        add_value(out, m->lanes[i].block.paused);
    }
}

/* ------------------------------------------------------------------------------- providers ---- */

/* At most PROVIDERS_MAX; their names need no escape. */
static void provider_head(const struct provider_report *p, const char *name, struct buf *out)
{
    buf_printf(out, "%s{provider=\"%.*s\"} ", name, STR_ARG(p->name));
}

#define PROVIDER_FIGURE(function, value)                                                           \
    static void function(const struct metrics *m, const char *name, struct buf *out)               \
    {                                                                                              \
        for (uint32_t i = 0; i < m->provider_count; i++) {                                         \
            const struct provider_report *p = m->providers[i];                                     \
            provider_head(p, name, out);                                                           \
            add_value(out, (double)(value));                                                       \
        }                                                                                          \
    }

PROVIDER_FIGURE(provider_closed, p->state == BREAKER_CLOSED)
PROVIDER_FIGURE(provider_share, p->share)
PROVIDER_FIGURE(provider_throttled, p->paused_until.ms > m->now.ms)
PROVIDER_FIGURE(provider_waiting, p->waiting)
PROVIDER_FIGURE(provider_in_flight, p->in_flight)
PROVIDER_FIGURE(provider_in_flight_limit, p->in_flight_max)
PROVIDER_FIGURE(provider_rate, p->rate_1m)
PROVIDER_FIGURE(provider_success, p->success_ratio)
PROVIDER_FIGURE(provider_origins, p->origins_blocked)

static void provider_latency(const struct metrics *m, const char *name, struct buf *out)
{
    for (uint32_t i = 0; i < m->provider_count; i++) {
        const struct provider_report *p = m->providers[i];
        buf_printf(out, "%s{provider=\"%.*s\",quantile=\"0.5\"} ", name, STR_ARG(p->name));
        add_value(out, (double)p->p50.us / 1e6);
        buf_printf(out, "%s{provider=\"%.*s\",quantile=\"0.99\"} ", name, STR_ARG(p->name));
        add_value(out, (double)p->p99.us / 1e6);
    }
}

static void reconciled(const struct metrics *m, const char *name, struct buf *out)
{
    buf_printf(out, "%s{what=\"ticket\"} ", name);
    add_value(out, (double)m->ledger->reconciled_tickets);
    buf_printf(out, "%s{what=\"lane\"} ", name);
    add_value(out, (double)m->ledger->reconciled_shelves);
}

static void http_responses(const struct metrics *m, const char *name, struct buf *out)
{
    for (int class = 2; class < 6; class ++) {
        buf_printf(out, "%s{class=\"%dxx\"} ", name, class);
        add_value(out, (double)m->api->answers[class]);
    }
}

/* -------------------------------------------------------------------------------- the page ---- */

void metrics_write(const struct metrics *m, struct buf *out)
{
#define SCALAR(name, type, value, help)                                                            \
    add_head(out, name, type, help);                                                               \
    buf_add(out, STR(name " "));                                                                   \
    add_value(out, (double)(value));
#define FAMILY(name, type, writer, help)                                                           \
    add_head(out, name, type, help);                                                               \
    writer(m, name, out);
#include "ops/metrics.def"
#undef SCALAR
#undef FAMILY
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

void metrics_process(uint64_t *ret_resident_bytes, double *ret_cpu_seconds)
{
    struct rusage usage;
    unsigned long long pages = 0, resident = 0;
    *ret_resident_bytes = 0;
    *ret_cpu_seconds = 0;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        *ret_cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return;
    if (fscanf(file, "%llu %llu", &pages, &resident) == 2)
        *ret_resident_bytes = resident * (uint64_t)sysconf(_SC_PAGESIZE);
    (void)fclose(file);
}
