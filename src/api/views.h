/* api/views.h - the contract's values as JSON members: times, durations, notifications, deliveries,
 * events. Pure.
 */
#pragma once
#include "base/json.h"
#include "model/ids.h"
#include "port/store.h"

/* One member each. */
void view_str(struct json_out *out, struct str name, struct str value); /* absent: null */
void view_i64(struct json_out *out, struct str name, int64_t value);
void view_bool(struct json_out *out, struct str name, bool value);
void view_wall(struct json_out *out, struct str name, struct wall at);   /* 0 and never: null */
void view_span(struct json_out *out, struct str name, struct span span); /* "90s" */

enum { SPAN_TEXT_SIZE = 32 };
/* The largest unit that says it exactly, but "24h" for "1d"; finer than a millisecond is cut. */
struct str span_format(struct span span, char into[SPAN_TEXT_SIZE]);

/* accepted | done | cancelled: what the deliveries add up to. */
struct str notification_status(const struct notification_view *view);

/* The member `counts`: how many deliveries are in each state. */
void view_counts(struct json_out *out, const struct notification_view *view);
/* The members of a notification, without its request and its deliveries. */
void view_notification(struct json_out *out, const struct ids *ids,
                       const struct notification_view *view);
/* The members of a delivery. */
void view_delivery(struct json_out *out, const struct ids *ids, struct arena *arena,
                   const struct delivery_view *view);
/* The step of acceptance, which is not stored as an event (nothing, if the delivery was added
 * later: its first event says so); then a stored one. */
void view_acceptance(struct json_out *out, const struct ids *ids, const struct delivery_view *view);
void view_event(struct json_out *out, const struct ids *ids, const struct event *event);
/* What each attempt came to, as an array, out of the events of one delivery. */
void view_attempts(struct json_out *out, const struct event *events, uint32_t count);
