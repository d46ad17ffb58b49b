/* node.h - a node: store, actors, providers and listeners, put together from a configuration.
 *
 * The one place, with main.c and check.c, that names concrete backends.
 */
#pragma once
#include "conf/config.h"

struct node_options {
    const char *config_path; /* read again at SIGHUP */
    bool log_json;           /* else key=value lines */
};

/* Serves until SIGTERM or SIGINT, drains, and returns an exit code of sysexits.h; other than 0 with
 * `why`. Takes the configuration over; at SIGHUP another takes its place. */
int node_serve(struct config *config, const struct node_options *options, struct why *why);
