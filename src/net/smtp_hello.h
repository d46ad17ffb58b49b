/* net/smtp_hello.h - what a mail server offers in its answer to EHLO, and logging in by it.
 *
 * RFC 5321 section 4.1.1.1, RFC 4954 (AUTH), 4616 (PLAIN). Pure.
 */
#pragma once
#include "base/buf.h"
#include "net/link.h"

enum { SMTP_LINE_BYTES = 1024 }; /* RFC 5321 section 4.5.3.1.5 says 512; the rest is passed over */

struct smtp_hello {
    bool starttls, pipelining, size, eight_bit, plain, login;
    int challenges; /* of AUTH LOGIN, answered so far */
};

/* One line of the answer, as it came. */
void smtp_hello_line(struct smtp_hello *hello, struct str line);
/* Says AUTH; false if none of our mechanisms is offered. */
bool smtp_hello_auth(struct smtp_hello *hello, const struct link_login *login, struct buf *out);
/* Answers 334; false if nothing is left to say. */
bool smtp_hello_continue(struct smtp_hello *hello, const struct link_login *login, struct buf *out);
bool smtp_is_eight_bit(struct str text);
