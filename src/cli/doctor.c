/* cli/doctor.c - `doctor`: what is wrong with a node, since when, and what to do about it.
 *
 * Exit code: 0 healthy; 1 something needs a hand; else the node cannot be asked.
 */
#include "cli/command.h"
#include <sysexits.h>

struct doctor {
    struct cli *cli;
    uint32_t findings;
};

/* What to do about a lane that is held, by the contract's words; %s is its kind. */
static const struct {
    struct str by;
    const char *remedy;
} remedies[] = {
    {STR_INIT("paused"), "bongsu queue resume %s"},
    {STR_INIT("epoch"), "once no other server sends from this store: bongsu store confirm-epoch"},
    {STR_INIT("store"), "make room on the store's disk, or mend it; the node goes on by itself"},
    {STR_INIT("draining"), "wait: the next start sends it"},
    {STR_INIT("no_route"), "add a rule for %s to the configuration and reload"},
    {STR_INIT("breaker_open"),
     "see \"bongsu provider\": its key, its account, its status page; meanwhile: bongsu queue "
     "move %s FROM TO"},
    {STR_INIT("throttled"), "wait, or set a lower `rate` for the provider; it goes on by itself"},
    {STR_INIT("slow"), "see \"bongsu provider\"; meanwhile: bongsu queue move %s FROM TO"},
    {STR_INIT("stalled"), "restart the node, and keep its log: this should not happen"},
};

static const char *remedy_of(struct str by)
{
    for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++)
        if (str_eq(remedies[i].by, by))
            return remedies[i].remedy;
    return NULL;
}

static void finding_print(struct doctor *doctor, const char *what, struct str detail,
                          struct str since)
{
    FILE *out = doctor->cli->out;
    doctor->findings++;
    fprintf(out, "%s: ", what);
    text_print(detail, out);
    if (since.at)
        fprintf(out, " (since %.*s)", STR_ARG(since));
    fputc('\n', out);
}

static void remedy_print(struct doctor *doctor, const char *remedy, struct str kind)
{
    FILE *out = doctor->cli->out;
    const char *gap = strstr(remedy, "%s");
    fputs("  to do: ", out);
    if (gap)
        fprintf(out, "%.*s%.*s%s\n", (int)(gap - remedy), remedy, STR_ARG(kind), gap + 2);
    else
        fprintf(out, "%s\n", remedy);
}

/* ------------------------------------------------------------------------------ readiness ---- */

static int see_readiness(struct doctor *doctor)
{
    struct cli *cli = doctor->cli;
    struct answer answer;
    struct why why;
    const struct json *body = NULL;
    if (client_call(cli->client, CLIENT_ANYONE, "GET", STR("/readyz"), STR_NONE, &cli->arena,
                    &answer, &why))
        return cli_fail(cli, EX_UNAVAILABLE, "%s", why.text);
    if (answer.status < 300)
        return 0;
    if (answer.body.len && cli_check_json(cli, answer.body, "/readyz", &body))
        return EX_PROTOCOL;
    finding_print(doctor, "not ready", json_text(body, "detail"), STR_NONE);
    return 0;
}

/* --------------------------------------------------------------------------------- lanes ---- */

static bool is_same(const struct json *a, const struct json *b)
{
    const struct json *of_a = json_get(a, STR("blocked")), *of_b = json_get(b, STR("blocked"));
    return str_eq(json_text(a, "kind"), json_text(b, "kind")) &&
           str_eq(json_text(of_a, "by"), json_text(of_b, "by")) &&
           str_eq(json_text(of_a, "detail"), json_text(of_b, "detail"));
}

