/* core/locale.h - from a locale to the more general ones: RFC 4647 section 3.4 (lookup).
 */
#pragma once
#include "base/str.h"

/* Cuts the last subtag, and a single-character subtag that would then be last: "zh-Hant-TW" gives
 * "zh-Hant", "en-u-ca-buddhist" comes to "en". False when nothing is left. */
bool locale_shorten(struct str *locale);
