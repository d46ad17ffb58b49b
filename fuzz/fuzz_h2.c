/* fuzz/fuzz_h2.c - any bytes behind the preface of an HTTP/2 connection, with answers, deadlines
 * and a drain in between: every request is answered or dropped, and all memory comes back.
 */
#include "fuzz.h"
#include "net/connection.h"
#include "sessions.h"

static struct now at_s(int64_t s)
{
    return (struct now){.mono = {s * 1000000}};
}

static void flush(struct connection *connection, int64_t s)
{
    for (int i = 0; i < 1000; i++) {
        struct str output = connection_output(connection);
        if (output.len == 0)
            return;
        connection_sent(connection, output.len, at_s(s));
    }
}

static void run(const uint8_t *bytes, size_t len, size_t step, bool late)
{
    struct desk desk;
    desk_open(&desk);
    struct connection *connection = connection_new(desk.exchanges, NULL, NULL, NULL, at_s(0));
    must(connection != NULL);
    connection_feed(connection, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24, at_s(0));
    for (size_t at = 0; at < len; at += step) {
        if (connection_state(connection) == CONNECTION_READS)
            connection_feed(connection, (const char *)bytes + at, len - at < step ? len - at : step,
                            at_s(0));
        if (!late)
            flush(connection, 0);
    }
    (void)desk_answer_later(&desk);
    connection_step(connection, at_s(1));
    flush(connection, 1);
    connection_drain(connection, false, at_s(2));
    connection_drain(connection, true, at_s(2));
    flush(connection, 2);
    for (int64_t s = 3; s < 100 && connection_state(connection) != CONNECTION_OVER; s += 5) {
        if (mono_reached(at_s(s).mono, connection_deadline(connection)))
            connection_expire(connection, at_s(s));
        flush(connection, s);
    }
    connection_free(connection);
    desk_close(&desk);
}

void fuzz_h2(const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return;
    run(bytes, len, len, false);
    run(bytes, len, 11, true);
}
