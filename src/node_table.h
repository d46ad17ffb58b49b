/* node_table.h - the providers and routes of one configuration, as a courier takes them.
 *
 * Made from a configuration that outlives it: names and conditions are the configuration's. Where
 * there is a table before it, a provider that stays who it is goes on as the instance it was.
 * Threads: any, one at a time.
 */
#pragma once
#include "conf/config.h"
#include "core/route.h"
#include "flow/courier.h"

struct provider_table {
    struct arena arena;
    struct courier_provider *providers;
    int32_t *kept; /* of each: its place in the table before, or PROVIDER_NEW */
    uint32_t count;
    struct routes routes;
    bool heavy; /* one of them composes on the crypto pool */
};

/* Opens the providers. `old` and its `before` may be NULL: then all are new. ERR_INPUT, ERR_CRYPTO
 * (a provider's settings), ERR_LIMIT, ERR_MEMORY. */
enum err provider_table_open(const struct config *config, const struct config *old,
                             const struct provider_table *before, struct provider_table **ret,
                             struct why *why) must_use;
/* Never used: closes what was opened for it. NULL is allowed. */
void provider_table_discard(struct provider_table *table);
/* At the end: closes all of its providers. NULL is allowed. */
void provider_table_close(struct provider_table *table);
/* Another has taken its place, and its providers with it. */
void provider_table_free(struct provider_table *table);
