/* provider/draft.h - what the drivers share when they compose a request.
 *
 * Pure; any thread. Memory that runs out leaves arena->failed behind, which draft_finish reports.
 */
#pragma once
#include "base/json.h"
#include "codec/mailbox.h"
#include "port/provider.h"

/* Adds a header; the value is borrowed and must be free of control characters. */
void draft_header(struct request *request, struct str name, struct str value);
/* Moves a buffer's bytes into the arena and frees the buffer. */
struct str draft_take(struct arena *arena, struct buf *buf);
/* OK, or ERR_MEMORY if the arena has failed. */
enum err draft_finish(const struct arena *arena, struct why *why) must_use;

/* Whole seconds until the notification expires, 0..max. */
int64_t draft_ttl_s(const struct parcel *parcel, int64_t max);
/* Under what a repeat collapses: the caller's key, else the delivery's id. */
struct str draft_collapse(const struct parcel *parcel);
/* Visible ASCII without spaces: can stand in a header as it is. */
bool draft_is_word(struct str text);

/* ERR_INPUT unless there is something to show or to hand to the app. */
enum err draft_push_check(const struct parcel *parcel, struct why *why) must_use;
bool draft_push_shows(const struct content *content); /* a title or a body */
/* Bytes of all texts, names and values; JSON makes at most six times as many of them. */
size_t draft_push_bytes(const struct content *content);
/* Writes the members of content->data but those named in `besides` (closed by STR_NONE). */
void draft_data(struct json_out *out, const struct content *content, const struct str *besides);
/* {"title","body","url","image","data"}: what a service worker gets. */
void draft_push_json(struct json_out *out, const struct content *content);

/* ERR_INPUT without a text or an address, ERR_LIMIT over `max` characters. */
enum err draft_sms_check(const struct parcel *parcel, size_t max, struct why *why) must_use;
/* The whole e-mail, and the sender it is from: the content's `from`, else `fallback`. */
enum err draft_mail(const struct parcel *parcel, struct str fallback, struct arena *arena,
                    struct str *ret_message, struct mailbox *ret_from, struct why *why) must_use;
