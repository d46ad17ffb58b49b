/* net/h2_stream.h - the streams of a listening HTTP/2 session: heads in, bodies in, answers out.
 *
 * The half of h2_server.c that nghttp2 calls back; nobody else includes this.
 */
#pragma once
#include "net/session.h"
#include <nghttp2/nghttp2.h>

struct h2 {
    struct session session;
    nghttp2_session *ng;
    struct now now;        /* of the present event */
    struct list receiving; /* slots whose body is coming */
    struct list handed;    /* with the handler, or their head is coming */
    struct list answered;  /* not sent whole yet; `since` is NEVER until the next event's stamp */
    struct buf out;
    size_t out_at; /* sent */
    bool feeding;  /* answers need no wake */
    bool dead;
    bool peer_ended;
    bool draining, drained; /* the first and the last GOAWAY are said */
    struct mono drain_since;
    struct mono head_since; /* a header block is coming; or MONO_NEVER */
    struct mono idle_since; /* no stream; or MONO_NEVER */
    struct mono resets_since;
    size_t unsent_bytes; /* of the bodies of all answers */
    uint32_t resets;
    uint32_t control_frames; /* since the last whole request */
};

void h2_stream_callbacks(nghttp2_session_callbacks *callbacks);
bool h2_idle(const struct h2 *h2); /* no streams */
/* Nothing that comes later is served. */
void h2_say_last_goaway(struct h2 *h2);
/* session_ops.answer */
void h2_answer(struct session *session, struct slot *slot, const struct http_response *response);
