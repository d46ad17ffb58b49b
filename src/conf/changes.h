/* conf/changes.h - what differs between the configuration that is used and the next one.
 *
 * A reload swaps what has changed, and refuses what only a restart can change. Pure; secrets are
 * compared in constant time. Threads: any, on configurations that nobody changes.
 */
#pragma once
#include "conf/config.h"

struct config_changes {
    bool providers, routes, retry, retention, limits, root_key, public_url, certificates;
};

void config_compare(const struct config *old, const struct config *next,
                    struct config_changes *ret);

enum { CONFIG_CHANGES_TEXT_MAX = 128 };
/* "providers,routes", or "nothing". */
void config_changes_format(const struct config_changes *changes,
                           char into[CONFIG_CHANGES_TEXT_MAX]);

/* A fault for each listener, store, queue or role of `next` that is not what it was. False if there
 * is one. */
bool config_can_reload(const struct config *old, const struct config *next,
                       struct config_faults *faults) must_use;

/* What becomes of a provider that has the same name in both. */
enum provider_change {
    PROVIDER_KEPT,     /* nothing has changed */
    PROVIDER_ADJUSTED, /* rate, in_flight or timeout: it stays who it is */
    PROVIDER_REPLACED, /* anything else: another account, key or address */
};
enum provider_change config_provider_compare(const struct config_provider *old,
                                             const struct config_provider *next);
/* The place of the provider of that name; UINT32_MAX: there is none. */
uint32_t config_provider_find(const struct config *config, struct str name);
