/* net/h2_server.c - the listening HTTP/2 session around its streams; see h2_server.h. */
#include "net/h2_server.h"
#include "model/limits.h"
#include "net/h2_stream.h"
#include <stdlib.h>

enum {
    OUT_PULL_BYTES = 64 * 1024, /* made ahead of what the socket takes */
    STREAM_WINDOW_BYTES = 256 * 1024,
    CONNECTION_WINDOW_BYTES = 1024 * 1024,
};

static const struct refusal timed_out = {408, "the request did not come in time"};

static struct h2 *h2_of(struct session *session)
{
    return list_of(session, struct h2, session);
}

static const struct h2 *h2_of_const(const struct session *session)
{
    return (const struct h2 *)(const void *)session; /* the first member */
}

/* Answers given between events get the time of the next one. */
static void stamp(struct h2 *h2)
{
    for (struct list *at = h2->answered.prev; at != &h2->answered; at = at->prev) {
        struct slot *slot = list_of(at, struct slot, link);
        if (slot->since.us != MONO_NEVER.us)
            break;
        slot->since = h2->now.mono;
    }
}

static void h2_feed(struct session *session, const char *at, size_t len, struct now now)
{
    struct h2 *h2 = h2_of(session);
    h2->now = now;
    h2->feeding = true;
    if (len && !h2->dead && nghttp2_session_mem_recv(h2->ng, (const uint8_t *)at, len) < 0)
        h2->dead = true; /* no preface, a flood, no memory: nothing can be said any more */
    stamp(h2);
    h2->feeding = false;
}

/* What has not come whole by now never will. */
static void reset_unfinished(struct h2 *h2, const struct list *slots)
{
    list_each (at, slots) {
        const struct slot *slot = list_of(at, struct slot, link);
        if (!slot->handed)
            (void)nghttp2_submit_rst_stream(h2->ng, NGHTTP2_FLAG_NONE, slot->stream,
                                            NGHTTP2_CANCEL);
    }
}

static void h2_feed_end(struct session *session, struct now now)
{
    struct h2 *h2 = h2_of(session);
    h2->peer_ended = true;
    h2->now = now;
    reset_unfinished(h2, &h2->receiving);
    reset_unfinished(h2, &h2->handed);
    h2_feed(session, "", 0, now);
}

static struct str h2_output(struct session *session)
{
    struct h2 *h2 = h2_of(session);
    while (!h2->dead && h2->out.len - h2->out_at < OUT_PULL_BYTES) {
        const uint8_t *at;
        ssize_t len = nghttp2_session_mem_send(h2->ng, &at);
        if (len <= 0) {
            h2->dead = h2->dead || len < 0;
            break;
        }
        buf_add_bytes(&h2->out, at, (size_t)len);
        h2->dead = h2->dead || h2->out.failed;
    }
    return h2->dead ? STR("") : str_slice(buf_str(&h2->out), h2->out_at, h2->out.len);
}

static void h2_sent(struct session *session, size_t len)
{
    struct h2 *h2 = h2_of(session);
    h2->out_at += len;
    must(h2->out_at <= h2->out.len);
    if (h2->out_at == h2->out.len) {
        buf_clear(&h2->out);
        h2->out_at = 0;
    } else if (h2->out_at > OUT_PULL_BYTES) {
        buf_drop(&h2->out, h2->out_at);
        h2->out_at = 0;
    }
}

static enum session_state h2_state(const struct session *session)
{
    const struct h2 *h2 = h2_of_const(session);
    bool wants = nghttp2_session_want_read(h2->ng) || nghttp2_session_want_write(h2->ng);
    if (h2->dead || !wants || (h2->peer_ended && h2_idle(h2)))
        return SESSION_ENDS;
    return h2->out.len - h2->out_at >= OUT_PULL_BYTES ? SESSION_PAUSED : SESSION_READS;
}

/* -- time ------------------------------------------------------------------------------------- */

static struct mono body_deadline(const struct slot *slot)
{
    int64_t extra_s = (int64_t)(slot->body.len / BODY_BYTES_PER_S_MIN);
    return mono_min(mono_add(slot->since, span_s(BODY_TIMEOUT_S)),
                    mono_add(slot->began, span_s(BODY_TIMEOUT_S + extra_s)));
}

static struct mono answer_deadline(const struct slot *slot)
{
    return mono_add(slot->since, span_s(slot->sent ? LINGER_TIMEOUT_S : WRITE_TIMEOUT_S));
}

static struct mono h2_deadline(const struct session *session)
{
    const struct h2 *h2 = h2_of_const(session);
    struct mono least = mono_min(mono_add(h2->head_since, span_s(HEAD_TIMEOUT_S)),
                                 mono_add(h2->idle_since, span_s(IDLE_TIMEOUT_S)));
    list_each (at, &h2->receiving)
        least = mono_min(least, body_deadline(list_of(at, struct slot, link)));
    list_each (at, &h2->answered)
        least = mono_min(least, answer_deadline(list_of(at, struct slot, link)));
    if (h2->draining && !h2->drained)
        least = mono_min(least, mono_add(h2->drain_since, span_s(LINGER_TIMEOUT_S)));
    return least;
}

