/* test/campaign/load.c - see load.h.
 *
 *     load --port N (--app NAME=BASIC ... | --auth BASIC --users N) [--rate N] [--seconds N]
 *          [--connections N] [--log FILE] [--seed N] [--prefix TEXT] [--kinds ios:8,sms:1,email:1]
 *          [--priority P|mixed] [--guarantee G|mixed] [--recipients MIN-MAX] [--short-ttl PERMILLE]
 *          [--repeat PERMILLE] [--mismatch PERMILLE] [--suppressed PERMILLE] [--batch N]
 *          [--batched PERMILLE] [--resend-ms N] [--resend-max N] [--first SERIAL] [--linger S]
 *
 * Without --rate every connection sends its next request when the last is answered. With it
 * requests are due at fixed times, and latency counts from when a request was due: an overloaded
 * server cannot slow its own measurement down. SIGTERM ends the schedule; what is unanswered is
 * still waited for. One JSON object on stdout at the end. The log's lines, separated by tabs:
 *
 *     S time call try item app event_id told flavor kind priority guarantee ttl_ms recipients hash
 *       due                         sent; `told`: the serial that the canaries carry
 *     A time call try item status id replayed
 *     L time call try bytes         no answer; 0 bytes: nothing was sent
 */
#include "load.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BURST_MAX = 16 };

static volatile sig_atomic_t stopped;

