/* codec/gsm7.h - how a text travels as SMS: its encoding, and how many parts it takes.
 *
 * GSM-7 (3GPP TS 23.038 section 6.2.1, the default alphabet and its extension table) if every
 * character is in it, else UCS-2. One part holds 160 septets or 70 UTF-16 units; of several, each
 * holds 153 or 67, and neither an escape pair nor a surrogate pair is split between two.
 * Pure; any thread.
 */
#pragma once
#include "base/str.h"
#include <stdint.h>

enum sms_encoding { SMS_GSM7, SMS_UCS2 };

struct sms_shape {
    enum sms_encoding encoding;
    uint32_t units; /* septets (an extension character counts 2), or UTF-16 units */
    uint32_t parts; /* segments; 1 for the empty text */
};

/* False if the text is not UTF-8. */
bool sms_measure(struct str text, struct sms_shape *ret);
struct str sms_encoding_name(enum sms_encoding encoding); /* "GSM-7", "UCS-2" */
