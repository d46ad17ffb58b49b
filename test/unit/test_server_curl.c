/* The server against libcurl: HTTP/1.1, HTTP/2 with prior knowledge, and both over TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/certificate.h"
#include "serving.h"
#include <curl/curl.h>

struct secure {
    struct certificate ca, leaf;
    struct tls_context *tls;
};

static int secure_open(void **state)
{
    struct secure *secure = calloc(1, sizeof *secure);
    struct why why;
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    secure->ca = certificate_new(NULL, "authority", NULL, 86400);
    secure->leaf = certificate_new(&secure->ca, "leaf", "IP:127.0.0.1", 86400);
    *state = secure;
    return tls_server_open(str_of(secure->leaf.cert_pem), str_of(secure->leaf.key_pem),
                           &secure->tls, &why) == OK
               ? 0
               : 1;
}

static int secure_close(void **state)
{
    struct secure *secure = *state;
    tls_context_close(secure->tls);
    certificate_free(&secure->leaf);
    certificate_free(&secure->ca);
    free(secure);
    curl_global_cleanup();
    return 0;
}

/* One way to reach the server. */
struct way {
    long version; /* CURL_HTTP_VERSION_* to ask for */
    bool tls;
    long spoken; /* what it comes to */
};

static const struct way ways[] = {
    {CURL_HTTP_VERSION_1_1, false, CURL_HTTP_VERSION_1_1},
    {CURL_HTTP_VERSION_1_0, false, CURL_HTTP_VERSION_1_1},
    {CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE, false, CURL_HTTP_VERSION_2_0},
    {CURL_HTTP_VERSION_2_0, false, CURL_HTTP_VERSION_1_1}, /* the upgrade is not taken */
    {CURL_HTTP_VERSION_1_1, true, CURL_HTTP_VERSION_1_1},
    {CURL_HTTP_VERSION_2TLS, true, CURL_HTTP_VERSION_2_0},
};
enum { WAY_COUNT = sizeof ways / sizeof *ways };

struct call {
    CURL *curl;
    struct serving *serving;
    const struct way *way;
    struct buf body;
    long status;
};

static size_t take_body(char *at, size_t size, size_t count, void *self)
{
    buf_add_bytes(self, at, size * count);
    return size * count;
}

static struct call call_open(struct serving *serving, const struct way *way, const char *ca_pem)
{
    struct call call = {.curl = curl_easy_init(), .serving = serving, .way = way};
    struct curl_blob ca = {(void *)(uintptr_t)ca_pem, strlen(ca_pem), CURL_BLOB_COPY};
    assert_non_null(call.curl);
    curl_easy_setopt(call.curl, CURLOPT_HTTP_VERSION, way->version);
    curl_easy_setopt(call.curl, CURLOPT_CAINFO_BLOB, &ca);
    curl_easy_setopt(call.curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(call.curl, CURLOPT_TIMEOUT, 20L);
    /* curl 7.88 cannot use such a connection twice, whoever the server is. */
    if (way->version == CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE)
        curl_easy_setopt(call.curl, CURLOPT_FORBID_REUSE, 1L);
    return call;
}

static void call_close(struct call *call)
{
    curl_easy_cleanup(call->curl);
    buf_done(&call->body);
}

static CURLcode call_do(struct call *call, const char *path)
{
    char url[200];
    buf_done(&call->body);
    buf_init(&call->body, 1 << 24);
    (void)snprintf(url, sizeof url, "%s://127.0.0.1:%u%s", call->way->tls ? "https" : "http",
                   call->serving->ports[call->way->tls], path);
    curl_easy_setopt(call->curl, CURLOPT_URL, url);
    curl_easy_setopt(call->curl, CURLOPT_WRITEDATA, &call->body);
    CURLcode code = curl_easy_perform(call->curl);
    curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &call->status);
    return code;
}

static void every_way_gives_the_same_answers(void **state)
{
    struct secure *secure = *state;
    struct serving *serving = serving_open(secure->tls, NULL);
    for (size_t i = 0; i < WAY_COUNT; i++) {
        struct call call = call_open(serving, &ways[i], secure->ca.cert_pem);
        long connects, version;
        for (int again = 0; again < 3; again++) {
            assert_int_equal(call_do(&call, "/a?b"), CURLE_OK);
            assert_int_equal(call.status, 200);
            assert_true(str_eq(buf_str(&call.body), STR("GET /a 0")));
            curl_easy_getinfo(call.curl, CURLINFO_HTTP_VERSION, &version);
            assert_int_equal(version, ways[i].spoken);
            curl_easy_getinfo(call.curl, CURLINFO_NUM_CONNECTS, &connects);
            bool reuses = ways[i].version != CURL_HTTP_VERSION_1_0 &&
                          ways[i].version != CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
            assert_int_equal(connects, again == 0 || !reuses);
        }
        assert_int_equal(call_do(&call, "/large"), CURLE_OK);
        assert_int_equal(call.body.len, LARGE_BYTES);
        curl_easy_setopt(call.curl, CURLOPT_NOBODY, 1L);
        assert_int_equal(call_do(&call, "/large"), CURLE_OK);
        assert_int_equal(call.body.len, 0);
        call_close(&call);
    }
    serving_close(serving);
}

