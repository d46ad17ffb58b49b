/* net/smtp_link.c - a mail session on a conduit, from dialling to its end; see smtp_link.h. */
#include "net/smtp_link.h"
#include "model/limits.h"
#include "net/smtp_client.h"
#include <stdlib.h>
#include <unistd.h>

enum { HOSTNAME_SIZE = 256 };

struct smtp_link {
    struct link link; /* first */
    struct link_config config;
    struct conduit *conduit;
    struct smtp_client *client;
    struct mono usable_by;  /* what is not up by then has failed */
    struct mono idle_since; /* the last time that a mail was open */
    bool up, used, leaving;
    char hostname[HOSTNAME_SIZE];
};

/* The end. */

static void close_link(struct link *self, const char *reason)
{
    struct smtp_link *link = (struct smtp_link *)self;
    struct now now = clock_now(link->config.clock);
    struct why ignored;
    smtp_client_quit(link->client);
    struct str last_words = smtp_client_output(link->client);
    if (link->up && !conduit_is_full(link->conduit))
        (void)!conduit_write(link->conduit, last_words, &ignored);
    smtp_client_close(link->client, now, reason);
    conduit_close(link->conduit);
    smtp_client_free(link->client);
    free(link);
}

static void end(struct smtp_link *link, const struct why *why)
{
    struct link_config config = link->config;
    struct link_fault fault = {.why = *why, .status = smtp_client_refusal(link->client)};
    bool served = link->up && (!link->used || smtp_client_answered(link->client));
    fault.end = served ? LINK_LOST : LINK_FAILED;
    close_link(&link->link, fault.why.text);
    config.down(config.self, &fault);
}

/* Sending. */

static void begin_waiting(struct smtp_link *link, struct now now)
{
    struct outgoing *next;
    if (!link->up || link->leaving || !smtp_client_is_free(link->client))
        return;
    if (smtp_client_answered(link->client) >= SMTP_MAILS_MAX)
        link->leaving = true;
    if (link->leaving || !(next = link->config.next(link->config.self)))
        return;
    link->used = true;
    smtp_client_begin(link->client, list_of(next, struct smtp_mail, out), now);
}

static enum err send_output(struct smtp_link *link, struct now now, struct why *why)
{
    enum err err = OK;
    begin_waiting(link, now);
    while (err == OK && !conduit_is_full(link->conduit)) {
        struct str bytes = smtp_client_output(link->client);
        if (!bytes.len)
            break;
        err = conduit_write(link->conduit, bytes, why);
        smtp_client_output_drop(link->client, bytes.len);
        if (err == OK)
            err = conduit_send(link->conduit, why);
    }
    return err;
}

static bool is_secured(const struct smtp_link *link)
{
    return !smtp_client_wants_tls(link->client);
}

static void on_turn(void *self, struct now now)
{
    struct smtp_link *link = self;
    struct why why;
    enum err err = OK;
    if (smtp_client_has_mail(link->client))
        link->idle_since = now.mono;
    if (is_secured(link))
        err = send_output(link, now, &why);
    if (err == OK && link->leaving)
        err = why_set(&why, ERR_CLOSED, "the session was left");
    if (err != OK)
        end(link, &why);
}

static void flush(struct link *self)
{
    struct smtp_link *link = (struct smtp_link *)self;
    on_turn(link, clock_now(link->config.clock));
}

/* Receiving. */

static enum err on_received(void *self, struct str bytes, struct now now, struct why *why)
{
    struct smtp_link *link = self;
    if (smtp_client_has_mail(link->client))
        link->idle_since = now.mono;
    enum err err = smtp_client_receive(link->client, bytes, now, why);
    if (err == OK && smtp_client_wants_tls(link->client))
        err = conduit_start_tls(link->conduit, link->config.tls, why);
    if (err == OK && !link->up && smtp_client_is_up(link->client)) {
        link->up = true;
        link->idle_since = now.mono;
        link->config.up(link->config.self);
    }
    return err;
}

/* TCP stands, or TLS after STARTTLS. */
static enum err on_connected(void *self, struct now now, struct why *why)
{
    struct smtp_link *link = self;
    (void)why;
    if (!is_secured(link))
        smtp_client_secured(link->client, now);
    return OK;
}

static void on_down(void *self, const struct why *why)
{
    end(self, why);
}

