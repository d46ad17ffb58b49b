/* fuzz/fuzz_h1.c - any bytes as an HTTP/1.1 connection: the handler sees the same requests and the
 * peer gets the same answers, however the bytes are cut.
 */
#include "fuzz.h"
#include "net/h1.h"
#include "sessions.h"

struct run {
    struct desk desk;
    struct buf sent;
};

static struct now at_ms(int64_t ms)
{
    return (struct now){.mono = {ms * 1000}};
}

/* The answers, without 100s: whether one is said depends on whether the body was there yet. */
static void take(struct session *session, struct buf *sent)
{
    static const struct str hundred = STR_INIT("HTTP/1.1 100 Continue\r\n\r\n");
    struct str output = session->ops->output(session);
    struct str rest = output;
    const char *found;
    while (rest.len && (found = memmem(rest.at, rest.len, hundred.at, hundred.len))) {
        buf_add_bytes(sent, rest.at, (size_t)(found - rest.at));
        rest = str_slice(rest, (size_t)(found - rest.at) + hundred.len, rest.len);
    }
    buf_add(sent, rest);
    session->ops->sent(session, output.len);
}

static void run_cut(struct run *run, const uint8_t *bytes, size_t len, size_t step)
{
    desk_open(&run->desk);
    buf_init(&run->sent, 1 << 24);
    struct session *session = h1_new(run->desk.exchanges, false, at_ms(0));
    must(session != NULL);
    for (size_t at = 0; at < len; at += step)
        session->ops->feed(session, (const char *)bytes + at, len - at < step ? len - at : step,
                           at_ms(0));
    do {
        session->ops->feed(session, "", 0, at_ms(1));
        must(session->ops->deadline(session).us >= 0);
    } while (desk_answer_later(&run->desk));
    take(session, &run->sent);
    session->ops->feed_end(session, at_ms(2));
    must(session->ops->state(session) == SESSION_ENDS);
    take(session, &run->sent);
    session->ops->free(session);
}

static void run_close(struct run *run)
{
    desk_close(&run->desk);
    buf_done(&run->sent);
}

void fuzz_h1(const uint8_t *bytes, size_t len)
{
    static const size_t steps[] = {1, 7, 100};
    struct run whole;
    if (len == 0)
        return;
    run_cut(&whole, bytes, len, len);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct run cut;
        run_cut(&cut, bytes, len, steps[i]);
        must(str_eq(buf_str(&cut.desk.log), buf_str(&whole.desk.log)));
        must(str_eq(buf_str(&cut.sent), buf_str(&whole.sent)));
        run_close(&cut);
    }
    run_close(&whole);
}
