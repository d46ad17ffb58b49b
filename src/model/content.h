/* model/content.h - what one channel of a template came to for one delivery. */
#pragma once
#include "base/json.h"

/* Absent strings: the template has none. */
struct content {
    struct str title, body, url, image; /* push */
    const struct json *data;            /* push: an object whose values are strings, or NULL */
    struct str text;                    /* sms; also the text part of an e-mail */
    struct str html, subject, from;     /* email */
};
