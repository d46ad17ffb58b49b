/* SHA-256 and HMAC against published vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "codec/base64.h"
#include "codec/digest.h"
#include "codec/hex.h"

static void check(const unsigned char *digest, size_t len, const char *want)
{
    char text[2 * SHA256_SIZE + 1];
    hex_write(digest, len, text);
    assert_string_equal(text, want);
}

/* FIPS 180-4 examples. */
static void sha256_of_known_texts(void **state)
{
    (void)state;
    unsigned char digest[SHA256_SIZE];
    sha256(STR("abc"), digest);
    check(digest, sizeof digest,
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256(STR_NONE, digest);
    check(digest, sizeof digest,
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* RFC 4231 sections 4.2, 4.3 and 4.7; RFC 2202 section 3. */
static void hmac_of_known_texts(void **state)
{
    (void)state;
    unsigned char digest[SHA256_SIZE];
    char long_key[131];
    memset(long_key, 0xaa, sizeof long_key);
    hmac_sha256(
        STR("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"),
        STR("Hi There"), digest);
    check(digest, SHA256_SIZE, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), digest);
    check(digest, SHA256_SIZE, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    hmac_sha256((struct str){long_key, sizeof long_key},
                STR("Test Using Larger Than Block-Size Key - Hash Key First"), digest);
    check(digest, SHA256_SIZE, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    hmac_sha1(STR("Jefe"), STR("what do ya want for nothing?"), digest);
    check(digest, SHA1_SIZE, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    hmac_sha256(STR_NONE, STR_NONE, digest);
    check(digest, SHA256_SIZE, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* The example of Twilio's documentation of X-Twilio-Signature. */
static void twilio_signs_like_this(void **state)
{
    (void)state;
    unsigned char digest[SHA1_SIZE];
    struct buf buf;
    buf_init(&buf, 100);
    hmac_sha1(STR("12345"),
              STR("https://mycompany.com/myapp.php?foo=1&bar=2CallSidCA1234567890ABCDE"
                  "Caller+12349013030Digits1234From+12349013030To+18005551212"),
              digest);
    base64_add(&buf, (struct str){(const char *)digest, sizeof digest});
    assert_true(str_eq(buf_str(&buf), STR("0/KCTR6DLpKmkAf8muzZqo1nDgQ=")));
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_of_known_texts),
        cmocka_unit_test(hmac_of_known_texts),
        cmocka_unit_test(twilio_signs_like_this),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
