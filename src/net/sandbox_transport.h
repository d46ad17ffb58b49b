/* net/sandbox_transport.h - WIRE_SANDBOX: no network, the answer stands in the request.
 *
 * After sandbox_delay the reply has sandbox_status and the body {"id":"sbx-..."}, an id that the
 * same path and body always give; status 0 ends CUT. At most SANDBOX_OPEN_MAX at once.
 * Threads: the loop's. Exchanges end from the loop, never from submit or withdraw.
 */
#pragma once
#include "net/outgoing.h"
#include "port/clock.h"
#include <uv.h>

struct sandbox_transport;

enum err sandbox_transport_new(uv_loop_t *loop, struct clock clock, struct sandbox_transport **ret,
                               struct why *why) must_use;
/* Ends what is open; frees itself once the loop has closed its handles. */
void sandbox_transport_close(struct sandbox_transport *transport);

unsigned sandbox_transport_room(const struct sandbox_transport *transport);
/* False: no memory, and the call is untouched. */
bool sandbox_transport_submit(struct sandbox_transport *transport,
                              struct exchange_call *call) must_use;
/* True: it had not begun and is forgotten. */
bool sandbox_transport_withdraw(struct sandbox_transport *transport, struct exchange_call *call);
