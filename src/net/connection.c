/* net/connection.c - see connection.h. */
#include "net/connection.h"
#include "model/limits.h"
#include "net/h1.h"
#include "net/h2_server.h"
#include <stdlib.h>

enum { PREFACE_LEN = 24, PLAIN_BYTES = 16 * 1024, SEAL_BYTES = 64 * 1024 };
static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"; /* RFC 9113 section 3.4 */

enum stage {
    STAGE_HANDSHAKE, /* of TLS */
    STAGE_DETECT,    /* clear: which protocol? */
    STAGE_SESSION,
    STAGE_LINGER,
    STAGE_OVER,
};

struct connection {
    enum stage stage;
    struct exchanges *exchanges;
    struct tls *tls;         /* NULL: clear */
    struct session *session; /* from STAGE_SESSION on */
    void (*wake)(void *owner);
    void *owner;
    struct mono since;       /* of the present stage, or its first byte */
    struct mono write_since; /* the socket has taken nothing since; or MONO_NEVER */
    bool peer_ended;
    bool draining;           /* goodbye is to be said */
    bool silent;             /* it ends without a last answer: nobody has to be waited for */
    bool paused;             /* the session was, when last asked */
    bool shut;               /* close_notify is said */
    unsigned char stash_len; /* STAGE_DETECT: bytes that agree with the preface */
    size_t offered;          /* what connection_output gave last */
};

struct connection *connection_new(struct exchanges *exchanges, const struct tls_context *tls,
                                  void (*wake)(void *owner), void *owner, struct now now)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return NULL;
    *connection = (struct connection){
        .stage = tls ? STAGE_HANDSHAKE : STAGE_DETECT,
        .exchanges = exchanges,
        .wake = wake,
        .owner = owner,
        .since = now.mono,
        .write_since = MONO_NEVER,
    };
    if (tls && tls_accept(tls, &connection->tls, NULL) != OK) {
        free(connection);
        return NULL;
    }
    return connection;
}

void connection_free(struct connection *connection)
{
    if (!connection)
        return;
    if (connection->session)
        connection->session->ops->free(connection->session);
    tls_free(connection->tls);
    free(connection);
}

static void begin_session(struct connection *connection, bool h2, struct now now)
{
    bool tls = connection->tls != NULL;
    connection->session = h2 ? h2_server_new(connection->exchanges, tls, now)
                             : h1_new(connection->exchanges, tls, now);
    if (!connection->session) {
        connection->stage = STAGE_OVER;
        return;
    }
    connection->session->wake = connection->wake;
    connection->session->owner = connection->owner;
    connection->stage = STAGE_SESSION;
    if (connection->draining)
        connection->session->ops->drain(connection->session, false, now);
}

/* -- input ------------------------------------------------------------------------------------ */

/* Plaintext to whoever it is for by now. */
static void take_plain(struct connection *connection, const char *at, size_t len, struct now now)
{
    if (connection->stage == STAGE_DETECT) {
        size_t known = connection->stash_len;
        while (len && known < PREFACE_LEN && *at == preface[known]) {
            known++;
            at++;
            len--;
        }
        if (connection->stash_len == 0 && known)
            connection->since = now.mono;
        connection->stash_len = (unsigned char)known;
        if (known < PREFACE_LEN && !len)
            return;
        begin_session(connection, known == PREFACE_LEN, now);
        if (connection->session && known)
            connection->session->ops->feed(connection->session, preface, known, now);
    }
    if (connection->stage == STAGE_SESSION)
        connection->session->ops->feed(connection->session, at, len, now);
}

static void take_end(struct connection *connection, struct now now)
{
    if (connection->stage == STAGE_SESSION)
        connection->session->ops->feed_end(connection->session, now);
    else if (connection->stage != STAGE_LINGER)
        connection->stage = STAGE_OVER;
}

static bool wants_plain(const struct connection *connection)
{
    return connection->stage < STAGE_SESSION ||
           (connection->stage == STAGE_SESSION &&
            connection->session->ops->state(connection->session) != SESSION_PAUSED);
}

/* Decrypts what has come, as far as the session takes it. */
static void unseal(struct connection *connection, struct now now)
{
    char plain[PLAIN_BYTES] __attribute__((uninitialized));
    while (wants_plain(connection)) {
        size_t len;
        enum err err = tls_read(connection->tls, plain, sizeof plain, &len, NULL);
        if (connection->stage == STAGE_HANDSHAKE && tls_ready(connection->tls))
            begin_session(connection, tls_alpn(connection->tls) == TLS_ALPN_H2, now);
        if (len)
            take_plain(connection, plain, len, now);
        if (err == ERR_CLOSED)
            take_end(connection, now);
        else if (err != OK)
            connection->stage = STAGE_OVER; /* its alert may still go out: see output */
        if (err != OK || !len)
            return;
    }
}

/* All that the session ever says is out of its hands. */
static bool session_done(const struct connection *connection)
{
    struct session *session = connection->session;
    return connection->stage == STAGE_SESSION && session->ops->state(session) == SESSION_ENDS &&
           session->ops->output(session).len == 0;
}

