/* conf/changes.c - see changes.h. */
#include "conf/changes.h"

/* -- providers --------------------------------------------------------------------------------- */

/* The settings that are limits of ours, not part of who the provider is. */
static bool is_limit(struct str name)
{
    return str_eq(name, STR("rate")) || str_eq(name, STR("in_flight")) ||
           str_eq(name, STR("timeout"));
}

static struct str value_of(const struct provider_config *config, struct str name)
{
    for (uint32_t i = 0; i < config->setting_count; i++)
        if (str_eq(config->settings[i].name, name))
            return config->settings[i].value;
    return STR_NONE;
}

/* Has `next` every setting of `old`, with the same value? */
static bool has_settings_of(const struct provider_config *next, const struct provider_config *old)
{
    for (uint32_t i = 0; i < old->setting_count; i++) {
        const struct setting *setting = &old->settings[i];
        struct str value = value_of(next, setting->name);
        if (!is_limit(setting->name) && (!value.at || !str_eq_secret(value, setting->value)))
            return false;
    }
    return true;
}

enum provider_change config_provider_compare(const struct config_provider *old,
                                             const struct config_provider *next)
{
    if (old->ops != next->ops || !str_eq(old->open.name, next->open.name) ||
        !str_eq(old->open.public_url, next->open.public_url) ||
        !has_settings_of(&next->open, &old->open) || !has_settings_of(&old->open, &next->open))
        return PROVIDER_REPLACED;
    bool same_limits = old->rate == next->rate && old->in_flight == next->in_flight &&
                       old->timeout.us == next->timeout.us;
    return same_limits ? PROVIDER_KEPT : PROVIDER_ADJUSTED;
}

uint32_t config_provider_find(const struct config *config, struct str name)
{
    for (uint32_t i = 0; i < config->provider_count; i++)
        if (str_eq(config->providers[i].open.name, name))
            return i;
    return UINT32_MAX;
}

/* Their order is of no account, but to how routes number them: see same_choices. */
static bool same_providers(const struct config *old, const struct config *next)
{
    if (old->provider_count != next->provider_count)
        return false;
    for (uint32_t i = 0; i < old->provider_count; i++) {
        uint32_t at = config_provider_find(next, old->providers[i].open.name);
        if (at == UINT32_MAX ||
            config_provider_compare(&old->providers[i], &next->providers[at]) != PROVIDER_KEPT)
            return false;
    }
    return true;
}

/* -- routes ------------------------------------------------------------------------------------ */

static bool same_names(const struct config_names *a, const struct config_names *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!str_eq(a->list[i], b->list[i]))
            return false;
    return true;
}

static bool same_choices(const struct config *old, const struct config_route *a,
                         const struct config *next, const struct config_route *b)
{
    if (a->choice_count != b->choice_count)
        return false;
    for (uint32_t i = 0; i < a->choice_count; i++)
        if (a->choices[i].weight != b->choices[i].weight ||
            !str_eq(old->providers[a->choices[i].provider].open.name,
                    next->providers[b->choices[i].provider].open.name))
            return false;
    return true;
}

static bool same_routes(const struct config *old, const struct config *next)
{
    if (old->route_count != next->route_count)
        return false;
    for (uint32_t i = 0; i < old->route_count; i++) {
        const struct config_route *a = &old->routes[i], *b = &next->routes[i];
        if (a->kind != b->kind || !same_names(&a->match.app, &b->match.app) ||
            !same_names(&a->match.bundle_id, &b->match.bundle_id) ||
            !same_names(&a->match.category, &b->match.category) ||
            !same_names(&a->match.country, &b->match.country) || !same_choices(old, a, next, b))
            return false;
    }
    return true;
}

/* -- the rest ---------------------------------------------------------------------------------- */

static bool same_retry(const struct config *old, const struct config *next)
{
    for (unsigned i = 0; i < PRIORITY_COUNT; i++)
        if (old->retry[i].first.us != next->retry[i].first.us ||
            old->retry[i].max.us != next->retry[i].max.us ||
            old->retry[i].attempts != next->retry[i].attempts)
            return false;
    return true;
}

static bool same_certificates(const struct config *old, const struct config *next)
{
    for (uint32_t i = 0; i < old->listener_count && i < next->listener_count; i++)
        if (!str_eq(old->listeners[i].cert, next->listeners[i].cert) ||
            !str_eq_secret(old->listeners[i].key, next->listeners[i].key))
            return false;
    return true;
}

void config_compare(const struct config *old, const struct config *next, struct config_changes *ret)
{
    *ret = (struct config_changes){
        .providers = !same_providers(old, next),
        .routes = !same_routes(old, next),
        .retry = !same_retry(old, next),
        .retention = old->retention.notifications.us != next->retention.notifications.us ||
                     old->retention.events.us != next->retention.events.us,
        .limits = old->limits.body_bytes != next->limits.body_bytes ||
                  old->limits.in_flight != next->limits.in_flight ||
                  old->limits.memory != next->limits.memory,
        .root_key = !str_eq_secret(old->root_key, next->root_key),
        .public_url = !str_eq(old->public_url, next->public_url),
        .certificates = !same_certificates(old, next),
    };
}

void config_changes_format(const struct config_changes *changes, char into[CONFIG_CHANGES_TEXT_MAX])
{
    const struct {
        bool changed;
        const char *name;
    } rows[] = {
        {changes->providers, "providers"},   {changes->routes, "routes"},
        {changes->retry, "retry"},           {changes->retention, "retention"},
        {changes->limits, "limits"},         {changes->root_key, "root_key"},
        {changes->public_url, "public_url"}, {changes->certificates, "certificates"},
    };
    size_t used = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!rows[i].changed)
            continue;
        if (used)
            into[used++] = ',';
        size_t len = strlen(rows[i].name);
        must(used + len + 1 < CONFIG_CHANGES_TEXT_MAX);
        memcpy(into + used, rows[i].name, len);
        used += len;
    }
    into[used] = '\0';
    if (!used)
        must(str_copy(STR("nothing"), into, CONFIG_CHANGES_TEXT_MAX));
}

static bool same_listeners(const struct config *old, const struct config *next)
{
    if (old->listener_count != next->listener_count)
        return false;
    for (uint32_t i = 0; i < old->listener_count; i++) {
        const struct config_listener *a = &old->listeners[i], *b = &next->listeners[i];
        if (!str_eq(a->host, b->host) || a->port != b->port || a->tls != b->tls)
            return false;
    }
    return true;
}

bool config_can_reload(const struct config *old, const struct config *next,
                       struct config_faults *faults)
{
    static const struct str remedy = STR_INIT("restart the server, or leave it as it was");
    uint32_t before = faults->count;
    if (!same_listeners(old, next))
        config_fault_add(faults, next->listeners[0].place, remedy,
                         "listen: an address, or whether it has tls, cannot change in a reload");
    if (old->store.kind != next->store.kind ||
        !str_eq(str_of(old->store.path), str_of(next->store.path)))
        config_fault_add(faults, next->store.place, remedy, "store: it cannot change in a reload");
    if (old->queue != next->queue)
        config_fault_add(faults, (struct config_place){0}, remedy,
                         "queue: it cannot change in a reload");
    if (old->roles.intake != next->roles.intake || old->roles.worker != next->roles.worker)
        config_fault_add(faults, (struct config_place){0}, remedy,
                         "roles: they cannot change in a reload");
    if (old->limits.disk_reserve != next->limits.disk_reserve)
        config_fault_add(faults, (struct config_place){0}, remedy,
                         "limits: disk_reserve cannot change in a reload");
    return faults->count == before;
}
