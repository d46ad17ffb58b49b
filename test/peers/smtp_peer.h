/* test/peers/smtp_peer.h - an SMTP server that answers each command by a script. */
#pragma once
#include "pipe.h"

enum { SMTP_PEER_BYTES = 256 * 1024 };

/* Each a reply with its line ends; NULL: the connection is dropped instead. */
struct smtp_script {
    const char *greeting, *ehlo, *starttls, *auth, *mail, *rcpt, *data, *final;
    bool data_anyway;  /* 354 although nothing was accepted (RFC 2920 section 3.1) */
    bool drop_in_data; /* at the first bytes of the message */
    bool hang_at_final;
    bool hang_at_quit;
};

struct smtp_peer {
    struct listener listener;
    struct smtp_script script;
    SSL_CTX *starttls;             /* given to pipe_start_tls after a 220 */
    int mails;                     /* accepted: the script's final reply was sent */
    int began;                     /* MAIL commands */
    char commands[64 * 1024];      /* all of them, one a line */
    char message[SMTP_PEER_BYTES]; /* the newest one, as it came, with its final dot */
    size_t message_len;
};

/* A server that takes everything, with STARTTLS neither offered nor known. */
struct smtp_script smtp_script_kind(void);
/* `tls`: from the first byte. */
void smtp_peer_open(struct smtp_peer *peer, uv_loop_t *loop, SSL_CTX *tls,
                    const struct smtp_script *script);
void smtp_peer_close(struct smtp_peer *peer);
