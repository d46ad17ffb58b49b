/* codec/vapid.c - see vapid.h. */
#include "codec/vapid.h"
#include "base/json.h"
#include "codec/base64.h"
#include "codec/uri.h"

enum { CLAIMS_MAX = 8192 };

void vapid_public_key(const struct jwt_key *key, struct buf *out)
{
    unsigned char point[P256_POINT_SIZE];
    jwt_key_point(key, point);
    base64url_add(out, (struct str){(const char *)point, sizeof point});
}

enum err vapid_credential(const struct jwt_key *key, struct str origin, struct str subject,
                          struct wall expires, struct buf *out, struct why *why)
{
    struct buf claims;
    buf_init(&claims, CLAIMS_MAX);
    struct json_out json = json_out_to(&claims);
    json_open(&json, '{');
    json_name(&json, STR("aud"));
    json_str(&json, origin);
    json_name(&json, STR("exp"));
    json_i64(&json, expires.ms / 1000);
    json_name(&json, STR("sub"));
    json_str(&json, subject);
    json_close(&json, '}');

    buf_add(out, STR("vapid t="));
    enum err err = claims.failed ? why_set(why, ERR_MEMORY, "no memory for a VAPID token")
                                 : jwt_sign(key, STR("{\"typ\":\"JWT\",\"alg\":\"ES256\"}"),
                                            buf_str(&claims), out, why);
    buf_done(&claims);
    if (err)
        return err;
    buf_add(out, STR(", k="));
    vapid_public_key(key, out);
    return out->failed ? why_set(why, ERR_MEMORY, "no memory for a VAPID token") : OK;
}

bool vapid_subject_ok(struct str subject, struct why *why)
{
    struct url url;
    if (str_starts(subject, STR("mailto:"))) {
        struct str domain = str_slice(subject, sizeof "mailto:" - 1, subject.len);
        bool clean = domain.len <= 254;
        for (size_t i = 0; i < domain.len; i++)
            clean = clean && domain.at[i] > ' ' && domain.at[i] < 0x7f &&
                    !strchr("<>\",;()[]\\", domain.at[i]);
        struct str local = str_cut(&domain, '@');
        if (clean && local.len && domain.len && !str_has(domain, '@'))
            return true;
    } else if (url_parse(subject, &url) && url_has_scheme(&url, STR("https"))) {
        return true;
    }
    why_set(why, ERR_INPUT,
            "the subject must be 'mailto:you@example.com', without spaces or <>, or an https: URL");
    return false;
}
