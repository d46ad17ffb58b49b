/* api/providers.c - /v1/providers: how each provider is, as the couriers see it. */
#include "api/handlers.h"
#include "api/lane_view.h"
#include "api/page.h"
#include "api/views.h"

static struct str state_text(enum breaker_state state)
{
    static const struct str names[] = {
#define NAME(name, spelling) STR_INIT(spelling),
        BREAKER_STATES(NAME)
#undef NAME
    };
    must(state < BREAKER_STATE_COUNT);
    return names[state];
}

static void view_number(struct json_out *out, struct arena *arena, struct str name, double value)
{
    json_name(out, name);
    json_raw(out, arena_printf(arena, "%.3f", value));
}

static void view_known(struct json_out *out, struct arena *arena, struct str name, bool known,
                       double value)
{
    if (known) {
        view_number(out, arena, name, value);
    } else {
        json_name(out, name);
        json_null(out);
    }
}

static void view_kinds(struct json_out *out, struct str name, unsigned kinds)
{
    json_name(out, name);
    json_open(out, '[');
    for (unsigned kind = 0; kind < KIND_COUNT; kind++)
        if (kinds & 1u << kind)
            json_str(out, kind_name((enum kind)kind));
    json_close(out, ']');
}

static void view_latency(struct json_out *out, struct arena *arena,
                         const struct provider_report *provider)
{
    json_name(out, STR("latency"));
    json_open(out, '{');
    bool answered = provider->p99.us > 0;
    view_known(out, arena, STR("p50_ms"), answered, (double)provider->p50.us / 1000);
    view_known(out, arena, STR("p99_ms"), answered, (double)provider->p99.us / 1000);
    json_close(out, '}');
}

static void view_last_error(struct json_out *out, const struct provider_report *provider)
{
    json_name(out, STR("last_error"));
    if (!provider->last_error_at.ms) {
        json_null(out);
        return;
    }
    json_open(out, '{');
    view_wall(out, STR("at"), provider->last_error_at);
    view_str(out, STR("text"), str_of(provider->last_error));
    json_close(out, '}');
}

/* What operators have moved away from it, and to it. */
static void view_moves(struct json_out *out, const struct steering *steering, struct str provider)
{
    json_name(out, STR("moves"));
    json_open(out, '[');
    for (uint32_t i = 0; i < steering->count; i++) {
        const struct steer *steer = &steering->list[i];
        if (steer->type != STEER_MOVE ||
            (!str_eq(steer->from, provider) && !str_eq(steer->to, provider)))
            continue;
        json_open(out, '{');
        view_str(out, STR("kind"), kind_name(steer->kind));
        view_str(out, STR("from"), steer->from);
        view_str(out, STR("to"), steer->to);
        view_str(out, STR("reason"), steer->reason);
        view_wall(out, STR("since"), steer->since);
        view_wall(out, STR("expires_at"), steer->until);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void view_provider(struct json_out *out, const struct survey *survey,
                          const struct provider_report *provider)
{
    struct call *call = survey->call;
    struct wall none = {0};
    json_open(out, '{');
    view_str(out, STR("name"), provider->name);
    view_str(out, STR("driver"), provider->driver);
    view_kinds(out, STR("kinds"), provider->kinds);
    view_kinds(out, STR("routed"), provider->routed);
    view_str(out, STR("breaker"), state_text(provider->state));
    view_wall(out, STR("since"), provider->since);
    view_wall(out, STR("next_probe_at"), provider->next_probe);
    view_wall(out, STR("throttled_until"),
              provider->paused_until.ms > call->now.wall.ms ? provider->paused_until : none);
    view_number(out, call->arena, STR("share"), provider->share);
    view_i64(out, STR("waiting"), provider->waiting);
    view_i64(out, STR("in_flight"), provider->in_flight);
    view_i64(out, STR("in_flight_limit"), provider->in_flight_max);
    view_number(out, call->arena, STR("rate_1m"), provider->rate_1m);
    view_known(out, call->arena, STR("rate_limit"), provider->rate_max > 0, provider->rate_max);
    view_known(out, call->arena, STR("success_ratio"), provider->window_attempts > 0,
               provider->success_ratio);
    view_i64(out, STR("window_attempts"), provider->window_attempts);
    view_latency(out, call->arena, provider);
    view_last_error(out, provider);
    view_i64(out, STR("origins_blocked"), provider->origins_blocked);
    view_moves(out, survey->queues->queues.steering, provider->name);
    json_close(out, '}');
}

static void providers_came(struct survey *survey)
{
    struct call *call = survey->call;
    struct query *query = survey->owner;
    struct json_out out = call_out(call);
    uint32_t from = query->cursor_set ? query->cursor_ordinal + 1 : 0, shown = 0;
    page_open(&out);
    for (uint32_t i = from; i < survey->provider_count && !query->more; i++) {
        view_provider(&out, survey, survey->providers[i]);
        query->next_ordinal = i;
        query->more = ++shown == query->limit && i + 1 < survey->provider_count;
    }
    page_close(call, &out, query);
    call_json(call, 200);
}

void providers_list(struct call *call)
{
    /* Only for its page, in the order of the configuration. */
    struct query *query = call_query(call, QUERY_DEAD);
    if (query && page_read(call, query))
        survey_begin(call, 0, providers_came, query);
}

static void provider_came(struct survey *survey)
{
    struct call *call = survey->call;
    const struct provider_report *provider = survey_provider(survey, call->params[0]);
    if (!provider) {
        call_not_found(call);
        return;
    }
    struct json_out out = call_out(call);
    view_provider(&out, survey, provider);
    call_json(call, 200);
}

void providers_get(struct call *call)
{
    survey_begin(call, 0, provider_came, NULL);
}
