/* E-mail: whole messages byte for byte, and that no field can break out of its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/utf8.h"
#include "codec/base64.h"
#include "codec/mime.h"

static struct mail simple(void)
{
    return (struct mail){.from = {STR(""), STR("a@shop.example")},
                         .to = STR("x@y.example"),
                         .subject = STR("Hello"),
                         .text = STR("Hi"),
                         .id = STR("dlv_01"),
                         .date = {1796115600000}};
}

static char *compose(const struct mail *mail)
{
    struct buf buf;
    struct why why;
    buf_init(&buf, 1 << 20);
    enum err err = mail_compose(mail, &buf, &why);
    if (err)
        fail_msg("%s", why.text);
    buf_add_char(&buf, '\0');
    assert_false(buf.failed);
    return buf.at;
}

#define HEAD_FROM_TO(from, subject)                                                                \
    "Date: Tue, 01 Dec 2026 09:00:00 +0000\r\nFrom: " from "\r\nTo: x@y.example\r\n" subject       \
    "Message-ID: <dlv_01@shop.example>\r\nMIME-Version: 1.0\r\n"                                   \
    "Auto-Submitted: auto-generated\r\n"

static void a_text_alone_is_one_part(void **state)
{
    (void)state;
    struct mail mail = simple();
    char *text = compose(&mail);
    assert_string_equal(
        text, HEAD_FROM_TO("a@shop.example",
                           "Subject: Hello\r\n") "Content-Type: text/plain; charset=utf-8\r\n"
                                                 "Content-Transfer-Encoding: quoted-printable\r\n"
                                                 "\r\nHi\r\n");
    free(text);
    mail.text = STR_NONE;
    mail.html = STR("<p>\n.\n</p>");
    mail.subject = STR_NONE;
    text = compose(&mail);
    assert_string_equal(
        text, HEAD_FROM_TO("a@shop.example", "") "Content-Type: text/html; charset=utf-8\r\n"
                                                 "Content-Transfer-Encoding: quoted-printable\r\n"
                                                 "\r\n<p>\r\n.\r\n</p>\r\n");
    free(text);
}

static void text_and_html_are_alternatives_text_first(void **state)
{
    (void)state;
    struct mail mail = simple();
    mail.html = STR("<b style=x>\xc3\xa9</b>");
    mail.from.name = STR("Shop");
    char *text = compose(&mail);
    assert_string_equal(
        text,
        HEAD_FROM_TO(
            "Shop <a@shop.example>",
            "Subject: Hello\r\n") "Content-Type: multipart/alternative;\r\n boundary=\"=_dlv_01\"\r\n"
                                  "\r\n--=_dlv_01\r\n"
                                  "Content-Type: text/plain; charset=utf-8\r\n"
                                  "Content-Transfer-Encoding: quoted-printable\r\n"
                                  "\r\nHi\r\n"
                                  "--=_dlv_01\r\n"
                                  "Content-Type: text/html; charset=utf-8\r\n"
                                  "Content-Transfer-Encoding: quoted-printable\r\n"
                                  "\r\n<b style=3Dx>=C3=A9</b>\r\n"
                                  "--=_dlv_01--\r\n");
    free(text);
}

static void bodies_are_quoted_printable(void **state)
{
    (void)state;
    static const struct {
        const char *text, *body;
    } rows[] = {
        {"", "\r\n"},
        {"a=b", "a=3Db\r\n"},
        {"a \nb\t\n ", "a=20\r\nb=09\r\n=20\r\n"},
        {"a \r\nb\rc\n\nd", "a=20\r\nb\r\nc\r\n\r\nd\r\n"},
        {"\x01\x7f\xed\x95\x9c", "=01=7F=ED=95=9C\r\n"},
        /* 75 characters and the soft break. */
        {"123456789012345678901234567890123456789012345678901234567890123456789012345678",
         "123456789012345678901234567890123456789012345678901234567890123456789012345=\r\n678\r\n"},
        {"12345678901234567890123456789012345678901234567890123456789012345678901234\xc3\xa9",
         "12345678901234567890123456789012345678901234567890123456789012345678901234=\r\n=C3=A9\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mail mail = simple();
        mail.text = str_of(rows[i].text);
        char *text = compose(&mail);
        assert_string_equal(strstr(text, "\r\n\r\n") + 4, rows[i].body);
        free(text);
    }
}