static void every_way_takes_bodies_up_to_the_limit(void **state)
{
    struct secure *secure = *state;
    struct serving *serving = serving_open(secure->tls, NULL);
    static const long sizes[] = {0, 1, 1000, 20000, 200000, 200001, 1500000};
    char *body = malloc(1500000);
    memset(body, 'b', 1500000);
    for (size_t i = 0; i < WAY_COUNT; i++)
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            struct call call = call_open(serving, &ways[i], secure->ca.cert_pem);
            char expected[50];
            curl_easy_setopt(call.curl, CURLOPT_POSTFIELDS, body);
            curl_easy_setopt(call.curl, CURLOPT_POSTFIELDSIZE, sizes[j]);
            CURLcode code = call_do(&call, "/body");
            /* Over the limit the answer may come while curl is still sending. */
            if (sizes[j] <= 200000)
                assert_int_equal(code, CURLE_OK);
            (void)snprintf(expected, sizeof expected, "POST /body %ld",
                           sizes[j] <= 200000 ? sizes[j] : 0);
            assert_int_equal(call.status, sizes[j] <= 200000 ? 200 : 413);
            assert_true(str_eq(buf_str(&call.body), str_of(expected)));
            call_close(&call);
        }
    free(body);
    assert_int_equal(serving_stats(serving).bodies_bytes, 0);
    serving_close(serving);
}

/* A body of unknown length: chunked in HTTP/1.1. */
static size_t give_body(char *into, size_t size, size_t count, void *self)
{
    size_t *left = self, piece = size * count < *left ? size * count : *left;
    memset(into, 'c', piece);
    *left -= piece;
    return piece;
}

static void bodies_of_unknown_length_are_taken(void **state)
{
    struct secure *secure = *state;
    struct serving *serving = serving_open(secure->tls, NULL);
    for (size_t i = 0; i < WAY_COUNT; i++) {
        if (ways[i].version == CURL_HTTP_VERSION_1_0)
            continue; /* it cannot say them */
        struct call call = call_open(serving, &ways[i], secure->ca.cert_pem);
        size_t left = 150000;
        curl_easy_setopt(call.curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(call.curl, CURLOPT_READFUNCTION, give_body);
        curl_easy_setopt(call.curl, CURLOPT_READDATA, &left);
        assert_int_equal(call_do(&call, "/up"), CURLE_OK);
        assert_true(str_eq(buf_str(&call.body), STR("PUT /up 150000")));
        call_close(&call);
    }
    serving_close(serving);
}

static void renew(struct serving *serving)
{
    server_set_tls(serving->server, 1, serving->new_tls);
}

static void a_new_certificate_serves_new_connections_and_keeps_the_old(void **state)
{
    struct secure *secure = *state;
    struct certificate ca = certificate_new(NULL, "new authority", NULL, 86400);
    struct certificate leaf = certificate_new(&ca, "leaf", "IP:127.0.0.1", 86400);
    struct tls_context *tls;
    struct why why;
    struct serving *serving = serving_open(secure->tls, NULL);
    struct call old = call_open(serving, &ways[5], secure->ca.cert_pem);
    assert_int_equal(call_do(&old, "/1"), CURLE_OK);
    assert_int_equal(tls_server_open(str_of(leaf.cert_pem), str_of(leaf.key_pem), &tls, &why), OK);
    serving->new_tls = tls;
    serving_do(serving, renew);
    assert_int_equal(call_do(&old, "/2"), CURLE_OK);
    struct call trusts_old = call_open(serving, &ways[5], secure->ca.cert_pem);
    struct call trusts_new = call_open(serving, &ways[5], ca.cert_pem);
    assert_int_equal(call_do(&trusts_old, "/3"), CURLE_PEER_FAILED_VERIFICATION);
    assert_int_equal(call_do(&trusts_new, "/4"), CURLE_OK);
    call_close(&old);
    call_close(&trusts_old);
    call_close(&trusts_new);
    serving_close(serving);
    certificate_free(&leaf);
    certificate_free(&ca);
}

static void plain_http_on_a_tls_port_harms_nobody(void **state)
{
    struct secure *secure = *state;
    struct serving *serving = serving_open(secure->tls, NULL);
    struct buf got;
    int fd = client_open(serving->ports[1]);
    client_send(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    buf_init(&got, 1 << 20);
    (void)client_read(fd, &got, NULL);
    assert_null(got.len ? memmem(got.at, got.len, "HTTP/1.1 200", 12) : NULL);
    buf_done(&got);
    close(fd);
    struct call call = call_open(serving, &ways[5], secure->ca.cert_pem);
    assert_int_equal(call_do(&call, "/"), CURLE_OK);
    call_close(&call);
    serving_close(serving);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_gives_the_same_answers),
        cmocka_unit_test(every_way_takes_bodies_up_to_the_limit),
        cmocka_unit_test(bodies_of_unknown_length_are_taken),
        cmocka_unit_test(a_new_certificate_serves_new_connections_and_keeps_the_old),
        cmocka_unit_test(plain_http_on_a_tls_port_harms_nobody),
    };
    return cmocka_run_group_tests(tests, secure_open, secure_close);
}
