/* test/campaign/fake_sms.c - Twilio's message resource: a form over HTTP/1.1. */
#include "base/err.h"
#include "fake.h"
#include <stdlib.h>
#include <string.h>

struct session {
    struct peer peer;
    char bytes[BODY_MAX * 2];
    size_t len;
    /* A slow answer: what is left of it. */
    char text[1024];
    size_t text_len, text_at;
    uv_timer_t dribble;
};

static size_t write_answer(const struct act *act, uint64_t seq, char *into, size_t size)
{
    char body[256];
    int len, status = 201;
    if (act->what == WHAT_status) {
        status = act->status;
        len = snprintf(body, sizeof body,
                       "{\"code\":%s,\"message\":\"as told\",\"more_info\":\"-\",\"status\":%d}",
                       act->word[0] ? act->word : "0", status);
    } else {
        len = snprintf(body, sizeof body,
                       "{\"sid\":\"SM%032llx\",\"status\":\"queued\",\"error_code\":null}",
                       (unsigned long long)seq);
    }
    int head = snprintf(into, size,
                        "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n%s%s%s"
                        "Content-Length: %d\r\n\r\n%s",
                        status, act->retry[0] ? "Retry-After: " : "", act->retry,
                        act->retry[0] ? "\r\n" : "", len, body);
    return (size_t)head;
}

static void on_dribble(uv_timer_t *timer)
{
    struct pipe *pipe = timer->data;
    struct session *session = pipe->session;
    if (pipe->closing || session->text_at == session->text_len) {
        (void)uv_timer_stop(timer);
        return;
    }
    pipe_send(pipe, (struct str){session->text + session->text_at++, 1});
}

static void answer(struct later *later)
{
    struct pipe *pipe = later->pipe;
    struct session *session = pipe->session;
    char text[1024];
    size_t len = write_answer(&later->act, later->seq, text, sizeof text);
    switch (later->act.what) {
    case WHAT_cut:
    case WHAT_reset:
    case WHAT_cut_body: /* head and body come in one piece */
        pipe_drop(pipe, later->act.what != WHAT_cut);
        break;
    case WHAT_half:
        pipe_send(pipe, (struct str){text, len - 20});
        pipe_drop(pipe, true);
        break;
    case WHAT_slow:
        memcpy(session->text, text, len);
        session->text_len = len;
        session->text_at = 0;
        must(uv_timer_start(&session->dribble, on_dribble, 0, later->act.ms) == 0);
        break;
    default:
        pipe_send(pipe, (struct str){text, len});
    }
}

/* A form's field, decoded. */
static void form_get(struct str form, struct str name, char *into, size_t size)
{
    size_t len = 0;
    into[0] = '\0';
    while (form.len) {
        struct str field = str_cut(&form, '&');
        struct str key = str_cut(&field, '=');
        if (!str_eq(key, name))
            continue;
        for (size_t i = 0; i < field.len && len < size - 1; i++) {
            char c = field.at[i];
            if (c == '%' && i + 2 < field.len) {
                char hex[3] = {field.at[i + 1], field.at[i + 2], '\0'};
                c = (char)strtoul(hex, NULL, 16);
                i += 2;
            } else if (c == '+') {
                c = ' ';
            }
            into[len++] = c;
        }
        into[len] = '\0';
        return;
    }
}

static struct str header_get(struct str head, const char *name)
{
    const char *at = memmem(head.at, head.len, name, strlen(name));
    if (!at)
        return STR_NONE;
    at += strlen(name);
    const char *end = memchr(at, '\r', (size_t)(head.at + head.len - at));
    return (struct str){at, end ? (size_t)(end - at) : 0};
}

static void one(struct session *session, struct pipe *pipe, size_t head_len, size_t body_len)
{
    struct fake *fake = session->peer.fake;
    struct str head = {session->bytes, head_len};
    struct str body = {session->bytes + head_len, body_len};
    struct str auth = header_get(head, "uthorization: ");
    char to[ADDRESS_MAX], text[BODY_MAX], credentials[AUTH_MAX], callback[ADDRESS_MAX];
    form_get(body, STR("To"), to, sizeof to);
    form_get(body, STR("Body"), text, sizeof text);
    form_get(body, STR("StatusCallback"), callback, sizeof callback);
    (void)snprintf(credentials, sizeof credentials, "%.*s", STR_ARG(auth));
    struct act act = fake_draw(fake, to);
    fake_take(fake, &session->peer, pipe, 0, &act, to, credentials, callback[0] ? callback : "-",
              str_of(text));
}

static void on_received(void *self, struct pipe *pipe, struct str bytes)
{
    (void)self;
    struct session *session = pipe->session;
    must(session->len + bytes.len < sizeof session->bytes);
    memcpy(session->bytes + session->len, bytes.at, bytes.len);
    session->len += bytes.len;
    while (!pipe->closing) {
        const char *end = memmem(session->bytes, session->len, "\r\n\r\n", 4);
        if (!end)
            return;
        size_t head = (size_t)(end - session->bytes) + 4;
        struct str length = header_get((struct str){session->bytes, head}, "\r\nContent-Length: ");
        size_t body = length.len ? (size_t)strtoul(length.at, NULL, 10) : 0;
        if (session->len < head + body)
            return;
        one(session, pipe, head, body);
        if (pipe->closing)
            return;
        memmove(session->bytes, session->bytes + head + body, session->len - head - body);
        session->len -= head + body;
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(list_of(handle, struct session, dribble));
}

static void free_session(void *self)
{
    struct session *session = self;
    uv_close((uv_handle_t *)&session->dribble, on_timer_closed);
}

static void on_open(void *self, struct pipe *pipe)
{
    struct fake *fake = self;
    struct session *session = calloc(1, sizeof *session);
    must(session != NULL);
    peer_init(&session->peer, fake);
    must(uv_timer_init(&fake->loop, &session->dribble) == 0);
    session->dribble.data = pipe;
    pipe->session = session;
    pipe->free_session = free_session;
    if (fake->stall)
        pipe_freeze(pipe);
}

static void on_closed(void *self, struct pipe *pipe)
{
    (void)self;
    struct session *session = pipe->session;
    (void)uv_timer_stop(&session->dribble);
    peer_gone(&session->peer);
}

const struct role sms_role = {
    .name = "sms",
    .events = {.opened = on_open, .received = on_received, .closed = on_closed},
    .answer = answer,
};
