/* Every shape of HTTP/1.1 that two parsers could read differently, and the rest that is refused:
 * the status, then the end of the connection, and the handler never sees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/h1.h"
#include "sessions.h"

#define GET    "GET / HTTP/1.1\r\n"
#define POST   "POST / HTTP/1.1\r\n"
#define HOST   "Host: a\r\n"
#define CHUNKS POST HOST "Transfer-Encoding: chunked\r\n\r\n"
/* Stands in the text of a row for a byte that a C string cannot hold. */
#define NUL "\xfe"

struct row {
    int status;
    const char *text;
};

static const struct row request_lines[] = {
    {400, "GET  / HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET / HTTP/1.1 \r\n" HOST "\r\n"},
    {400, " GET / HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /\r\n" HOST "\r\n"},
    {400, "GET\r\n" HOST "\r\n"},
    {400, "GET / \r\n" HOST "\r\n"},
    {400, "GET\t/\tHTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET / x HTTP/1.1\r\n" HOST "\r\n"},
    {400, "G(T / HTTP/1.1\r\n" HOST "\r\n"},
    {400, "G" NUL "T / HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET / http/1.1\r\n" HOST "\r\n"},
    {400, "GET / HTTP/1\r\n" HOST "\r\n"},
    {400, "GET / HTTP/1.\r\n" HOST "\r\n"},
    {400, "GET / HTTP/11\r\n" HOST "\r\n"},
    {400, "GET / HTTP/1.1x\r\n" HOST "\r\n"},
    {400, "GET / HTTPS/1.1\r\n" HOST "\r\n"},
    {505, "GET / HTTP/2.0\r\n" HOST "\r\n"},
    {505, "GET / HTTP/1.2\r\n" HOST "\r\n"},
    {505, "GET / HTTP/0.9\r\n" HOST "\r\n"},
    {505, "GET / HTTP/3.0\r\n" HOST "\r\n"},
    {400, "GET a HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET ?a HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET * HTTP/1.1\r\n" HOST "\r\n"},
    {400, "OPTIONS *x HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /a#b HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /a\"b HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /a<b HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /a\\b HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /\x01 HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /" NUL " HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /\x7f HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /\ta HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /a\rb HTTP/1.1\r\n" HOST "\r\n"},
    {400, "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"},
    {400, "CONNECT / HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET http://b/ HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET http://a:80/ HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET http:///x HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET http://u@a/ HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET ftp://a/ HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET //a HTTP/1.1\r\n\r\n"},
    {400, "GET http:/a HTTP/1.1\r\n" HOST "\r\n"},
    {400, "\r\n\r\n" GET HOST "\r\n"},
    {400, "\n" GET HOST "\r\n"},
    {400, "\r\r\n" GET HOST "\r\n"},
    {400, "\x16\x03\x01\x02" NUL "\x01\xfc\x03\x03\r\n\r\n"},
};

static const struct row fields[] = {
    {400, GET "\r\n"},
    {400, GET HOST HOST "\r\n"},
    {400, GET "Host: a\r\nHost: b\r\n\r\n"},
    {400, GET "Host:\r\n\r\n"},
    {400, GET "Host: a b\r\n\r\n"},
    {400, GET "Host: a/b\r\n\r\n"},
    {400, GET "Host: u@a\r\n\r\n"},
    {400, GET "Host: a:b\r\n\r\n"},
    {400, GET "Host: a:999999\r\n\r\n"},
    {400, GET "Host: [::1\r\n\r\n"},
    {400, GET "Host: []\r\n\r\n"},
    {400, GET "Host: [::1]x\r\n\r\n"},
    {400, GET "Host: \xc3\xa9\r\n\r\n"},
    {400, "GET / HTTP/1.0\r\n" HOST HOST "\r\n"},
    {400, GET HOST "A : b\r\n\r\n"},
    {400, GET "Host : a\r\n\r\n"},
    {400, GET HOST "A\t: b\r\n\r\n"},
    {400, GET HOST ": b\r\n\r\n"},
    {400, GET HOST "A\r\n\r\n"},
    {400, GET HOST "A B: c\r\n\r\n"},
    {400, GET HOST "A(: c\r\n\r\n"},
    {400, GET HOST "\xc3\xa9: c\r\n\r\n"},
    {400, GET HOST "A" NUL ": c\r\n\r\n"},
    {400, GET HOST " folded: c\r\n\r\n"},
    {400, GET HOST "A: b\r\n c\r\n\r\n"},
    {400, GET HOST "A: b\r\n\tc\r\n\r\n"},
    {400, GET " Host: a\r\n\r\n"},
    {400, GET HOST "A: b" NUL "c\r\n\r\n"},
    {400, GET HOST "A: b\x01"
                   "c\r\n\r\n"},
    {400, GET HOST "A: b\x7f\r\n\r\n"},
    {400, GET HOST "A: b\x0b\r\n\r\n"},
    {400, GET HOST "A: b\rc\r\n\r\n"},
    {400, GET HOST "A: b\r\r\n\r\n"},
    {400, GET HOST "A: b\r\n\r\r\n\r\n"},
    {400, "GET / HTTP/1.1\n" HOST "\r\n"},
    {400, GET "Host: a\n\r\n"},
    {400, GET HOST "\n"},
    {400, GET HOST "A: b\nContent-Length: 5\r\n\r\n"},
    {417, POST HOST "Expect: 200-ok\r\nContent-Length: 1\r\n\r\nx"},
};

