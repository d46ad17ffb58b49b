/* net/curl_transfer.h - one exchange as a libcurl easy handle: how it is set up, what it proves.
 *
 * libcurl must not send a request twice by itself, follow a redirect, ask a proxy, or take a
 * response for more than it is:
 * - bodies come from a read callback that cannot rewind, so a silent resend fails instead; a
 *   request without a body never uses a connection that was used before; and whatever the reason,
 *   the second time that libcurl is about to send (CURLOPT_PREREQFUNCTION), it is stopped;
 * - begun is the first such time: the connection stands, TLS is done, not a byte of the request was
 *   written;
 * - sockets are opened by us, so that an endpoint that a subscriber chose is checked at the address
 *   that is connected to (pin.h).
 * Threads: the loop's.
 */
#pragma once
#include "net/gather.h"
#include "net/origin.h"
#include "net/outgoing.h"
#include "port/clock.h"
#include <curl/curl.h>

/* Allocated with outgoing_new, CARRIER_CURL. */
struct transfer {
    struct outgoing out;
    const struct clock *clock;
    void *owner;   /* the transport's */
    unsigned slot; /* the transport's */
    CURL *easy;    /* NULL while it waits */
    struct curl_slist *headers;
    struct origin origin;
    struct gather gather;
    size_t given; /* of the body, to libcurl */
    bool about_to_send;
    bool truncated; /* the response's body was cut off by us */
    bool refused;   /* by pin.h */
    char error[CURL_ERROR_SIZE];
};

/* Sets up `easy`, which is fresh or reset. ERR_INPUT: no origin for HTTP;
 * ERR_MEMORY. On failure the handle is not kept. */
enum err transfer_prepare(struct transfer *transfer, CURL *easy, struct now now,
                          struct why *why) must_use;
/* Takes the handle back for reset; frees what belonged to this exchange. */
CURL *transfer_release(struct transfer *transfer);
/* Ends the exchange by libcurl's result. After transfer_release. */
void transfer_end(struct transfer *transfer, CURLcode result, struct now now);
/* Ends it without a result of libcurl's. After transfer_release, or if it was never prepared. */
void transfer_stop(struct transfer *transfer, struct now now, const char *reason);
