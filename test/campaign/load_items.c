/* test/campaign/load_items.c - what request number n says. */
#include "load.h"
#include <stdlib.h>
#include <string.h>

enum { REPEAT_WITHIN = 2000, SUPPRESSED_ADDRESSES = 50, SHORT_TTL_MS = 1500 };

/* splitmix64: one number of (seed, serial, question). */
static uint64_t draw(const struct plan *plan, uint64_t serial, uint64_t question)
{
    uint64_t x = plan->seed * 0x9e3779b97f4a7c15ull + serial * 0xbf58476d1ce4e5b9ull +
                 question * 0x94d049bb133111ebull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

uint64_t hash_of(const char *at, size_t len)
{
    uint64_t hash = 0xcbf29ce484222325ull; /* FNV-1a */
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)at[i]) * 0x100000001b3ull;
    return hash;
}

static enum flavor flavor_of(const struct plan *plan, uint64_t serial)
{
    unsigned d = (unsigned)(draw(plan, serial, 1) % 1000);
    if (d < plan->repeat)
        return FLAVOR_REPEAT;
    if (d < plan->repeat + plan->mismatch)
        return FLAVOR_MISMATCH;
    if (d < plan->repeat + plan->mismatch + plan->suppressed)
        return FLAVOR_SUPPRESSED;
    return FLAVOR_FRESH;
}

static enum kind kind_of(const struct plan *plan, uint64_t serial)
{
    unsigned sum = 0;
    for (int i = 0; i < KIND_COUNT; i++)
        sum += plan->kinds[i];
    unsigned d = (unsigned)(draw(plan, serial, 2) % (sum ? sum : 1));
    for (int i = 0; i < KIND_COUNT; i++) {
        if (d < plan->kinds[i])
            return (enum kind)i;
        d -= plan->kinds[i];
    }
    return KIND_IOS;
}

/* What a body says; of the serial that is told. */
static void tell(const struct plan *plan, struct item *item)
{
    static const char *const priorities[] = {"critical", "high", "normal", "low"};
    static const char *const guarantees[] = {"at_least_once", "at_most_once"};
    uint64_t n = item->told;
    unsigned span = plan->recipients_max - plan->recipients_min + 1;
    item->kind = kind_of(plan, n);
    item->priority =
        strcmp(plan->priority, "mixed") != 0 ? plan->priority : priorities[draw(plan, n, 3) % 4];
    item->guarantee =
        strcmp(plan->guarantee, "mixed") != 0 ? plan->guarantee : guarantees[draw(plan, n, 4) % 2];
    item->ttl_ms = draw(plan, n, 5) % 1000 < plan->short_ttl ? SHORT_TTL_MS : 0;
    item->recipients = plan->recipients_min + (unsigned)(draw(plan, n, 6) % span);
    if (item->flavor == FLAVOR_SUPPRESSED) {
        item->kind = KIND_SMS;
        item->recipients = 1;
    }
}

struct item item_of(const struct plan *plan, uint64_t serial)
{
    struct item item = {.serial = serial, .event = serial, .told = serial};
    item.flavor = flavor_of(plan, serial);
    if (item.flavor == FLAVOR_REPEAT || item.flavor == FLAVOR_MISMATCH) {
        uint64_t back = 1 + draw(plan, serial, 7) % REPEAT_WITHIN;
        if (back > serial || flavor_of(plan, serial - back) != FLAVOR_FRESH)
            item.flavor = FLAVOR_FRESH;
        else
            item.event = serial - back;
    }
    if (item.flavor == FLAVOR_REPEAT)
        item.told = item.event;
    item.app = plan->app_count
                   ? (unsigned)((draw(plan, item.event / 2, 8) + item.event % 2) % plan->app_count)
                   : 0;
    tell(plan, &item);
    return item;
}

void event_write(const struct plan *plan, const struct item *item, char out[EVENT_TEXT_MAX])
{
    bool shared = plan->app_count > 1 && !item->batched;
    (void)snprintf(out, EVENT_TEXT_MAX, "%s-%s%llu", plan->prefix, item->batched ? "b" : "",
                   (unsigned long long)(shared ? item->event / 2 : item->event));
}

/* Apps are named a0, a1, ... */
static unsigned number_of(const char *app)
{
    return (unsigned)strtoul(app + 1, NULL, 10);
}

