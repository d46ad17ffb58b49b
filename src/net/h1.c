/* net/h1.c - the state of one HTTP/1.1 connection; see h1.h. */
#include "net/h1.h"
#include "model/limits.h"
#include "net/h1_session.h"
#include <stdlib.h>

static const struct refusal timed_out = {408, "the request did not come in time"};

enum { KEPT_BYTES_MAX = 256 * 1024, OUT_DROP_BYTES = 64 * 1024, BODY_FIRST = 4096 };

static const struct h1 *h1_of_const(const struct session *session)
{
    return (const struct h1 *)(const void *)session; /* the first member */
}

static bool blocked(const struct h1 *h1)
{
    return h1->waiting_count >= PIPELINE_MAX || h1->out.len - h1->out_at > OUTPUT_MARK_BYTES;
}

/* -- requests --------------------------------------------------------------------------------- */

/* Takes nothing more. What is being received is dropped, what is being answered is not. */
static void end(struct h1 *h1, const struct refusal *refusal)
{
    h1->phase = PHASE_OVER;
    h1->last = true;
    h1->refusal = refusal;
    h1->head_began = MONO_NEVER;
    if (h1->current)
        h1_drop_slot(h1, h1->current);
    h1->current = NULL;
    h1_advance(h1);
}

/* The request is as complete as it will be: up to the handler. */
static void hand_over(struct h1 *h1, struct slot *slot, struct now now)
{
    h1->current = NULL;
    h1->owes_continue = false;
    h1->phase = h1->last ? PHASE_OVER : PHASE_HEAD;
    slot_hand(slot, now);
}

static void hand_over_too_large(struct h1 *h1, struct slot *slot, struct now now)
{
    slot->exchange.request.body_too_large = true;
    slot->close = true;
    h1->last = true;
    hand_over(h1, slot, now);
}

/* The whole body is at hand already: the common case. */
static void take_whole_body(struct h1 *h1, struct slot *slot, const char *at, size_t len,
                            struct now now)
{
    char *body = slot_charge(slot, len) ? arena_take(&slot->exchange.arena, len) : NULL;
    if (!body) {
        h1->current = slot;
        end(h1, &refusal_overloaded);
        return;
    }
    memcpy(body, at, len);
    slot->exchange.request.body = (struct str){body, len};
    hand_over(h1, slot, now);
}

static void await_body(struct h1 *h1, struct slot *slot, const struct h1_head *head, struct now now)
{
    h1->current = slot;
    slot->began = slot->since = now.mono;
    h1->left = head->length;
    h1->phase = PHASE_LENGTH;
    if (head->chunked) {
        h1->phase = PHASE_CHUNKED;
        h1->chunk = arena_new(&slot->exchange.arena, struct h1_chunk);
        if (!h1->chunk) {
            end(h1, &refusal_overloaded);
            return;
        }
        h1_chunk_init(h1->chunk);
    }
}

/* Parses a complete head into a slot of its own. False: the session is over. */
static bool read_head(struct h1 *h1, const char *at, size_t len, struct slot **ret,
                      struct h1_head *ret_head)
{
    struct slot *slot = slot_take(&h1->session);
    if (!slot) {
        end(h1, &refusal_overloaded);
        return false;
    }
    uint32_t fields = h1->scan.lines - 1;
    struct arena *arena = &slot->exchange.arena;
    char *text = arena_take(arena, len);
    struct header *headers = arena_array(arena, struct header, fields);
    const struct refusal *wrong = &refusal_overloaded;
    if (!arena->failed) {
        memcpy(text, at, len);
        wrong = h1_head_parse(text, len, headers, fields, &slot->exchange.request, ret_head);
    }
    if (wrong) {
        slot_give(slot);
        end(h1, wrong);
        return false;
    }
    *ret = slot;
    return true;
}

/* A head of `head_len` bytes has come, and `more` bytes behind it. Returns how many of those are
 * this request's body and taken. */
static size_t take_request(struct h1 *h1, const char *at, size_t head_len, size_t more,
                           struct now now)
{
    struct slot *slot;
    struct h1_head head;
    if (!read_head(h1, at, head_len, &slot, &head))
        return 0;
    h1->scan = (struct h1_scan){0};
    h1->line_skipped = false;
    h1->head_began = h1->idle_since = MONO_NEVER;
    list_add_last(&h1->waiting, &slot->link);
    h1->waiting_count++;
    slot->http10 = head.http10;
    slot->close = head.close;
    h1->last = head.close || h1->draining;
    slot_set_body_limit(slot);
    if (head.length > slot->body_bytes_max) {
        hand_over_too_large(h1, slot, now);
    } else if (head.chunked || head.length > more) {
        await_body(h1, slot, &head, now);
        h1->owes_continue = head.expects && more == 0 && h1->phase != PHASE_OVER;
        h1_advance(h1);
    } else if (head.length) {
        take_whole_body(h1, slot, at + head_len, (size_t)head.length, now);
        return (size_t)head.length;
    } else {
        hand_over(h1, slot, now);
    }
    return 0;
}