static void expire_streams(struct h2 *h2)
{
    for (struct list *at = h2->receiving.next, *next; at != &h2->receiving; at = next) {
        struct slot *slot = list_of(at, struct slot, link);
        next = at->next;
        if (mono_reached(h2->now.mono, body_deadline(slot))) {
            slot->body_done = true;
            slot_refuse(slot, &timed_out); /* moves it to `answered` */
        }
    }
    list_each (at, &h2->answered) {
        struct slot *slot = list_of(at, struct slot, link);
        if (mono_reached(h2->now.mono, answer_deadline(slot))) {
            slot->since = h2->now.mono; /* the reset is on its way */
            (void)nghttp2_submit_rst_stream(h2->ng, NGHTTP2_FLAG_NONE, slot->stream,
                                            slot->sent ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
        }
    }
}

static void h2_expire(struct session *session, struct now now)
{
    struct h2 *h2 = h2_of(session);
    h2->now = now;
    h2->feeding = true;
    expire_streams(h2);
    stamp(h2);
    if (h2->draining && !h2->drained &&
        mono_reached(now.mono, mono_add(h2->drain_since, span_s(LINGER_TIMEOUT_S))))
        h2_say_last_goaway(h2);
    if (mono_reached(now.mono, mono_add(h2->head_since, span_s(HEAD_TIMEOUT_S))) ||
        mono_reached(now.mono, mono_add(h2->idle_since, span_s(IDLE_TIMEOUT_S)))) {
        h2->head_since = h2->idle_since = MONO_NEVER;
        (void)nghttp2_session_terminate_session(h2->ng, NGHTTP2_NO_ERROR);
    }
    h2->feeding = false;
}

/* RFC 9113 section 6.8: first a notice, and once the peer has seen it (or after a while) the id of
 * the last stream that is served. */
static void h2_drain(struct session *session, bool idle_too, struct now now)
{
    struct h2 *h2 = h2_of(session);
    (void)idle_too; /* the notice does without a connection that stays */
    if (h2->draining)
        return;
    h2->draining = true;
    h2->drain_since = now.mono;
    (void)nghttp2_submit_shutdown_notice(h2->ng);
    (void)nghttp2_submit_ping(h2->ng, NGHTTP2_FLAG_NONE, NULL);
}

/* -- beginning and end ------------------------------------------------------------------------ */

static void h2_trim(struct session *session)
{
    struct h2 *h2 = h2_of(session);
    if (h2->out.len == 0)
        buf_done(&h2->out);
}

static void abandon(struct list *slots)
{
    while (!list_empty(slots))
        slot_abandon(list_of(slots->next, struct slot, link));
}

static void h2_free(struct session *session)
{
    struct h2 *h2 = h2_of(session);
    abandon(&h2->receiving);
    abandon(&h2->handed);
    abandon(&h2->answered);
    nghttp2_session_del(h2->ng);
    buf_done(&h2->out);
    free(h2);
}

static const struct session_ops ops = {
    .feed = h2_feed,
    .feed_end = h2_feed_end,
    .output = h2_output,
    .sent = h2_sent,
    .state = h2_state,
    .deadline = h2_deadline,
    .expire = h2_expire,
    .drain = h2_drain,
    .trim = h2_trim,
    .free = h2_free,
    .answer = h2_answer,
};

static bool say_settings(nghttp2_session *ng)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS_MAX},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEAD_BYTES_MAX},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}, /* RFC 9218 section 2.1 */
    };
    return nghttp2_submit_settings(ng, NGHTTP2_FLAG_NONE, settings,
                                   sizeof settings / sizeof *settings) == 0 &&
           nghttp2_session_set_local_window_size(ng, NGHTTP2_FLAG_NONE, 0,
                                                 CONNECTION_WINDOW_BYTES) == 0;
}

static nghttp2_session *ng_new(struct h2 *h2)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    nghttp2_session *ng = NULL;
    if (nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0) {
        h2_stream_callbacks(callbacks);
        nghttp2_option_set_no_closed_streams(option, 1);
        if (nghttp2_session_server_new2(&ng, callbacks, h2, option) != 0)
            ng = NULL;
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    if (ng && !say_settings(ng)) {
        nghttp2_session_del(ng);
        ng = NULL;
    }
    return ng;
}

struct session *h2_server_new(struct exchanges *exchanges, bool tls, struct now now)
{
    struct h2 *h2 = calloc(1, sizeof *h2);
    if (!h2)
        return NULL;
    h2->session = (struct session){.ops = &ops, .exchanges = exchanges, .tls = tls};
    h2->now = now;
    list_init(&h2->receiving);
    list_init(&h2->handed);
    list_init(&h2->answered);
    buf_init(&h2->out, OUTPUT_BYTES_MAX);
    h2->head_since = MONO_NEVER;
    h2->idle_since = h2->resets_since = now.mono;
    h2->ng = ng_new(h2);
    if (!h2->ng) {
        buf_done(&h2->out);
        free(h2);
        return NULL;
    }
    return &h2->session;
}