/* After every event: is there nothing left to say? */
static void settle(struct connection *connection, struct now now)
{
    connection->paused = !wants_plain(connection);
    if (!session_done(connection) ||
        (connection->tls && (!connection->shut || tls_output(connection->tls).len)))
        return;
    bool lingers = !connection->peer_ended && !connection->silent;
    connection->stage = lingers ? STAGE_LINGER : STAGE_OVER;
    connection->since = now.mono;
}

void connection_feed(struct connection *connection, const char *at, size_t len, struct now now)
{
    if (connection->stage >= STAGE_LINGER)
        return;
    if (!connection->tls)
        take_plain(connection, at, len, now);
    else if (tls_feed(connection->tls, at, len) == OK)
        unseal(connection, now);
    else
        connection->stage = STAGE_OVER;
    settle(connection, now);
}

void connection_feed_end(struct connection *connection, struct now now)
{
    connection->peer_ended = true;
    if (connection->stage == STAGE_LINGER)
        connection->stage = STAGE_OVER;
    take_end(connection, now);
    settle(connection, now);
}

void connection_step(struct connection *connection, struct now now)
{
    if (connection->stage != STAGE_SESSION)
        return;
    connection->session->ops->feed(connection->session, "", 0, now);
    if (connection->tls)
        unseal(connection, now);
    settle(connection, now);
}

/* -- output ----------------------------------------------------------------------------------- */

/* Encrypts what the session has, in large pieces. */
static void seal(struct connection *connection)
{
    struct session *session = connection->session;
    while (session && connection->stage == STAGE_SESSION &&
           tls_output(connection->tls).len < SEAL_BYTES) {
        struct str plain = session->ops->output(session);
        size_t len = plain.len < SEAL_BYTES ? plain.len : SEAL_BYTES;
        if (len == 0)
            break;
        if (tls_write(connection->tls, plain.at, len, NULL) != OK)
            connection->stage = STAGE_OVER;
        session->ops->sent(session, len);
    }
}

struct str connection_output(struct connection *connection)
{
    struct str output = STR("");
    if (connection->tls) {
        seal(connection);
        if (session_done(connection) && !connection->shut) {
            connection->shut = true;
            tls_shutdown(connection->tls);
        }
        output = tls_output(connection->tls);
    } else if (connection->stage == STAGE_SESSION) {
        output = connection->session->ops->output(connection->session);
    }
    connection->offered = output.len;
    return output;
}

void connection_sent(struct connection *connection, size_t len, struct now now)
{
    if (len == connection->offered)
        connection->write_since = MONO_NEVER;
    else if (len || connection->write_since.us == MONO_NEVER.us)
        connection->write_since = now.mono;
    if (connection->tls)
        tls_output_drop(connection->tls, len);
    else if (connection->stage == STAGE_SESSION)
        connection->session->ops->sent(connection->session, len);
    if (connection->paused && wants_plain(connection))
        connection_step(connection, now);
    else
        settle(connection, now);
}

/* -- state and time --------------------------------------------------------------------------- */

enum connection_state connection_state(const struct connection *connection)
{
    switch (connection->stage) {
    case STAGE_OVER:
        return CONNECTION_OVER;
    case STAGE_LINGER:
        return CONNECTION_LINGERS;
    default:
        return wants_plain(connection) ? CONNECTION_READS : CONNECTION_PAUSED;
    }
}

struct mono connection_deadline(const struct connection *connection)
{
    struct session *session = connection->session;
    struct span head = span_s(HEAD_TIMEOUT_S), idle = span_s(IDLE_TIMEOUT_S);
    switch (connection->stage) {
    case STAGE_HANDSHAKE:
        return mono_add(connection->since, head);
    case STAGE_DETECT:
        return mono_add(connection->since, connection->stash_len ? head : idle);
    case STAGE_SESSION:
        return mono_min(session->ops->deadline(session),
                        mono_add(connection->write_since, span_s(WRITE_TIMEOUT_S)));
    default:
        return mono_add(connection->since, span_s(LINGER_TIMEOUT_S));
    }
}

void connection_expire(struct connection *connection, struct now now)
{
    struct mono write = mono_add(connection->write_since, span_s(WRITE_TIMEOUT_S));
    if (!mono_reached(now.mono, connection_deadline(connection)))
        return;
    if (connection->stage != STAGE_SESSION || mono_reached(now.mono, write))
        connection->stage = STAGE_OVER;
    else
        connection->session->ops->expire(connection->session, now);
    settle(connection, now);
}

void connection_drain(struct connection *connection, bool idle_too, struct now now)
{
    connection->draining = true;
    if (connection->stage == STAGE_SESSION) {
        connection->session->ops->drain(connection->session, idle_too, now);
        connection->silent = session_done(connection);
    } else if (idle_too && (connection->stage == STAGE_HANDSHAKE || connection->stash_len == 0)) {
        connection->stage = STAGE_OVER;
    }
    settle(connection, now);
}

void connection_trim(struct connection *connection)
{
    if (connection->stage == STAGE_SESSION)
        connection->session->ops->trim(connection->session);
}
