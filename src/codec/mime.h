/* codec/mime.h - one e-mail as it goes to the submission server.
 *
 * RFC 5322 (headers, folded), 2047 (encoded-words of at most 75 characters, cut between UTF-8
 * characters), 2045 and 2046 (quoted-printable in UTF-8; text and HTML as multipart/alternative),
 * 3834 (Auto-Submitted). Lines end in CRLF and have at most 76 characters. Nothing is random: the
 * same mail gives the same bytes. Before dot-stuffing, which is SMTP's.
 * Every header value is refused if it holds CR, LF or NUL. Pure; any thread.
 */
#pragma once
#include "base/buf.h"
#include "base/time.h"
#include "codec/mailbox.h"

struct mail {
    struct mailbox from;
    struct str to;         /* a bare address */
    struct str subject;    /* absent: no such header */
    struct str text, html; /* either may be absent, not both */
    struct str id; /* letters, digits, '_' and '-': of Message-ID <id@domain> and of the boundary */
    struct wall date;
};

/* Appends the message. ERR_INPUT: an address, a line end in a header, no content, not UTF-8.
 * ERR_LIMIT: the buffer's maximum. */
enum err mail_compose(const struct mail *mail, struct buf *out, struct why *why) must_use;