int64_t now_us(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static unsigned bucket_of(int64_t us)
{
    uint64_t v = us < 1 ? 1 : (uint64_t)us;
    unsigned octave = 63u - (unsigned)__builtin_clzll(v);
    unsigned step =
        octave >= 6 ? (unsigned)((v >> (octave - 6)) & 63) : (unsigned)((v << (6 - octave)) & 63);
    return octave * 64 + step;
}

static double percentile_ms(const uint64_t *histogram, uint64_t count, double p)
{
    uint64_t want = (uint64_t)((double)count * p), seen = 0;
    for (unsigned i = 0; i < 4096; i++) {
        seen += histogram[i];
        if (seen > want)
            return (double)(1ull << (i / 64)) * (1 + (double)(i % 64 + 1) / 64) / 1000;
    }
    return 0;
}

static void release(struct load *load, struct call *call)
{
    call->next = load->spare;
    load->spare = call;
}

/* Once more after a pause, or never. */
static void again(struct load *load, struct call *call)
{
    if (!load->resend_ms || call->tries >= load->resend_max)
        return release(load, call);
    call->tries++;
    call->again_us = now_us() + (int64_t)load->resend_ms * 1000;
    call->next = NULL;
    if (load->waiting_last)
        load->waiting_last->next = call;
    else
        load->waiting = call;
    load->waiting_last = call;
}

void call_lost(struct load *load, struct call *call, size_t sent)
{
    load->figures.lost++;
    if (load->log)
        (void)fprintf(load->log, "L\t%lld\t%llu\t%u\t%zu\n", (long long)now_us(),
                      (unsigned long long)call->number, call->tries, sent);
    again(load, call);
}

static void note(struct load *load, const struct call *call, unsigned item, int status,
                 const char *from, const char *until, bool replayed)
{
    const char *id = memmem(from, (size_t)(until - from), "\"id\":\"ntf_", 10);
    if (load->log)
        (void)fprintf(load->log, "A\t%lld\t%llu\t%u\t%u\t%d\t%.*s\t%d\n", (long long)now_us(),
                      (unsigned long long)call->number, call->tries, item, status,
                      id ? (int)strcspn(id + 6, "\"") : 1, id ? id + 6 : "-", replayed);
    if (status == 202 || status == 200)
        load->figures.accepted++;
    else if (status == 429 || status == 503)
        load->figures.refused++;
    else if (status != 422)
        load->figures.other++;
}

static void note_batch(struct load *load, const struct call *call, const char *body)
{
    unsigned item = 0;
    for (const char *at = strstr(body, "{\"status\":"); at; item++) {
        const char *next = strstr(at + 10, "{\"status\":");
        int status = (int)strtol(at + 10, NULL, 10);
        note(load, call, item, status, at, next ? next : at + strlen(at), status == 200);
        at = next;
    }
}

void call_answered(struct load *load, struct call *call, const char *answer, const char *body,
                   int64_t sent_us)
{
    struct figures *figures = &load->figures;
    int status = (int)strtol(answer + 9, NULL, 10);
    int64_t now = now_us();
    figures->answered++;
    figures->histogram[bucket_of(now - call->due_us)]++;
    if (call->batch && status == 200)
        note_batch(load, call, body);
    else
        for (unsigned i = 0; i < call->count; i++)
            note(load, call, i, status, body, body + strlen(body),
                 strcasestr(answer, "\r\nidempotent-replayed: true") != NULL);
    if (status == 429 || status == 503) {
        figures->refused_answers++;
        figures->refusals[bucket_of(now - sent_us)]++;
        return again(load, call);
    }
    if (status != 200 && status != 202 && status != 422 && figures->other == call->count)
        (void)fprintf(stderr, "load: %.300s\n", answer);
    release(load, call);
}

static struct call *call_new(struct load *load)
{
    struct call *call = load->spare;
    if (call)
        load->spare = call->next;
    else if (!(call = malloc(sizeof *call)))
        abort();
    const struct plan *plan = &load->plan;
    bool batch = plan->batch > 1 && (load->calls * 7919 + plan->seed) % 1000 < plan->batched;
    *call = (struct call){.number = load->calls++,
                          .first = load->serial,
                          .count = batch ? plan->batch : 1,
                          .batch = batch};
    load->serial += call->count;
    return call;
}

/* Those whose pause is over, first. */
static void send_waiting(struct load *load, int64_t now)
{
    while (load->waiting && load->idle_count && load->waiting->again_us <= now) {
        struct call *call = load->waiting;
        load->waiting = call->next;
        if (!load->waiting)
            load->waiting_last = NULL;
        links_send(load, call);
    }
}

static void run(struct load *load)
{
    int64_t start = now_us(), end = start + (int64_t)(load->seconds * 1e6);
    double gap = load->rate > 0 ? 1e6 / load->rate : 0;
    uint64_t issued = 0;
    for (;;) {
        int64_t now = now_us();
        if (stopped && end > now)
            end = now;
        send_waiting(load, now);
        bool behind = true; /* more is due than one turn sends: answers are not to wait for it */
        for (unsigned room = BURST_MAX; room && now < end; room--) {
            int64_t due = gap > 0 ? start + (int64_t)((double)issued * gap) : now;
            behind = due <= now && load->idle_count;
            if (!behind)
                break;
            struct call *call = call_new(load);
            call->due_us = due;
            issued++;
            load->figures.late += now - due > 10000;
            links_send(load, call);
        }
        if (load->log)
            (void)fflush(load->log);
        if (now >= end && ((!load->busy && !load->waiting) || stopped > 1 ||
                           now > end + (int64_t)(load->linger_s * 1e6)))
            break; /* who has not answered by now does not count */
        links_turn(load, behind && now < end ? 0 : 1);
    }
    struct figures *f = &load->figures;
    double seconds = (double)(now_us() - start) / 1e6;
    (void)printf("{\"seconds\":%.3f,\"accepted\":%llu,\"refused\":%llu,\"other\":%llu,"
                 "\"lost\":%llu,\"late\":%llu,\"unanswered\":%u,\"serial\":%llu,"
                 "\"per_second\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,"
                 "\"refusal_p50_ms\":%.3f,\"refusal_p99_ms\":%.3f}\n",
                 seconds, (unsigned long long)f->accepted, (unsigned long long)f->refused,
                 (unsigned long long)f->other, (unsigned long long)f->lost,
                 (unsigned long long)f->late, load->busy, (unsigned long long)load->serial,
                 (double)f->accepted / seconds, percentile_ms(f->histogram, f->answered, 0.5),
                 percentile_ms(f->histogram, f->answered, 0.99),
                 percentile_ms(f->histogram, f->answered, 0.999),
                 percentile_ms(f->refusals, f->refused_answers, 0.5),
                 percentile_ms(f->refusals, f->refused_answers, 0.99));
}

static bool read_app(struct plan *plan, char *value)
{
    char *auth = strchr(value, '=');
    if (!auth || plan->app_count >= APPS_MAX)
        return false;
    *auth = '\0';
    plan->apps[plan->app_count] = value;
    plan->auths[plan->app_count++] = auth + 1;
    return true;
}

static bool read_kinds(struct plan *plan, const char *value)
{
    static const char *const names[] = {"ios:", "sms:", "email:"};
    for (int i = 0; i < KIND_COUNT; i++) {
        const char *at = strstr(value, names[i]);
        plan->kinds[i] = at ? (unsigned)strtoul(at + strlen(names[i]), NULL, 10) : 0;
    }
    return true;
}

static bool read_recipients(struct plan *plan, const char *value)
{
    char *end;
    plan->recipients_min = (unsigned)strtoul(value, &end, 10);
    plan->recipients_max =
        *end == '-' ? (unsigned)strtoul(end + 1, NULL, 10) : plan->recipients_min;
    return plan->recipients_min >= 1 && plan->recipients_max >= plan->recipients_min;
}

static bool read_option(struct load *load, const char *name, char *value)
{
    struct plan *plan = &load->plan;
    const struct {
        const char *name;
        unsigned *number;
        const char **text;
        double *real;
    } rows[] = {
        {"--port", &load->port, NULL, NULL},
        {"--connections", &load->connections, NULL, NULL},
        {"--seconds", NULL, NULL, &load->seconds},
        {"--rate", NULL, NULL, &load->rate},
        {"--linger", NULL, NULL, &load->linger_s},
        {"--path", NULL, &load->path, NULL},
        {"--auth", NULL, &plan->auths[0], NULL},
        {"--users", &plan->users, NULL, NULL},
        {"--prefix", NULL, &plan->prefix, NULL},
        {"--priority", NULL, &plan->priority, NULL},
        {"--guarantee", NULL, &plan->guarantee, NULL},
        {"--short-ttl", &plan->short_ttl, NULL, NULL},
        {"--repeat", &plan->repeat, NULL, NULL},
        {"--mismatch", &plan->mismatch, NULL, NULL},
        {"--suppressed", &plan->suppressed, NULL, NULL},
        {"--batch", &plan->batch, NULL, NULL},
        {"--batched", &plan->batched, NULL, NULL},
        {"--resend-ms", &load->resend_ms, NULL, NULL},
        {"--resend-max", &load->resend_max, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(name, rows[i].name) != 0)
            continue;
        if (rows[i].number)
            *rows[i].number = (unsigned)strtoul(value, NULL, 10);
        else if (rows[i].text)
            *rows[i].text = value;
        else
            *rows[i].real = strtod(value, NULL);
        return true;
    }
    if (!strcmp(name, "--app"))
        return read_app(plan, value);
    if (!strcmp(name, "--kinds"))
        return read_kinds(plan, value);
    if (!strcmp(name, "--recipients"))
        return read_recipients(plan, value);
    if (!strcmp(name, "--seed"))
        plan->seed = strtoull(value, NULL, 10);
    else if (!strcmp(name, "--first"))
        load->serial = strtoull(value, NULL, 10);
    else if (!strcmp(name, "--log"))
        return (load->log = fopen(value, "ae")) != NULL;
    else
        return false;
    return true;
}

static void on_term(int number)
{
    (void)number;
    stopped = stopped + 1;
}

int main(int argc, char **argv)
{
    static struct load load = {.connections = 64,
                               .seconds = 10,
                               .linger_s = 10,
                               .resend_max = 1000000,
                               .path = "/v1/notifications",
                               .plan = {.prefix = "e",
                                        .priority = "",
                                        .guarantee = "",
                                        .kinds = {1, 0, 0},
                                        .recipients_min = 1,
                                        .recipients_max = 1,
                                        .batched = 1000}};
    for (int i = 1; i + 1 < argc; i += 2)
        if (!read_option(&load, argv[i], argv[i + 1]))
            return (void)fprintf(stderr, "load: cannot use %s %s\n", argv[i], argv[i + 1]), 64;
    if (load.plan.users)
        load.plan.apps[0] = "bench";
    if (!load.port || !load.plan.auths[0] || load.connections > CONNECTIONS_MAX ||
        load.plan.batch > BATCH_ITEMS_MAX)
        return (void)fprintf(stderr, "load: --port and --app or --auth are needed\n"), 64;
    (void)signal(SIGPIPE, SIG_IGN);
    struct sigaction term = {.sa_handler = on_term};
    (void)sigaction(SIGTERM, &term, NULL);
    if (!links_open(&load))
        return (void)fprintf(stderr, "load: %s\n", strerror(errno)), 71;
    run(&load);
    return load.figures.other ? 1 : 0;
}
