/* net/smtp_reply.h - the newest reply of an SMTP server, put together from its lines.
 *
 * RFC 5321 section 4.2: "250-text" goes on, "250 text" ends. Kept are the code and the texts of all
 * lines, joined by '\n', without the code; what does not fit is cut off.
 */
#pragma once
#include "base/str.h"

enum { SMTP_TEXT_BYTES = 1024 };

struct smtp_reply {
    int code;   /* 0: none was complete yet */
    bool open;  /* lines follow */
    size_t len; /* of text */
    char text[SMTP_TEXT_BYTES];
};

/* One line, with its end or without. True: a reply is complete with it. */
bool smtp_reply_line(struct smtp_reply *reply, struct str line);