/* -- input ------------------------------------------------------------------------------------ */

/* Each of these takes bytes for the present phase and returns how many; none: it needs more. */

static size_t take_head(struct h1 *h1, const char *at, size_t len, struct now now)
{
    size_t head_len = 0;
    const struct refusal *wrong;
    if (blocked(h1) || len == 0)
        return 0;
    if (!h1->line_skipped && len >= 2 && at[0] == '\r' && at[1] == '\n') {
        h1->line_skipped = true;
        h1->scan = (struct h1_scan){0};
        return 2;
    }
    if (h1_scan(&h1->scan, at, len, &head_len, &wrong))
        return head_len + take_request(h1, at, head_len, len - head_len, now);
    if (wrong)
        end(h1, wrong);
    else if (h1->head_began.us == MONO_NEVER.us)
        h1->head_began = now.mono;
    return 0;
}

static void body_ended(struct h1 *h1, struct now now)
{
    struct slot *slot = h1->current;
    slot->exchange.request.body = buf_str(&slot->body);
    hand_over(h1, slot, now);
}

/* False: the body is refused, and the phase has changed. */
static bool add_body(struct h1 *h1, const char *at, size_t len, struct now now)
{
    struct slot *slot = h1->current;
    const struct refusal *wrong = slot_body_add(slot, at, len);
    slot->since = now.mono;
    if (!wrong)
        return true;
    if (wrong == &refusal_body_too_large)
        hand_over_too_large(h1, slot, now);
    else
        end(h1, wrong);
    return false;
}

static size_t take_length(struct h1 *h1, const char *at, size_t len, struct now now)
{
    size_t piece = len < h1->left ? len : (size_t)h1->left;
    if (piece == 0 || !add_body(h1, at, piece, now))
        return 0;
    h1->left -= piece;
    if (h1->left == 0)
        body_ended(h1, now);
    return piece;
}

static size_t take_chunked(struct h1 *h1, const char *at, size_t len, struct now now)
{
    struct str data;
    const struct refusal *wrong;
    size_t took = h1_chunk_take(h1->chunk, at, len, &data, &wrong);
    if (wrong)
        end(h1, wrong);
    else if (data.len && !add_body(h1, data.at, data.len, now))
        return took;
    else if (h1->chunk->state == CHUNK_DONE)
        body_ended(h1, now);
    return took;
}

/* Takes all that it can; returns how many bytes. */
static size_t consume(struct h1 *h1, const char *at, size_t len, struct now now)
{
    size_t used = 0;
    for (;;) {
        enum phase phase = h1->phase;
        if (phase == PHASE_OVER)
            return len;
        size_t took = phase == PHASE_HEAD     ? take_head(h1, at + used, len - used, now)
                      : phase == PHASE_LENGTH ? take_length(h1, at + used, len - used, now)
                                              : take_chunked(h1, at + used, len - used, now);
        used += took;
        if (took == 0 && h1->phase == phase)
            return used;
    }
}

/* After every event: what is known only once all of it was taken. */
static void settle(struct h1 *h1, struct now now)
{
    if (h1->peer_ended && h1->phase != PHASE_OVER && !blocked(h1))
        end(h1, NULL);
    bool idle = h1->phase == PHASE_HEAD && h1->in.len == 0 && list_empty(&h1->waiting);
    if (!idle)
        h1->idle_since = MONO_NEVER;
    else if (h1->ending)
        end(h1, NULL);
    else if (h1->idle_since.us == MONO_NEVER.us)
        h1->idle_since = now.mono;
}

static void h1_feed(struct session *session, const char *at, size_t len, struct now now)
{
    struct h1 *h1 = h1_of(session);
    h1->feeding = true;
    if (h1->in.len == 0) {
        size_t used = consume(h1, at, len, now);
        buf_add_bytes(&h1->in, at + used, len - used);
    } else {
        buf_add_bytes(&h1->in, at, len);
        size_t used = consume(h1, h1->in.at, h1->in.len, now);
        buf_drop(&h1->in, used);
    }
    if (h1->in.failed) {
        buf_clear(&h1->in);
        end(h1, &refusal_overloaded);
    }
    settle(h1, now);
    h1->feeding = false;
}

