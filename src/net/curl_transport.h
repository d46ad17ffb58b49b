/* net/curl_transport.h - HTTP/1.1 exchanges by libcurl's multi interface on libuv.
 *
 * At most CURL_EXCHANGES_MAX at once, HTTP1_CONNECTIONS_MAX an origin (origins are counted by a
 * keyed hash, so two may share a count); the rest waits here and can be withdrawn, as can what
 * libcurl is still connecting for. Connections are used again for 60 s. What a transfer may do and
 * proves: curl_transfer.h. Mail is not for libcurl: after the final dot it blocks the loop.
 * Threads: the loop's. Exchanges end from the loop, never from submit or withdraw. libcurl must
 * have been initialised (curl_global_init) and SIGPIPE be ignored.
 */
#pragma once
#include "net/outgoing.h"
#include "port/clock.h"
#include "port/entropy.h"
#include <uv.h>

struct curl_transport;

enum err curl_transport_new(uv_loop_t *loop, struct clock clock, const struct entropy *entropy,
                            struct curl_transport **ret, struct why *why) must_use;
/* Ends what is open; frees itself once the loop has closed its handles. */
void curl_transport_close(struct curl_transport *transport);

unsigned curl_transport_room(const struct curl_transport *transport, const struct request *request);
/* False: no memory, and the call is untouched. */
bool curl_transport_submit(struct curl_transport *transport, struct exchange_call *call) must_use;
/* True: it had not begun and is forgotten. */
bool curl_transport_withdraw(struct curl_transport *transport, struct exchange_call *call);
