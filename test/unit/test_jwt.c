/* Signing keys and tokens: what loads, what is refused with which remedy, and that others can
 * verify what was signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/ecdsa.h>

#include "../keys.h"
#include "base/json.h"
#include "codec/base64.h"
#include "codec/jwt.h"
#include "codec/vapid.h"

static EVP_PKEY *public_of(struct str pem)
{
    BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(pkey);
    return pkey;
}

/* Verifies with OpenSSL what stands before the last dot; an ES256 signature must be 64 bytes. */
static bool verifies(struct str pem, bool ec, struct str token)
{
    unsigned char raw[512], der[200];
    size_t raw_len, der_len = 0, dot = token.len;
    while (token.at[dot - 1] != '.')
        dot--;
    assert_true(base64url_decode(str_slice(token, dot, token.len), raw, sizeof raw, &raw_len));
    EVP_PKEY *pkey = public_of(pem);
    const unsigned char *signature = raw;
    if (ec) {
        assert_int_equal(raw_len, 64);
        ECDSA_SIG *parts = ECDSA_SIG_new();
        ECDSA_SIG_set0(parts, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL));
        unsigned char *at = der;
        der_len = (size_t)i2d_ECDSA_SIG(parts, &at);
        ECDSA_SIG_free(parts);
        signature = der;
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, pkey), 1);
    bool ok = EVP_DigestVerify(context, signature, ec ? der_len : raw_len,
                               (const unsigned char *)token.at, dot - 1) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pkey);
    return ok;
}

static void others_verify_what_was_signed(void **state)
{
    (void)state;
    char ec[PEM_MAX], rsa[PEM_MAX];
    const struct {
        enum jwt_alg alg;
        struct str pem;
    } rows[] = {{JWT_ES256, keys_ec("P-256", ec)}, {JWT_RS256, keys_rsa(2048, rsa)}};
    for (size_t i = 0; i < 2; i++) {
        struct jwt_key *key = NULL;
        struct why why;
        assert_int_equal(jwt_key_load(rows[i].alg, rows[i].pem, &key, &why), OK);
        /* Often enough that an R or S with leading zeros comes by. */
        for (int round = 0; round < (i ? 3 : 600); round++) {
            struct buf buf;
            buf_init(&buf, 2000);
            buf_add(&buf, STR("bearer "));
            assert_int_equal(jwt_sign(key, STR("{\"alg\":1}"), STR("{\"iss\":\"x\"}"), &buf, &why),
                             OK);
            struct str token = str_slice(buf_str(&buf), 7, buf.len);
            assert_true(str_starts(token, STR("eyJhbGciOjF9.eyJpc3MiOiJ4In0.")));
            assert_true(verifies(rows[i].pem, i == 0, token));
            buf.at[8] ^= 1;
            assert_false(verifies(rows[i].pem, i == 0, token));
            buf_done(&buf);
        }
        jwt_key_free(key);
    }
    jwt_key_free(NULL);
}

static void a_wrong_key_is_refused_with_the_remedy(void **state)
{
    (void)state;
    char p256[PEM_MAX], p384[PEM_MAX], rsa[PEM_MAX], small[PEM_MAX], locked[PEM_MAX], open[PEM_MAX];
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    keys_pem(pkey, "secret", false, locked);
    keys_pem(pkey, NULL, true, open);
    EVP_PKEY_free(pkey);
    keys_ec("P-256", p256);
    keys_ec("P-384", p384);
    keys_rsa(2048, rsa);
    keys_rsa(1024, small);
    char damaged[PEM_MAX];
    str_copy(str_of(p256), damaged, sizeof damaged);
    damaged[60] = '*';
    const struct {
        enum jwt_alg alg;
        const char *pem, *says;
    } rows[] = {
        {JWT_ES256, "", "no PEM text"},
        {JWT_ES256, "MIGHAgEAMBMGByqGSM49", "-----BEGIN PRIVATE KEY-----"},
        {JWT_ES256, locked, "openssl pkcs8 -topk8 -nocrypt"},
        {JWT_ES256, open, "holds no private key"},
        {JWT_ES256, damaged, "damaged"},
        {JWT_ES256, rsa, "the key is RSA"},
        {JWT_ES256, p384, "ec_paramgen_curve:P-256"},
        {JWT_RS256, p256, "the key is EC"},
        {JWT_RS256, small, "1024 bits"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct jwt_key *key = NULL;
        struct why why = {""};
        assert_int_equal(jwt_key_load(rows[i].alg, str_of(rows[i].pem), &key, &why), ERR_CRYPTO);
        if (!strstr(why.text, rows[i].says))
            fail_msg("row %zu: %s", i, why.text);
        assert_null(key);
    }
}

static void a_vapid_credential_names_audience_expiry_and_subject(void **state)
{
    (void)state;
    char pem[PEM_MAX], json[400];
    struct why why;
    struct jwt_key *key = NULL;
    struct buf buf, public_key;
    size_t len;
    buf_init(&buf, 2000);
    buf_init(&public_key, 200);
    keys_ec("P-256", pem);
    assert_int_equal(jwt_key_load(JWT_ES256, str_of(pem), &key, &why), OK);
    assert_int_equal(vapid_credential(key, STR("https://push.example"), STR("mailto:o@x.example"),
                                      (struct wall){1796115600999}, &buf, &why),
                     OK);
    struct str value = buf_str(&buf);
    assert_true(str_starts(value, STR("vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.")));
    struct str rest = str_slice(value, 8, value.len), token = str_cut(&rest, ',');
    assert_true(verifies(str_of(pem), true, token));
    str_cut(&token, '.');
    assert_true(base64url_decode(str_cut(&token, '.'), json, sizeof json, &len));
    assert_true(
        str_eq((struct str){json, len}, STR("{\"aud\":\"https://push.example\",\"exp\":1796115600,"
                                            "\"sub\":\"mailto:o@x.example\"}")));
    vapid_public_key(key, &public_key);
    assert_true(str_starts(rest, STR(" k=")));
    assert_true(str_eq(str_slice(rest, 3, rest.len), buf_str(&public_key)));
    unsigned char point[P256_POINT_SIZE];
    assert_true(base64url_decode(buf_str(&public_key), point, sizeof point, &len));
    assert_int_equal(len, 65);
    assert_int_equal(point[0], 4);
    jwt_key_free(key);
    buf_done(&buf);
    buf_done(&public_key);
}

static void a_vapid_subject_is_a_bare_mailto_or_https(void **state)
{
    (void)state;
    static const char *const good[] = {"mailto:ops@example.com", "https://example.com/contact"};
    static const char *const bad[] = {"",
                                      "ops@example.com",
                                      "mailto:",
                                      "mailto:ops",
                                      "mailto: ops@example.com",
                                      "mailto:<ops@example.com>",
                                      "mailto:a@b@c",
                                      "mailto:a@b\r\nx",
                                      "http://example.com",
                                      "https://"};
    struct why why;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(vapid_subject_ok(str_of(good[i]), &why));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        why.text[0] = '\0';
        assert_false(vapid_subject_ok(str_of(bad[i]), &why));
        assert_non_null(strstr(why.text, "mailto:"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_verify_what_was_signed),
        cmocka_unit_test(a_wrong_key_is_refused_with_the_remedy),
        cmocka_unit_test(a_vapid_credential_names_audience_expiry_and_subject),
        cmocka_unit_test(a_vapid_subject_is_a_bare_mailto_or_https),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