/* The canary of one recipient; its address says the same. */
static void canary(const struct item *item, const char *app, unsigned recipient, char out[32])
{
    (void)snprintf(out, 32, "%02x%010llx%04x", number_of(app), (unsigned long long)item->told,
                   recipient);
}

static int recipient_write(const struct item *item, unsigned i, const char *app, char *at,
                           size_t size)
{
    char mark[32];
    canary(item, app, i, mark);
    if (item->flavor == FLAVOR_SUPPRESSED)
        return snprintf(at, size, "{\"phone\":\"+1999%02u000000%02u\",\"data\":{\"c\":\"%s\"}}",
                        number_of(app), (unsigned)(item->told % SUPPRESSED_ADDRESSES), mark);
    switch (item->kind) {
    case KIND_SMS:
        return snprintf(at, size, "{\"phone\":\"+1%02u%09llu%02u\",\"data\":{\"c\":\"%s\"}}",
                        number_of(app) + 20, (unsigned long long)item->told, i % 100, mark);
    case KIND_EMAIL:
        return snprintf(at, size, "{\"email\":\"%s@%s.example\",\"data\":{\"c\":\"%s\"}}", mark,
                        app, mark);
    default:
        return snprintf(at, size,
                        "{\"platform\":\"ios\",\"token\":\"%s\",\"bundle_id\":\"com.example.%s\","
                        "\"data\":{\"c\":\"%s\"}}",
                        mark, app, mark);
    }
}

static const char *content_of(enum kind kind)
{
    switch (kind) {
    case KIND_SMS:
        return "\"sms\":{\"text\":\"{{c}} app-%s\"}";
    case KIND_EMAIL:
        return "\"email\":{\"from\":\"s@shop.example\",\"subject\":\"{{c}}\",\"text\":\"app-%s\"}";
    default:
        return "\"push\":{\"title\":\"{{c}}\",\"body\":\"app-%s\"}";
    }
}

/* A template to a known user: what the benchmarks send. */
static size_t user_write(const struct plan *plan, uint64_t n, char *at, size_t size)
{
    return (size_t)snprintf(
        at, size,
        "{\"event_id\":\"%s-%llu\",\"to\":[{\"user_id\":\"u%llu\"}],\"category\":\"orders\","
        "\"template\":\"shipped\",\"data\":{\"order\":{\"id\":%llu,\"total\":\"12.50\"},"
        "\"name\":\"Kim\"}%s%s%s}",
        plan->prefix, (unsigned long long)n, (unsigned long long)(n % plan->users),
        (unsigned long long)n, plan->guarantee[0] ? ",\"guarantee\":\"" : "", plan->guarantee,
        plan->guarantee[0] ? "\"" : "");
}

size_t item_write(const struct plan *plan, const struct item *item, char *at, size_t size)
{
    if (plan->users)
        return user_write(plan, item->serial, at, size);
    const char *app = plan->apps[item->app];
    char event[EVENT_TEXT_MAX];
    event_write(plan, item, event);
    size_t len = (size_t)snprintf(at, size, "{\"event_id\":\"%s\",\"to\":[", event);
    for (unsigned i = 0; i < item->recipients; i++) {
        if (i)
            at[len++] = ',';
        len += (size_t)recipient_write(item, i, app, at + len, size - len);
    }
    len += (size_t)snprintf(at + len, size - len, "],\"content\":{");
    char content[128];
    const char *form = content_of(item->kind);
    const char *mark = strstr(form, "%s");
    (void)snprintf(content, sizeof content, "%.*s%s%s", (int)(mark - form), form, app, mark + 2);
    len += (size_t)snprintf(at + len, size - len, "%s}", content);
    if (item->priority[0])
        len += (size_t)snprintf(at + len, size - len, ",\"priority\":\"%s\"", item->priority);
    if (item->guarantee[0])
        len += (size_t)snprintf(at + len, size - len, ",\"guarantee\":\"%s\"", item->guarantee);
    if (item->ttl_ms)
        len += (size_t)snprintf(at + len, size - len, ",\"ttl\":\"%ums\"", item->ttl_ms);
    len += (size_t)snprintf(at + len, size - len, "}");
    return len;
}