static void on_sooner(void *self)
{
    struct smtp_link *link = self;
    link->config.sooner(link->config.self);
}

/* Time. */

static uint32_t room(const struct link *self)
{
    const struct smtp_link *link = (const struct smtp_link *)self;
    return link->up && !link->leaving && smtp_client_is_free(link->client) &&
           !conduit_is_full(link->conduit);
}

static bool is_up(const struct link *self)
{
    const struct smtp_link *link = (const struct smtp_link *)self;
    return link->up && !link->leaving;
}

static struct mono deadline(const struct link *self)
{
    const struct smtp_link *link = (const struct smtp_link *)self;
    if (!link->up)
        return mono_min(conduit_deadline(link->conduit), link->usable_by);
    return mono_min(smtp_client_deadline(link->client),
                    smtp_client_has_mail(link->client)
                        ? MONO_NEVER
                        : mono_add(link->idle_since, span_s(SMTP_IDLE_CLOSE_S)));
}

static void tick_up(struct smtp_link *link, struct now now)
{
    struct why why;
    if (smtp_client_tick(link->client, now, &why) != OK) {
        end(link, &why);
        return;
    }
    if (smtp_client_has_mail(link->client))
        link->idle_since = now.mono;
    link->leaving = mono_reached(now.mono, mono_add(link->idle_since, span_s(SMTP_IDLE_CLOSE_S)));
    on_turn(link, now);
}

static void tick(struct link *self, struct now now)
{
    struct smtp_link *link = (struct smtp_link *)self;
    struct why why;
    if (link->up) {
        tick_up(link, now);
    } else if (mono_reached(now.mono, link->usable_by)) {
        (void)why_set(&why, ERR_TIMEOUT, "the mail session's start took too long");
        end(link, &why);
    } else {
        conduit_tick(link->conduit, now);
    }
}

/* The configured name, or this machine's. */
static struct str hello_name(struct smtp_link *link)
{
    struct str name = link->config.login->hello; /* "/name" */
    if (name.len > 1)
        return str_slice(name, 1, name.len);
    bool named = gethostname(link->hostname, sizeof link->hostname - 1) == 0;
    return named && link->hostname[0] ? str_of(link->hostname) : STR("localhost");
}

static const struct link_ops ops = {close_link, room, is_up, flush, tick, deadline};

enum err smtp_link_start(const struct link_config *config, struct now now, struct link **ret,
                         struct why *why)
{
    bool tls = config->origin->scheme == SCHEME_SMTPS;
    bool loopback = origin_is_loopback(config->origin);
    if (config->login->user.at && !config->tls && !loopback)
        return why_set(why, ERR_DENIED, "a password is not sent without TLS");
    struct smtp_link *link = calloc(1, sizeof *link);
    if (!link)
        return why_set(why, ERR_MEMORY, "no memory for a mail session");
    *link = (struct smtp_link){.link = {&ops},
                               .config = *config,
                               .usable_by = mono_add(now.mono, span_ms(SMTP_CONNECT_TIMEOUT_MS)),
                               .idle_since = now.mono};
    struct smtp_client_config session = {
        .login = config->login, .name = hello_name(link), .loopback = loopback, .tls = tls};
    link->client = smtp_client_new(&session, now);
    struct conduit_config conduit = {.loop = config->loop,
                                     .clock = config->clock,
                                     .scratch = config->scratch,
                                     .origin = config->origin,
                                     .tls = tls ? config->tls : NULL,
                                     .deadline = mono_add(now.mono, span_ms(CONNECT_TIMEOUT_MS)),
                                     .connected = on_connected,
                                     .received = on_received,
                                     .turn = on_turn,
                                     .down = on_down,
                                     .sooner = on_sooner,
                                     .self = link};
    enum err err = link->client ? conduit_start(&conduit, &link->conduit, why)
                                : why_set(why, ERR_MEMORY, "no memory for a mail session");
    if (err == OK) {
        *ret = &link->link;
        return OK;
    }
    smtp_client_free(link->client);
    free(link);
    return err;
}

const struct link_kind smtp_link_kind = {.start = smtp_link_start,
                                         .record_size = sizeof(struct smtp_mail),
                                         .connections_max = SMTP_SESSIONS_MAX,
                                         .dials_max = 8,
                                         .room_each = 1,
                                         .room_most = SMTP_SESSIONS_MAX};
