/* store/sqlite/offline.h - what may be done to a store that no server has open.
 *
 * Each call takes the store's lock for as long as it runs; ERR_CONFLICT if a server has it (`why`
 * names its pid), ERR_MISSING if there is no store. None makes a store. Blocking; one thread.
 */
#pragma once
#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "port/entropy.h"
#include <stdbool.h>
#include <stdint.h>

/* How long work goes on; both may be NULL. */
struct offline_watch {
    void (*fault)(void *self, const char *sentence);
    void (*progress)(void *self, const char *what, uint64_t done,
                     uint64_t all); /* all 0: unknown */
    void *self;
};

/* Brings it to this program's schema. */
enum err offline_migrate(struct str directory, uint32_t *ret_from, uint32_t *ret_to,
                         struct why *why) must_use;
/* Looks at every page and every row: SQLite's own check, then ours (verify.c). Each fault goes to
 * the watch, OFFLINE_FAULTS_MAX of them at most. Writes nothing but what recovery always does.
 * ERR_CONFLICT, too, for another schema. */
enum { OFFLINE_FAULTS_MAX = 1000 };
enum err offline_verify(struct str directory, struct wall now, const struct offline_watch *watch,
                        uint64_t *ret_faults, struct why *why) must_use;
/* As struct store_ops.backup. */
enum err offline_backup(struct str directory, struct str file, struct why *why) must_use;
/* As struct confirm. */
enum err offline_confirm(struct str directory, const struct entropy *entropy, bool *ret_was,
                         struct why *why) must_use;
