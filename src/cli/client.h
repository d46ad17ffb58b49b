/* cli/client.h - one HTTP call after another to a Bongsu server, by libcurl.
 *
 * Blocking; no redirects, no repeats; loopback never goes through a proxy. Bounded by
 * CLI_ANSWER_BYTES_MAX and CLI_CALL_TIMEOUT_S. Threads: one.
 */
#pragma once
#include "cli/credentials.h"

struct client;

struct answer {
    int status;
    struct str body;        /* in the arena */
    struct str retry_after; /* absent without the header */
};

/* As whom: the app's key, or the root key. */
enum client_as { CLIENT_ANYONE, CLIENT_APP, CLIENT_ROOT };

/* `ca` is a PEM file, or NULL. The credentials must outlive the client. */
enum err client_open(const struct credentials *credentials, const char *ca, struct client **ret,
                     struct why *why) must_use;
void client_close(struct client *client); /* NULL is allowed */

/* `body` absent: none. ERR_IO: no connection or no answer, `why` says which; ERR_MEMORY. */
enum err client_call(struct client *client, enum client_as as, const char *method, struct str path,
                     struct str body, struct arena *arena, struct answer *ret,
                     struct why *why) must_use;
