/* test/unit/test_wire.c - what a reply's Retry-After asks for (RFC 9110 section 10.2.3). */
#include "model/wire.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { YEAR_S = 86400 * 365 };

static void retry_after_is_read_in_every_form(void **state)
{
    (void)state;
    /* 2026-11-22T12:00:00Z */
    static const struct wall at = {1795348800000};
    static const struct {
        const char *text;
        int64_t seconds;
    } rows[] = {
        {"2", 2},
        {"0", 0},
        {" 2 ", 2},
        {"002", 2},
        {"Sun, 22 Nov 2026 12:00:05 GMT", 5},
        {"Sunday, 22-Nov-26 12:00:05 GMT", 5},
        {"Sun Nov 22 12:00:05 2026", 5},
        {"Sun, 22 Nov 2026 11:00:00 GMT", 0}, /* past */
        {"31536001", 0},                      /* nobody means that */
        {"18446744073709551616", 0},
        {"99999999999999999999999999", 0},
        {"", 0},
        {"soon", 0},
        {"-5", 0},
        {"1.5", 0},
        {"9999999999999999999999x", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct header header = {STR("Retry-After"), str_of(rows[i].text)};
        const struct reply reply = {.headers = &header, .header_count = 1, .at = at};
        assert_int_equal(reply_retry_after(&reply).us, rows[i].seconds * 1000000);
    }
    assert_int_equal(reply_retry_after(&(struct reply){.at = at}).us, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(retry_after_is_read_in_every_form)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
