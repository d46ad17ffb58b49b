/* TLS without a socket: who is believed, what is agreed, and what is said when it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/certificate.h"
#include "net/tls.h"

enum { YEAR_S = 365 * 86400 };

/* Moves what `from` has to say to `to`, `step` bytes at a time. */
static void carry(struct tls *from, struct tls *to, size_t step)
{
    for (;;) {
        struct str output = tls_output(from);
        size_t len = output.len < step ? output.len : step;
        if (len == 0)
            return;
        enum err err = tls_feed(to, output.at, len);
        assert_true(err == OK || err == ERR_CLOSED);
        tls_output_drop(from, len);
    }
}

struct pair {
    struct tls_context *server_context, *client_context;
    struct tls *server, *client;
    struct why server_why, client_why;
    enum err server_err, client_err;
};

static struct tls_context *server_of(const struct certificate *certificate)
{
    struct tls_context *context;
    struct why why;
    assert_int_equal(tls_server_open(str_of(certificate->cert_pem), str_of(certificate->key_pem),
                                     &context, &why),
                     OK);
    return context;
}

static struct pair pair_open(const struct certificate *certificate, const char *roots,
                             const char *host, unsigned alpn)
{
    struct pair pair = {.server_context = server_of(certificate)};
    struct why why;
    assert_int_equal(tls_client_open(str_of(roots), &pair.client_context, &why), OK);
    assert_int_equal(tls_accept(pair.server_context, &pair.server, &why), OK);
    assert_int_equal(tls_connect(pair.client_context, str_of(host), alpn, &pair.client, &why), OK);
    return pair;
}

static void pair_close(struct pair *pair)
{
    tls_free(pair->server);
    tls_free(pair->client);
    tls_context_close(pair->server_context);
    tls_context_close(pair->client_context);
}

/* Runs the handshake until nobody has anything to say. */
static void shake(struct pair *pair, size_t step)
{
    char none[16];
    size_t len;
    for (int i = 0; i < 8; i++) {
        carry(pair->client, pair->server, step);
        if (pair->server_err == OK)
            pair->server_err = tls_read(pair->server, none, sizeof none, &len, &pair->server_why);
        carry(pair->server, pair->client, step);
        if (pair->client_err == OK)
            pair->client_err = tls_read(pair->client, none, sizeof none, &len, &pair->client_why);
    }
}