static void h1_feed_end(struct session *session, struct now now)
{
    h1_of(session)->peer_ended = true;
    h1_feed(session, "", 0, now);
}

/* -- output, time ----------------------------------------------------------------------------- */

static struct str h1_output(struct session *session)
{
    const struct h1 *h1 = h1_of(session);
    return h1->dead ? STR("") : str_slice(buf_str(&h1->out), h1->out_at, h1->out.len);
}

static void h1_sent(struct session *session, size_t len)
{
    struct h1 *h1 = h1_of(session);
    h1->out_at += len;
    must(h1->out_at <= h1->out.len);
    if (h1->out_at == h1->out.len) {
        buf_clear(&h1->out);
        h1->out_at = 0;
    } else if (h1->out_at > OUT_DROP_BYTES && h1->out_at > h1->out.len / 2) {
        buf_drop(&h1->out, h1->out_at);
        h1->out_at = 0;
    }
}

static enum session_state h1_state(const struct session *session)
{
    const struct h1 *h1 = h1_of_const(session);
    if (h1->dead || (h1->phase == PHASE_OVER && list_empty(&h1->waiting)))
        return SESSION_ENDS;
    return h1->phase == PHASE_HEAD && blocked(h1) ? SESSION_PAUSED : SESSION_READS;
}

static struct mono body_deadline(const struct slot *slot)
{
    int64_t extra_s = (int64_t)(slot->body.len / BODY_BYTES_PER_S_MIN);
    return mono_min(mono_add(slot->since, span_s(BODY_TIMEOUT_S)),
                    mono_add(slot->began, span_s(BODY_TIMEOUT_S + extra_s)));
}

static struct mono h1_deadline(const struct session *session)
{
    const struct h1 *h1 = h1_of_const(session);
    if (h1->phase == PHASE_OVER)
        return MONO_NEVER;
    if (h1->current)
        return body_deadline(h1->current);
    return mono_min(mono_add(h1->head_began, span_s(HEAD_TIMEOUT_S)),
                    mono_add(h1->idle_since, span_s(IDLE_TIMEOUT_S)));
}

static void h1_expire(struct session *session, struct now now)
{
    struct h1 *h1 = h1_of(session);
    if (!mono_reached(now.mono, h1_deadline(session)))
        return;
    bool began = h1->current || h1->head_began.us != MONO_NEVER.us;
    buf_done(&h1->in);
    end(h1, began ? &timed_out : NULL);
}

static void h1_drain(struct session *session, bool idle_too, struct now now)
{
    struct h1 *h1 = h1_of(session);
    h1->draining = true;
    h1->ending = h1->ending || idle_too;
    bool idle = list_empty(&h1->waiting);
    if (h1->phase == PHASE_HEAD && h1->in.len == 0 && (idle_too || !idle))
        end(h1, NULL);
    else
        h1->last = h1->last || h1->phase != PHASE_HEAD;
    settle(h1, now);
}

static void h1_trim(struct session *session)
{
    struct h1 *h1 = h1_of(session);
    if (h1->in.len == 0)
        buf_done(&h1->in);
    if (h1->out.len == 0)
        buf_done(&h1->out);
}

static void h1_free(struct session *session)
{
    struct h1 *h1 = h1_of(session);
    while (!list_empty(&h1->waiting))
        slot_abandon(list_of(h1->waiting.next, struct slot, link));
    buf_done(&h1->in);
    buf_done(&h1->out);
    free(h1);
}

static const struct session_ops ops = {
    .feed = h1_feed,
    .feed_end = h1_feed_end,
    .output = h1_output,
    .sent = h1_sent,
    .state = h1_state,
    .deadline = h1_deadline,
    .expire = h1_expire,
    .drain = h1_drain,
    .trim = h1_trim,
    .free = h1_free,
    .answer = h1_answer,
};

struct session *h1_new(struct exchanges *exchanges, bool tls, struct now now)
{
    struct h1 *h1 = calloc(1, sizeof *h1);
    if (!h1)
        return NULL;
    h1->session = (struct session){.ops = &ops, .exchanges = exchanges, .tls = tls};
    list_init(&h1->waiting);
    buf_init(&h1->in, KEPT_BYTES_MAX);
    buf_init(&h1->out, OUTPUT_BYTES_MAX);
    h1->head_began = MONO_NEVER;
    h1->idle_since = now.mono;
    return &h1->session;
}
