/* api/content_view.h - what one channel came to, as JSON. Pure. */
#pragma once
#include "model/content.h"
#include "model/names.h"

/* The member "push", "sms" or "email". An SMS with its encoding and the number of segments. */
void view_content(struct json_out *out, enum channel channel, const struct content *content);
