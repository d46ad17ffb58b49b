/* model/check.h - whether a text from outside is what it claims to be. Shapes only: whether an
 * address exists, or a time zone is known, is asked elsewhere.
 *
 * All are pure; an absent string is never right.
 */
#pragma once
#include "base/str.h"

/* Ids that clients choose, and names: [A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}. */
bool name_ok(struct str text);
/* Of an app: the same, up to APP_NAME_LEN_MAX. */
bool app_name_ok(struct str text);
/* 1 to EVENT_ID_LEN_MAX printable ASCII characters, no space at either end. */
bool event_id_ok(struct str text);
/* 1 to COLLAPSE_KEY_LEN_MAX bytes of UTF-8 without control characters. */
bool collapse_key_ok(struct str text);

/* An addr-spec of RFC 5321 section 4.1.2 in ASCII: local part a dot-string up to 64 bytes, domain
 * of at least two labels (an internationalised one in its A-label form, "xn--"). No quoted local
 * parts, comments, address literals or UTF-8 (RFC 6531). */
bool email_ok(struct str text);
/* E.164: '+', a digit from 1, and 7 to 15 digits in all. */
bool phone_ok(struct str text);
/* Well-formed BCP 47 (RFC 5646 section 2.1) but for private use alone and the grandfathered tags:
 * "ko", "ko-KR", "zh-Hant-TW", "en-u-ca-buddhist". */
bool locale_ok(struct str text);
/* The shape of a tzdata name: "Asia/Seoul", "Etc/GMT+9"; never a way out of a folder. */
bool timezone_ok(struct str text);

/* "https://host[:port]/path": up to ENDPOINT_LEN_MAX bytes of printable ASCII, without user
 * information, fragment, backslash or space. */
bool https_url_ok(struct str text);
/* An APNs token: hexadecimal, an even number of digits, 32 bytes or more (Apple: the length may
 * vary; never assume it). */
bool apns_token_ok(struct str text);
/* An FCM registration token: up to TOKEN_LEN_MAX of [A-Za-z0-9_:.-]. */
bool fcm_token_ok(struct str text);
/* base64url, padded or not, of exactly `bytes` bytes: Web Push keys. */
bool base64url_ok(struct str text, size_t bytes);
