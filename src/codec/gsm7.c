/* codec/gsm7.c - see gsm7.h. */
#include "codec/gsm7.h"
#include "base/utf8.h"

enum { GSM7_ONE = 160, GSM7_EACH = 153, UCS2_ONE = 70, UCS2_EACH = 67 };

/* The default alphabet beyond what ASCII has at its own places. */
static const uint16_t basic[] = {
    0x00a3, 0x00a5, 0x00e8, 0x00e9, 0x00f9, 0x00ec, 0x00f2, 0x00c7, 0x00d8, 0x00f8,
    0x00c5, 0x00e5, 0x0394, 0x03a6, 0x0393, 0x039b, 0x03a9, 0x03a0, 0x03a8, 0x03a3,
    0x0398, 0x039e, 0x00c6, 0x00e6, 0x00df, 0x00c9, 0x00a4, 0x00a1, 0x00c4, 0x00d6,
    0x00d1, 0x00dc, 0x00a7, 0x00bf, 0x00e4, 0x00f6, 0x00f1, 0x00fc, 0x00e0,
};

/* 1 or 2 septets; 0 if GSM-7 has no such character. */
static unsigned septets_of(uint32_t c)
{
    if (c < 0x80) {
        if (c && strchr("^{}\\[~]|\f", (int)c))
            return 2;
        return (c >= 0x20 && c != '`' && c != 0x7f) || c == '\n' || c == '\r';
    }
    if (c == 0x20ac)
        return 2;
    for (size_t i = 0; i < sizeof basic / sizeof *basic; i++)
        if (basic[i] == c)
            return 1;
    return 0;
}

/* The next character of well-formed UTF-8. */
static uint32_t next(const char *at, size_t len)
{
    static const unsigned char lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = (unsigned char)at[0] & lead_bits[len];
    for (size_t i = 1; i < len; i++)
        c = c << 6 | ((unsigned char)at[i] & 0x3f);
    return c;
}

/* One way of cutting: parts are filled in order, and a character goes whole into the next one. */
struct cut {
    uint32_t each; /* units a part holds */
    uint32_t units, parts, in_part;
};

static void cut_add(struct cut *cut, unsigned units)
{
    if (cut->in_part + units > cut->each) {
        cut->parts++;
        cut->in_part = 0;
    }
    cut->in_part += units;
    cut->units += units;
}

bool sms_measure(struct str text, struct sms_shape *ret)
{
    struct cut gsm7 = {.each = GSM7_EACH, .parts = 1}, ucs2 = {.each = UCS2_EACH, .parts = 1};
    bool all_gsm7 = true;
    for (size_t at = 0, len; at < text.len; at += len) {
        len = utf8_sequence(text.at + at, text.len - at);
        if (!len)
            return false;
        uint32_t c = next(text.at + at, len);
        unsigned septets = septets_of(c);
        all_gsm7 = all_gsm7 && septets;
        cut_add(&gsm7, septets);
        cut_add(&ucs2, c > 0xffff ? 2 : 1);
    }
    const struct cut *cut = all_gsm7 ? &gsm7 : &ucs2;
    ret->encoding = all_gsm7 ? SMS_GSM7 : SMS_UCS2;
    ret->units = cut->units;
    ret->parts = cut->units <= (all_gsm7 ? GSM7_ONE : UCS2_ONE) ? 1 : cut->parts;
    return true;
}

struct str sms_encoding_name(enum sms_encoding encoding)
{
    return encoding == SMS_GSM7 ? STR("GSM-7") : STR("UCS-2");
}