static void a_name_or_address_that_the_certificate_has_is_believed(void **state)
{
    struct certificate *ca = *state;
    struct certificate leaf = certificate_new(ca, "leaf",
                                              "DNS:a.example,DNS:*.b.example,"
                                              "IP:127.0.0.1,IP:::1",
                                              YEAR_S);
    static const struct {
        const char *host;
        bool believed;
    } rows[] = {
        {"a.example", true}, {"A.EXAMPLE", true},  {"a.example.", true}, {"x.b.example", true},
        {"127.0.0.1", true}, {"::1", true},        {"b.example", false}, {"x.y.b.example", false},
        {"leaf", false},     {"127.0.0.2", false}, {"::2", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pair pair = pair_open(&leaf, ca->cert_pem, rows[i].host, TLS_ALPN_H2);
        shake(&pair, 1 << 20);
        assert_int_equal(tls_ready(pair.client), rows[i].believed);
        assert_int_equal(pair.client_err, rows[i].believed ? OK : ERR_CRYPTO);
        if (!rows[i].believed)
            assert_non_null(strstr(pair.client_why.text, "mismatch"));
        pair_close(&pair);
    }
    certificate_free(&leaf);
}

static void other_authorities_and_old_certificates_are_not_believed(void **state)
{
    struct certificate *ca = *state;
    struct certificate other = certificate_new(NULL, "other", NULL, YEAR_S);
    struct certificate leaf = certificate_new(ca, "leaf", "DNS:a", YEAR_S);
    struct certificate old = certificate_new(ca, "leaf", "DNS:a", -60);
    struct pair pair = pair_open(&leaf, other.cert_pem, "a", 0);
    shake(&pair, 1 << 20);
    assert_int_equal(pair.client_err, ERR_CRYPTO);
    assert_non_null(strstr(pair.client_why.text, "certificate"));
    assert_int_equal(pair.server_err, ERR_CRYPTO); /* the alert has come */
    assert_int_equal(tls_feed(pair.client, "x", 1), ERR_CLOSED);
    pair_close(&pair);
    pair = pair_open(&old, ca->cert_pem, "a", 0);
    shake(&pair, 1 << 20);
    assert_int_equal(pair.client_err, ERR_CRYPTO);
    assert_non_null(strstr(pair.client_why.text, "expired"));
    pair_close(&pair);
    certificate_free(&other);
    certificate_free(&leaf);
    certificate_free(&old);
}

static void the_protocol_is_agreed_by_alpn(void **state)
{
    struct certificate *ca = *state;
    struct certificate leaf = certificate_new(ca, "leaf", "DNS:a", YEAR_S);
    static const struct {
        unsigned offered;
        enum tls_alpn agreed;
    } rows[] = {
        {TLS_ALPN_H2, TLS_ALPN_H2},
        {TLS_ALPN_HTTP1, TLS_ALPN_HTTP1},
        {TLS_ALPN_H2 | TLS_ALPN_HTTP1, TLS_ALPN_H2},
        {TLS_ALPN_NONE, TLS_ALPN_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pair pair = pair_open(&leaf, ca->cert_pem, "a", rows[i].offered);
        assert_int_equal(tls_alpn(pair.client), TLS_ALPN_NONE);
        shake(&pair, 1 + i * 100); /* one byte at a time, too */
        assert_true(tls_ready(pair.client) && tls_ready(pair.server));
        assert_int_equal(tls_alpn(pair.client), rows[i].agreed);
        assert_int_equal(tls_alpn(pair.server), rows[i].agreed);
        pair_close(&pair);
    }
    certificate_free(&leaf);
}

/* All that can be read now, into `into`. */
static enum err drain(struct tls *tls, struct buf *into)
{
    char piece[3000];
    size_t len;
    struct why why;
    enum err err;
    while ((err = tls_read(tls, piece, sizeof piece, &len, &why)) == OK && len)
        buf_add_bytes(into, piece, len);
    return err;
}

static void what_is_written_is_read_and_the_end_is_told(void **state)
{
    struct certificate *ca = *state;
    struct certificate leaf = certificate_new(ca, "leaf", "DNS:a", YEAR_S);
    struct pair pair = pair_open(&leaf, ca->cert_pem, "a", 0);
    struct why why;
    struct buf text, got, taken;
    buf_init(&text, 1 << 20);
    buf_init(&got, 1 << 20);
    buf_init(&taken, 1 << 20);
    shake(&pair, 1000);
    for (int i = 0; i < 20000; i++)
        buf_add_u64(&text, (uint64_t)i);
    assert_int_equal(tls_write(pair.client, text.at, text.len, &why), OK);
    assert_true(tls_take_output(pair.client, &taken));
    assert_int_equal(tls_output(pair.client).len, 0);
    assert_int_equal(tls_feed(pair.server, taken.at, taken.len), OK);
    assert_int_equal(drain(pair.server, &got), OK);
    assert_int_equal(got.len, text.len);
    assert_memory_equal(got.at, text.at, text.len);
    tls_shutdown(pair.client);
    assert_int_equal(tls_write(pair.client, "x", 1, &why), ERR_CLOSED);
    carry(pair.client, pair.server, 7);
    assert_int_equal(drain(pair.server, &got), ERR_CLOSED);
    buf_done(&text);
    buf_done(&got);
    buf_done(&taken);
    pair_close(&pair);
    certificate_free(&leaf);
}

static void garbage_ends_a_session_and_floods_are_bounded(void **state)
{
    struct certificate *ca = *state;
    struct certificate leaf = certificate_new(ca, "leaf", "DNS:a", YEAR_S);
    struct tls_context *context = server_of(&leaf);
    struct why why;
    struct tls *tls;
    char into[100];
    size_t len;
    assert_int_equal(tls_accept(context, &tls, &why), OK);
    assert_int_equal(tls_feed(tls, "GET / HTTP/1.1\r\n\r\n", 18), OK);
    assert_int_equal(tls_read(tls, into, sizeof into, &len, &why), ERR_CRYPTO);
    assert_true(strlen(why.text) > 0);
    tls_free(tls);
    assert_int_equal(tls_accept(context, &tls, &why), OK);
    char *zeros = calloc(1, 1 << 20);
    assert_int_equal(tls_feed(tls, zeros, 1 << 20), ERR_FULL);
    free(zeros);
    tls_free(tls);
    tls_context_close(context);
    certificate_free(&leaf);
}

static void a_context_may_go_before_its_sessions(void **state)
{
    struct certificate *ca = *state;
    struct certificate leaf = certificate_new(ca, "leaf", "DNS:a", YEAR_S);
    struct pair pair = pair_open(&leaf, ca->cert_pem, "a", 0);
    struct tls_context *second = tls_context_share(pair.server_context);
    tls_context_close(pair.server_context);
    pair.server_context = second;
    tls_context_close(pair.client_context);
    pair.client_context = NULL;
    shake(&pair, 100);
    assert_true(tls_ready(pair.client) && tls_ready(pair.server));
    pair_close(&pair);
    certificate_free(&leaf);
}

static void unusable_certificates_and_keys_are_refused_with_a_reason(void **state)
{
    struct certificate *ca = *state;
    struct certificate leaf = certificate_new(ca, "leaf", "DNS:a", YEAR_S);
    struct tls_context *context;
    struct why why = {""};
    struct str cert = str_of(leaf.cert_pem), key = str_of(leaf.key_pem);
    assert_int_equal(tls_server_open(STR("nothing"), key, &context, &why), ERR_CRYPTO);
    assert_int_equal(tls_server_open(cert, STR("nothing"), &context, &why), ERR_CRYPTO);
    assert_int_equal(tls_server_open(cert, str_of(ca->key_pem), &context, &why), ERR_CRYPTO);
    assert_int_equal(tls_server_open(STR_NONE, STR_NONE, &context, &why), ERR_CRYPTO);
    assert_int_equal(tls_client_open(STR("nothing"), &context, &why), ERR_CRYPTO);
    assert_int_equal(tls_client_open(STR(""), &context, &why), ERR_CRYPTO);
    assert_int_equal(tls_server_open_files("/nowhere/cert", "/nowhere/key", &context, &why),
                     ERR_MISSING);
    assert_non_null(strstr(why.text, "/nowhere/cert"));
    assert_int_equal(tls_client_open(STR_NONE, &context, &why), OK); /* the system's roots */
    struct tls *tls;
    assert_int_equal(tls_connect(context, STR(""), 0, &tls, &why), ERR_INPUT);
    assert_int_equal(tls_connect(context, STR("a\0b"), 0, &tls, &why), ERR_INPUT);
    tls_context_close(context);
    certificate_free(&leaf);
}

static int make_authority(void **state)
{
    static struct certificate ca; /* of this group of tests */
    ca = certificate_new(NULL, "authority", NULL, YEAR_S);
    *state = &ca;
    return 0;
}

static int free_authority(void **state)
{
    certificate_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_or_address_that_the_certificate_has_is_believed),
        cmocka_unit_test(other_authorities_and_old_certificates_are_not_believed),
        cmocka_unit_test(the_protocol_is_agreed_by_alpn),
        cmocka_unit_test(what_is_written_is_read_and_the_end_is_told),
        cmocka_unit_test(garbage_ends_a_session_and_floods_are_bounded),
        cmocka_unit_test(a_context_may_go_before_its_sessions),
        cmocka_unit_test(unusable_certificates_and_keys_are_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, make_authority, free_authority);
}