/* The lanes of one kind that are held by the same thing are told together, with the first. */
static void lane_print(struct doctor *doctor, const struct cli_list *lanes, uint32_t at)
{
    const struct json *lane = lanes->items[at], *blocked = json_get(lane, STR("blocked"));
    struct arena *arena = &doctor->cli->arena;
    struct str by = json_text(blocked, "by"), kind = json_text(lane, "kind"), names = STR("");
    const char *remedy = remedy_of(by);
    int64_t waiting = 0, depth;
    if (!remedy)
        return; /* only due later */
    for (uint32_t i = 0; i < at; i++)
        if (is_same(lanes->items[i], lane))
            return;
    for (uint32_t i = at; i < lanes->count; i++) {
        if (!is_same(lanes->items[i], lane))
            continue;
        names = arena_printf(arena, "%.*s%s%.*s", STR_ARG(names), names.len ? ", " : "",
                             STR_ARG(json_text(lanes->items[i], "priority")));
        const struct json *value = json_get(lanes->items[i], STR("depth"));
        waiting += json_is(value, JSON_NUMBER) && json_to_i64(value, &depth) ? depth : 0;
    }
    struct str head = arena_printf(arena, "%.*s (%.*s), %lld waiting%c", STR_ARG(kind),
                                   STR_ARG(names), (long long)waiting, 0);
    finding_print(doctor, head.at ? head.at : "", json_text(blocked, "detail"),
                  json_text(blocked, "since"));
    struct str next = json_text(blocked, "next_due_at");
    if (next.at)
        fprintf(doctor->cli->out, "  next: %.*s\n", STR_ARG(next));
    remedy_print(doctor, remedy, kind);
}

static int see_lanes(struct doctor *doctor)
{
    struct cli_list lanes;
    int code = cli_list(doctor->cli, true, STR("/v1/queues?limit=200"), &lanes);
    for (uint32_t i = 0; !code && i < lanes.count; i++)
        if (json_is(json_get(lanes.items[i], STR("blocked")), JSON_OBJECT))
            lane_print(doctor, &lanes, i);
    return code;
}

/* ----------------------------------------------------------------------------- providers ---- */

static int see_providers(struct doctor *doctor)
{
    struct cli *cli = doctor->cli;
    struct cli_list providers;
    int code = cli_list(cli, true, STR("/v1/providers?limit=200"), &providers);
    for (uint32_t i = 0; !code && i < providers.count; i++) {
        const struct json *provider = providers.items[i];
        struct str state = json_text(provider, "breaker");
        if (str_eq(state, STR("closed")))
            continue;
        struct str error = json_text(json_get(provider, STR("last_error")), "text");
        struct str head =
            arena_printf(&cli->arena, "provider %.*s%c", STR_ARG(json_text(provider, "name")), 0);
        struct str text =
            arena_printf(&cli->arena, "breaker %.*s, next probe %.*s%s%.*s", STR_ARG(state),
                         STR_ARG(json_text(provider, "next_probe_at")),
                         error.len ? "; last error: " : "", STR_ARG(error));
        finding_print(doctor, head.at ? head.at : "", text, json_text(provider, "since"));
    }
    return code;
}

/* ------------------------------------------------------------------------- dead letters ---- */

/* No finding: somebody may be looking at them already. */
static int see_dead(struct doctor *doctor)
{
    const struct json *page;
    int code = cli_call_root(doctor->cli, "GET", STR("/v1/dead-letters?limit=1"), STR_NONE, &page);
    const struct json *data = json_get(page, STR("data"));
    if (!code && json_is(data, JSON_ARRAY) && data->count)
        fprintf(doctor->cli->out,
                "dead letters: there are some, the newest of %.*s: bongsu dlq "
                "list\n",
                STR_ARG(json_text(&data->items[0], "updated_at")));
    return code;
}

int command_doctor(struct cli *cli)
{
    static int (*const looks[])(struct doctor *) = {see_readiness, see_lanes, see_providers,
                                                    see_dead};
    struct doctor doctor = {.cli = cli};
    if (args_has(cli->args, OPTION_JSON))
        return cli_fail(cli, EX_USAGE, "for programs: GET /readyz, /v1/queues, /v1/providers");
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        int code = looks[i](&doctor);
        if (code)
            return code;
    }
    if (!doctor.findings)
        fputs("healthy: everything that is due moves\n", cli->out);
    return doctor.findings ? 1 : 0;
}
