/* net/smtp_client.h - the calling side of one mail session (RFC 5321, 6409), without a socket.
 *
 * Bytes in, bytes out, now, next deadline; one mail at a time, one recipient a mail. EHLO, STARTTLS
 * (RFC 3207), AUTH PLAIN or LOGIN (RFC 4954), SIZE (RFC 1870), 8BITMIME and PIPELINING (RFC 2920)
 * where the server offers them. The message is dot-stuffed on its way out.
 *
 * How a mail ends: WHOLE with the first reply that refuses it, or the one after the final dot;
 * without one REFUSED as long as the final dot was not output, for the server cannot have accepted
 * it (section 4.1.1.4), CUT from then on. After a refusal the session goes on with RSET.
 * Mails end (`done`) from within receive, tick and close; what `done` does must not call the
 * session back. A password is never output before TLS, unless to a loopback address.
 */
#pragma once
#include "base/buf.h"
#include "net/link.h"
#include "net/smtp_reply.h"

/* A mail on its way; allocated by the owner with outgoing_new. */
struct smtp_mail {
    struct outgoing out;
    size_t given;    /* of the message, to the output */
    char last;       /* the last byte of it that was output; 0: none */
    int status;      /* of the reply that decides, once there is one */
    bool dotted;     /* the final dot was output */
    struct str text; /* of that reply */
};

struct smtp_client_config {
    const struct link_login *login; /* lives as long as the session, like the next */
    struct str name;                /* to say in EHLO */
    bool loopback;
    bool tls; /* from the first byte */
};

struct smtp_client;

/* NULL without memory. */
struct smtp_client *smtp_client_new(const struct smtp_client_config *config, struct now now);
/* Requires smtp_client_close before, unless no mail is open. NULL is allowed. */
void smtp_client_free(struct smtp_client *client);

/* The server has agreed to STARTTLS and the owner is to start it: then smtp_client_secured. */
bool smtp_client_wants_tls(const struct smtp_client *client);
void smtp_client_secured(struct smtp_client *client, struct now now);
/* Greeting to AUTH are done. */
bool smtp_client_is_up(const struct smtp_client *client);
/* A mail may be begun. */
bool smtp_client_is_free(const struct smtp_client *client);
/* Requires is_free. */
void smtp_client_begin(struct smtp_client *client, struct smtp_mail *mail, struct now now);
bool smtp_client_has_mail(const struct smtp_client *client);
uint64_t smtp_client_answered(const struct smtp_client *client); /* mails with a reply */
/* The reply by which the server has refused our account; 0 if it has not. */
int smtp_client_refusal(const struct smtp_client *client);

/* What is to be sent: up to about SMTP_OUTPUT_BYTES. */
enum { SMTP_OUTPUT_BYTES = 15 * 1024 };
struct str smtp_client_output(struct smtp_client *client);
void smtp_client_output_drop(struct smtp_client *client, size_t len);

/* Any error: the session is over. ERR_DENIED: refused by the server, `why` is what it said;
 * ERR_INPUT: it does not speak SMTP; ERR_CLOSED: 421. */
enum err smtp_client_receive(struct smtp_client *client, struct str bytes, struct now now,
                             struct why *why) must_use;
/* ERR_TIMEOUT: the mail's deadline, or no answer to RSET. */
enum err smtp_client_tick(struct smtp_client *client, struct now now, struct why *why) must_use;
struct mono smtp_client_deadline(const struct smtp_client *client);

/* Says QUIT, if the session is free. Nobody waits for the answer. */
void smtp_client_quit(struct smtp_client *client);
/* The connection has gone: ends the mail that is open, with this sentence. */
void smtp_client_close(struct smtp_client *client, struct now now, const char *reason);
