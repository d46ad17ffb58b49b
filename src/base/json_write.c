/* base/json_write.c - the JSON writer: always well formed, whatever bytes its strings hold. */
#include "base/json.h"
#include "base/json_scan.h"
#include "base/utf8.h"

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD, for bytes that are not UTF-8 */

/* What stands for the byte `c`, a quote, backslash or control character; its length. */
static size_t escape_of(unsigned char c, char into[6])
{
    static const char digits[] = "0123456789abcdef";
    static const char letters[] = "btn?fr"; /* from 0x08 on */
    into[0] = '\\';
    if (c == '"' || c == '\\' || (c >= 0x08 && c <= 0x0d && c != 0x0b)) {
        into[1] = c >= 0x20 ? (char)c : letters[c - 0x08];
        return 2;
    }
    memcpy(into + 1, "u00", 3);
    into[4] = digits[c >> 4];
    into[5] = digits[c & 0xf];
    return 6;
}

/* Appends `text` with escapes; returns the length. `out` may be NULL. */
static size_t escape(struct str text, struct buf *out)
{
    const char *at = text.at, *end = at ? at + text.len : at;
    size_t all = 0;
    while (at < end) {
        const char *from = at;
        at = json_plain_end(at, end);
        size_t sequence = 0;
        while (at < end && (unsigned char)*at >= 0x80 &&
               (sequence = utf8_sequence(at, (size_t)(end - at))) > 0)
            at = json_plain_end(at + sequence, end);
        size_t plain = (size_t)(at - from);
        all += plain;
        if (out)
            buf_add_bytes(out, from, plain);
        if (at == end)
            break;
        char special[6];
        const char *with = special;
        size_t len = 3;
        if ((unsigned char)*at >= 0x80)
            with = replacement;
        else
            len = escape_of((unsigned char)*at, special);
        all += len;
        if (out)
            buf_add_bytes(out, with, len);
        at++;
    }
    return all;
}

size_t json_escaped_len(struct str text)
{
    return escape(text, NULL);
}

static void quoted(struct buf *out, struct str text)
{
    buf_add_char(out, '"');
    (void)escape(text, out);
    buf_add_char(out, '"');
}

static void before_value(struct json_out *out)
{
    if (out->comma)
        buf_add_char(out->buf, ',');
    out->comma = true;
}

void json_open(struct json_out *out, char bracket)
{
    before_value(out);
    buf_add_char(out->buf, bracket);
    out->comma = false;
}

void json_close(struct json_out *out, char bracket)
{
    buf_add_char(out->buf, bracket);
    out->comma = true;
}

void json_name(struct json_out *out, struct str name)
{
    before_value(out);
    quoted(out->buf, name);
    buf_add_char(out->buf, ':');
    out->comma = false;
}

void json_str(struct json_out *out, struct str value)
{
    if (!value.at) {
        json_null(out);
        return;
    }
    before_value(out);
    quoted(out->buf, value);
}

void json_i64(struct json_out *out, int64_t value)
{
    before_value(out);
    buf_add_i64(out->buf, value);
}

void json_bool(struct json_out *out, bool value)
{
    before_value(out);
    buf_add(out->buf, value ? STR("true") : STR("false"));
}

void json_null(struct json_out *out)
{
    before_value(out);
    buf_add(out->buf, STR("null"));
}

void json_raw(struct json_out *out, struct str json)
{
    before_value(out);
    buf_add(out->buf, json);
}