static const struct row framings[] = {
    {400, POST HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"},
    {400, POST HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy"},
    {400, POST HOST "Content-Length: 1, 1\r\n\r\nx"},
    {400, POST HOST "Content-Length: 1 1\r\n\r\nx"},
    {400, POST HOST "Content-Length: +1\r\n\r\nx"},
    {400, POST HOST "Content-Length: -1\r\n\r\nx"},
    {400, POST HOST "Content-Length: 0x1\r\n\r\nx"},
    {400, POST HOST "Content-Length: 1.0\r\n\r\nx"},
    {400, POST HOST "Content-Length: a\r\n\r\nx"},
    {400, POST HOST "Content-Length:\r\n\r\nx"},
    {400, POST HOST "Content-Length: 99999999999999999999\r\n\r\nx"},
    {400, POST HOST "Content-Length : 1\r\n\r\nx"},
    {400, POST HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {400, POST HOST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n"},
    {400, POST HOST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n"},
    {400, POST HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {400, POST HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"},
    {400, POST HOST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"},
    {400, POST HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
    {400, POST HOST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"},
    {400, POST HOST "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n"},
    {400, POST HOST "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n"},
    {400, POST HOST "Transfer-Encoding:\r\n\r\n0\r\n\r\n"},
    {400, POST HOST "Transfer-Encoding: \x0b"
                    "chunked\r\n\r\n0\r\n\r\n"},
    {400, POST HOST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"},
    {400, POST HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"},
    {400, POST HOST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"},
    {501, POST HOST "Transfer-Encoding: gzip\r\n\r\n"},
    {501, POST HOST "Transfer-Encoding: identity\r\n\r\n"},
    {501, POST HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
    {400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
};

static const struct row chunks[] = {
    {400, CHUNKS "\r\n\r\n"},
    {400, CHUNKS "x\r\n\r\n"},
    {400, CHUNKS "-1\r\n\r\n"},
    {400, CHUNKS "+1\r\nx\r\n0\r\n\r\n"},
    {400, CHUNKS "0x1\r\nx\r\n0\r\n\r\n"},
    {400, CHUNKS " 1\r\nx\r\n0\r\n\r\n"},
    {400, CHUNKS "1 \r\nx\r\n0\r\n\r\n"},
    {400, CHUNKS "1\nx\r\n0\r\n\r\n"},
    {400, CHUNKS "1\r\nx\n0\r\n\r\n"},
    {400, CHUNKS "1\r\nxy\r\n0\r\n\r\n"},
    {400, CHUNKS "1\r\nx0\r\n\r\n"},
    {400, CHUNKS "1\rx\r\n0\r\n\r\n"},
    {400, CHUNKS "10000000000000000\r\nx\r\n0\r\n\r\n"},
    {400, CHUNKS "00000000000000001\r\nx\r\n0\r\n\r\n"},
    {400, CHUNKS "1;\r\nx\r\n0\r\n\r\n"},
    {400, CHUNKS "1;a=\"b\r\nx\r\n0\r\n\r\n"},
    {400, CHUNKS "1;a=" NUL "\r\nx\r\n0\r\n\r\n"},
    {400, CHUNKS "1;a\nb\r\nx\r\n0\r\n\r\n"},
    {400, CHUNKS "1,a\r\nx\r\n0\r\n\r\n"},
    {400, CHUNKS "0\r\nA : b\r\n\r\n"},
    {400, CHUNKS "0\r\nA: b\nC: d\r\n\r\n"},
    {400, CHUNKS "0\r\nA: b\r\n folded\r\n\r\n"},
    {400, CHUNKS "0\r\nContent-Length: 5\r\n\r\n"},
    {400, CHUNKS "0\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {400, CHUNKS "0\r\nHost: b\r\n\r\n"},
    {400, CHUNKS "0\r\n\rx"},
};

/* Bytes with the stand-in for NUL replaced. */
static struct buf bytes_of(const char *text)
{
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    buf_add(&bytes, str_of(text));
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.at[i] == NUL[0])
            bytes.at[i] = '\0';
    return bytes;
}

/* The status of the first answer when the bytes come `step` at a time; 0 without one. */
static int status_of(struct str bytes, size_t step)
{
    struct desk *desk = desk_new(true, 1000);
    struct session *session = h1_new(desk->exchanges, false, at_ms(0));
    for (size_t at = 0; at < bytes.len; at += step)
        session->ops->feed(session, bytes.at + at, bytes.len - at < step ? bytes.len - at : step,
                           at_ms(0));
    struct str output = session->ops->output(session);
    int status = 0;
    if (output.at && output.len)
        assert_int_equal(sscanf(output.at, "HTTP/1.1 %d ", &status), 1);
    if (output.at && status >= 400) {
        assert_int_equal(desk->count, 0);
        assert_int_equal(session->ops->state(session), SESSION_ENDS);
        assert_non_null(memmem(output.at, output.len, "connection: close\r\n", 19));
        assert_non_null(memmem(output.at, output.len, "application/problem+json", 24));
    }
    session->ops->free(session);
    desk_free(desk);
    return status;
}

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct buf bytes = bytes_of(rows[i].text);
        for (size_t step = 1; step <= bytes.len; step = step < 3 ? step + 1 : step * 3) {
            int status = status_of(buf_str(&bytes), step);
            if (status != rows[i].status)
                fail_msg("%d, not %d, for \"%s\" fed %zu at a time", status, rows[i].status,
                         rows[i].text, step);
        }
        assert_int_equal(status_of(buf_str(&bytes), bytes.len), rows[i].status);
        buf_done(&bytes);
    }
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof *(rows))

static void malformed_request_lines_are_refused(void **state)
{
    (void)state;
    CHECK(request_lines);
}

static void malformed_fields_are_refused(void **state)
{
    (void)state;
    CHECK(fields);
}

static void ambiguous_framing_is_refused(void **state)
{
    (void)state;
    CHECK(framings);
}

static void malformed_chunks_are_refused(void **state)
{
    (void)state;
    CHECK(chunks);
}

/* `count` times `piece` between two texts. */
static int repeated(const char *before, const char *piece, size_t count, const char *after,
                    size_t step)
{
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    buf_add(&bytes, str_of(before));
    while (count--)
        buf_add(&bytes, str_of(piece));
    buf_add(&bytes, str_of(after));
    int status = status_of(buf_str(&bytes), step ? step : bytes.len);
    buf_done(&bytes);
    return status;
}

static void what_is_too_large_is_refused_however_it_is_cut(void **state)
{
    (void)state;
    static const size_t steps[] = {0, 1, 1000};
    for (size_t i = 0; i < 3; i++) {
        size_t step = steps[i];
        assert_int_equal(repeated("GET /", "a", 8 * 1024 - 1, " HTTP/1.1\r\n" HOST "\r\n", step),
                         200);
        assert_int_equal(repeated("GET /", "a", 8 * 1024, " HTTP/1.1\r\n" HOST "\r\n", step), 414);
        assert_int_equal(repeated("GET /", "a", 20000, "", step), 414);
        assert_int_equal(repeated(GET HOST, "A: b\r\n", 63, "\r\n", step), 200);
        assert_int_equal(repeated(GET HOST, "A: b\r\n", 64, "\r\n", step), 431);
        assert_int_equal(repeated(GET HOST "A: ", "b", 20000, "", step), 431);
        assert_int_equal(repeated(GET HOST "A: ", "b", 16000, "\r\n\r\n", step), 200);
        assert_int_equal(repeated(CHUNKS "1;", "a", 300, "\r\nx\r\n0\r\n\r\n", step), 400);
        assert_int_equal(repeated(CHUNKS "0\r\n", "A: b\r\n", 1000, "\r\n", step), 431);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_request_lines_are_refused),
        cmocka_unit_test(malformed_fields_are_refused),
        cmocka_unit_test(ambiguous_framing_is_refused),
        cmocka_unit_test(malformed_chunks_are_refused),
        cmocka_unit_test(what_is_too_large_is_refused_however_it_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
