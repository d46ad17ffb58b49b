/* test/peers/h2_sink.h - an HTTP/2 server over nghttp2 that does to each request what it is told.
 */
#pragma once
#include "pipe.h"
#include <nghttp2/nghttp2.h>

struct h2_sink {
    struct listener listener;
    uint32_t streams_max; /* of each connection */
    unsigned requests;    /* complete ones */
    /* What to do with a complete request; NULL: answer 200. */
    void (*handle)(struct h2_sink *sink, struct pipe *pipe, int32_t id);
    void *owner;
};

/* h2c if `tls` is NULL. */
void h2_sink_open(struct h2_sink *sink, uv_loop_t *loop, SSL_CTX *tls, uint32_t streams_max);
void h2_sink_close(struct h2_sink *sink);

/* For use in `handle` and afterwards; each is flushed at once, or at the end of what was read. */
void h2_sink_answer(struct pipe *pipe, int32_t id, const char *status);
void h2_sink_reset(struct pipe *pipe, int32_t id, uint32_t code);
void h2_sink_goaway(struct pipe *pipe, int32_t last_id);
void h2_sink_flush(struct pipe *pipe);
