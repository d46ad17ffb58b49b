/* net/transports.h - port/transport.h for every wire, on one libuv loop.
 *
 * WIRE_H2 goes over pooled HTTP/2 connections; an origin that turns out to speak HTTP/1.1 only, and
 * every endpoint that a subscriber chose, over libcurl. A request with bytes that would mean
 * something else on the wire is never sent: it ends UNSENT, "refused request: ...".
 * The caller has initialised libcurl (curl_global_init) and ignores SIGPIPE. After `close` began
 * nothing may be submitted; the memory goes once the loop has run its closing callbacks.
 */
#pragma once
#include "port/clock.h"
#include "port/entropy.h"
#include "port/transport.h"
#include <uv.h>

enum err transports_new(uv_loop_t *loop, struct clock clock, const struct entropy *entropy,
                        struct transport **ret, struct why *why) must_use;
