/* model/wire.h - what goes out to a provider, and what comes back.
 *
 * A request is composed by a provider, carried by a transport, and judged by the same provider.
 * Its strings live in the arena it was composed into, or belong to the provider's instance, which
 * outlives every exchange of its own.
 */
#pragma once
#include "base/time.h"

enum wire {
    WIRE_H2,     /* HTTP/2: APNs, and FCM over https */
    WIRE_HTTP,   /* HTTP/1.1 by libcurl */
    WIRE_SMTP,   /* a mail session by libcurl */
    WIRE_SANDBOX /* no network: the answer is in the request */
};

struct header {
    struct str name; /* lower case */
    struct str value;
};

enum { REQUEST_HEADERS_MAX = 16 };

enum starttls {
    STARTTLS_REQUIRED, /* no TLS, no mail: the default */
    STARTTLS_OFFERED,  /* taken if the server offers it */
    STARTTLS_OFF       /* never asked for: loopback only */
};

struct request {
    enum wire wire;
    struct str method; /* "POST" */
    struct str origin; /* "https://host[:port]", "http://...", "smtp://host:port", "smtps://..." */
    struct str path;   /* with the query */
    struct header headers[REQUEST_HEADERS_MAX];
    uint32_t header_count;
    struct str body; /* SMTP: the whole message with CRLF line ends, before dot-stuffing */
    struct str ca;   /* PEM text that replaces the system's roots; absent: the system's */
    struct str mail_from, mail_to;       /* SMTP envelope, bare addresses */
    enum starttls smtp_starttls;         /* for smtp://; smtps:// is TLS from the first byte */
    struct str smtp_user, smtp_password; /* AUTH; absent: none. Never logged */
    bool subscriber_chosen;  /* the endpoint came from a subscriber: resolve once, check, pin */
    struct str pins_allowed; /* with subscriber_chosen: networks that are allowed although private,
                                comma-separated CIDR; absent: none */
    /* WIRE_SANDBOX: what to answer and when. Status 0: cut off without an answer. */
    int sandbox_status;
    struct span sandbox_delay;
    bool sandbox_receipt; /* a `delivered` receipt follows */
};

/* How far an exchange came: all that fate may be concluded from when there is no answer. */
enum exchange_end {
    EXCHANGE_WHOLE,   /* a complete answer */
    EXCHANGE_UNSENT,  /* not a byte was given to TLS or TCP: DNS, connect, handshake, withdrawn */
    EXCHANGE_REFUSED, /* begun, but the protocol proves that nothing was processed: REFUSED_STREAM,
                         a stream above GOAWAY's last-stream-id, SMTP before the final dot */
    EXCHANGE_CUT,     /* begun and not answered: reset, closed, timed out. Ambiguous */
};

struct reply {
    enum exchange_end exchange;
    int status; /* HTTP status or SMTP reply code; 0 without one */
    const struct header *headers;
    uint32_t header_count;
    struct str body;  /* at most REPLY_BYTES_MAX; SMTP: the text of the reply */
    struct str error; /* not WHOLE: one sentence for people */
    struct wall at;   /* when it was complete; Retry-After dates count from it */
    struct span took; /* from the first byte given to the transport's connection */
};

/* The value of the first header of that name (lower case); absent if there is none. */
struct str reply_header(const struct reply *reply, struct str name);
/* Retry-After: seconds or an HTTP date; a zero span if it is absent, invalid, past, or more than a
 * year ahead, which nobody means. */
struct span reply_retry_after(const struct reply *reply);