static void names_and_subjects_are_written_as_the_rfcs_want(void **state)
{
    (void)state;
    static const struct {
        const char *name, *from;
    } names[] = {
        {"Shop & Co", "Shop & Co <a@shop.example>"},
        {"Shop, Ltd.", "\"Shop, Ltd.\" <a@shop.example>"},
        {"a \"b\" \\", "\"a \\\"b\\\" \\\\\" <a@shop.example>"},
        {"\xea\xb0\x80\xea\xb2\x8c", "=?UTF-8?B?6rCA6rKM?= <a@shop.example>"},
        {"=?UTF-8?B?QQ==?=", "=?UTF-8?B?PT9VVEYtOD9CP1FRPT0/PQ==?= <a@shop.example>"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct mail mail = simple();
        char want[200];
        mail.from.name = str_of(names[i].name);
        char *text = compose(&mail);
        snprintf(want, sizeof want, "\r\nFrom: %s\r\n", names[i].from);
        assert_non_null(strstr(text, want));
        free(text);
    }
    struct mail mail = simple();
    mail.subject =
        STR("one two three four five six seven eight nine ten eleven twelve thirteen 14");
    char *text = compose(&mail);
    assert_non_null(strstr(text, "Subject: one two three four five six seven eight nine ten eleven "
                                 "twelve\r\n thirteen 14\r\n"));
    free(text);
    mail.subject = STR("two  spaces");
    text = compose(&mail);
    assert_non_null(strstr(text, "Subject: =?UTF-8?B?dHdvICBzcGFjZXM=?=\r\n"));
    free(text);
}

/* Takes a header's folded value apart again: encoded-words decoded, folds and the white space
 * between words gone. */
static void decode_words(struct str value, struct buf *out)
{
    while (value.at) {
        struct str word = str_trim(str_cut(&value, ' '));
        while (word.len && (word.at[word.len - 1] == '\n' || word.at[word.len - 1] == '\r'))
            word.len--;
        if (!word.len)
            continue;
        assert_true(str_starts(word, STR("=?UTF-8?B?")) && str_ends(word, STR("?=")));
        assert_true(word.len <= 75);
        char piece[75];
        size_t len;
        assert_true(base64_decode(str_slice(word, 10, word.len - 2), piece, sizeof piece, &len));
        assert_true(str_is_utf8((struct str){piece, len}));
        buf_add_bytes(out, piece, len);
    }
}

static void any_subject_survives_and_no_line_is_long(void **state)
{
    (void)state;
    static const char *const letters[] = {
        "a", " ", "\xc3\xa9", "\xed\x95\x9c", "\xf0\x9f\x98\x80", "=?", "\xe2\x80\xa8", "\t"};
    struct rng rng = rng_of(3);
    for (int round = 0; round < 300; round++) {
        struct buf subject, back;
        buf_init(&subject, 10000);
        buf_init(&back, 10000);
        buf_add(&subject, STR("\xed\x95\x9c"));
        for (uint64_t left = rng_below(&rng, 200); left; left--)
            buf_add(&subject, str_of(letters[rng_below(&rng, 8)]));
        struct mail mail = simple();
        mail.subject = buf_str(&subject);
        mail.from.name = buf_str(&subject);
        char *text = compose(&mail);
        const char *from = strstr(text, "\r\nSubject: ") + 11, *to = strstr(from, "\r\nMessage-ID");
        decode_words((struct str){from, (size_t)(to - from)}, &back);
        assert_true(str_eq(buf_str(&back), buf_str(&subject)));
        struct str rest = str_of(text);
        while (rest.at) {
            struct str line = str_cut(&rest, '\n');
            assert_true(!rest.at || str_ends(line, STR("\r")));
            assert_true(line.len <= 77);
            assert_false(str_has(str_slice(line, 0, line.len - (line.len > 0)), '\r'));
        }
        free(text);
        buf_done(&subject);
        buf_done(&back);
    }
}

static void what_would_break_out_is_refused(void **state)
{
    (void)state;
    static const struct str poison[] = {STR_INIT("a\rb"), STR_INIT("a\nb"),
                                        STR_INIT("a\r\nBcc: v@x"), STR_INIT("a\0b")};
    struct why why;
    struct buf buf;
    buf_init(&buf, 10000);
    for (size_t i = 0; i < sizeof poison / sizeof *poison; i++)
        for (int field = 0; field < 5; field++) {
            struct mail mail = simple();
            struct str *at[] = {&mail.subject, &mail.from.name, &mail.from.address, &mail.to,
                                &mail.id};
            *at[field] = poison[i];
            assert_int_equal(mail_compose(&mail, &buf, &why), ERR_INPUT);
            assert_int_equal(buf.len, 0);
        }
    struct mail mail = simple();
    mail.text = STR_NONE;
    assert_int_equal(mail_compose(&mail, &buf, &why), ERR_INPUT);
    mail = simple();
    mail.text = STR("\xff");
    assert_int_equal(mail_compose(&mail, &buf, &why), ERR_INPUT);
    mail = simple();
    buf.max = 100;
    assert_int_equal(mail_compose(&mail, &buf, &why), ERR_LIMIT);
    buf_done(&buf);
}

static void mailboxes_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name, *address;
    } good[] = {
        {"a@b.example", "", "a@b.example"},
        {" <a@b.example> ", "", "a@b.example"},
        {"Shop <no-reply@shop.example>", "Shop", "no-reply@shop.example"},
        {"\"Shop, \\\"x\\\"\" <a@b>", "Shop, \"x\"", "a@b"},
        {"\xea\xb0\x80 <o'neil+x=y@b-c.example>", "\xea\xb0\x80", "o'neil+x=y@b-c.example"},
        {"Shop<a@b>", "Shop", "a@b"},
    };
    static const char *const bad[] = {
        "",
        "a",
        "@b",
        "a@",
        "a@b@c",
        "a b@c",
        "Shop a@b",
        "Shop <a@b",
        "Shop <>",
        "<a@b>>",
        "a..b@c",
        ".a@c",
        "a.@c",
        "a@b..c",
        "a@.c",
        "a@c.",
        "\xc3\xa9@b",
        "a@\xc3\xa9",
        "a@b\r\nx: y",
        "x\n<a@b>",
        "a@b,c@d",
        "\"a b\"@c",
        "a@[127.0.0.1]",
        "<a@b>, <c@d>",
    };
    struct arena arena;
    struct mailbox box;
    struct why why;
    arena_init(&arena, 10000);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(mailbox_parse(str_of(good[i].text), &arena, &box, &why), OK);
        assert_true(str_eq(box.name, str_of(good[i].name)));
        assert_true(str_eq(box.address, str_of(good[i].address)));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (mailbox_parse(str_of(bad[i]), &arena, &box, &why) != ERR_INPUT)
            fail_msg("accepted '%s'", bad[i]);
    char local[70];
    memset(local, 'a', sizeof local);
    memcpy(local + 64, "@b", 2);
    assert_true(mailbox_address_ok((struct str){local, 66}));
    memcpy(local + 64, "a@b", 3);
    assert_false(mailbox_address_ok((struct str){local, 67}));
    assert_true(str_eq(mailbox_domain(STR("a@b.example")), STR("b.example")));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_alone_is_one_part),
        cmocka_unit_test(text_and_html_are_alternatives_text_first),
        cmocka_unit_test(bodies_are_quoted_printable),
        cmocka_unit_test(names_and_subjects_are_written_as_the_rfcs_want),
        cmocka_unit_test(any_subject_survives_and_no_line_is_long),
        cmocka_unit_test(what_would_break_out_is_refused),
        cmocka_unit_test(mailboxes_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
