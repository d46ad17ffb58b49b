/* cli/credentials.h - which server to talk to, and as whom.
 *
 * Each value from the option, else the environment (BONGSU_URL, BONGSU_APP_KEY, BONGSU_APP_SECRET,
 * BONGSU_ROOT_KEY), else ~/.config/bongsu/config ($XDG_CONFIG_HOME is honoured): lines of
 * `name = value` with url, app_key, app_secret and root_key, '#' before a comment. That file may be
 * readable by its owner only.
 */
#pragma once
#include "base/arena.h"

struct credentials {
    struct str url; /* without a slash at its end */
    struct str app_key, app_secret;
    struct str root_key; /* absent: none */
};

/* `url` is the option's, or NULL. ERR_INPUT: a line that is not understood, half a key;
 * ERR_DENIED: others may read the file. */
enum err credentials_load(const char *url, struct arena *arena, struct credentials *ret,
                          struct why *why) must_use;
/* The lines of such a file; what the file does not name stays. */
enum err credentials_parse(struct str text, struct credentials *credentials,
                           struct why *why) must_use;
void credentials_wipe(struct credentials *credentials);
