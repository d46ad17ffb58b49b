/* net/smtp_client.c - one mail session, step by step; see smtp_client.h. */
#include "net/smtp_client.h"
#include "model/limits.h"
#include "net/smtp_hello.h"
#include <stdlib.h>

enum { SESSION_OUTPUT_MAX = 64 * 1024, RESET_TIMEOUT_S = 10 };

enum step {
    AT_GREETING,
    AT_EHLO,
    AT_STARTTLS,
    AT_TLS, /* the owner's turn */
    AT_AUTH,
    AT_FREE,
    AT_MAIL,
    AT_RCPT,
    AT_DATA,
    AT_MESSAGE, /* to the final dot and its answer */
    AT_RESET,
    AT_END
};

struct smtp_client {
    struct smtp_client_config config;
    enum step step;
    struct smtp_hello hello;
    struct smtp_reply reply;
    char line[SMTP_LINE_BYTES]; /* as much of one as has come */
    size_t line_len;
    struct buf out;
    struct smtp_mail *mail;
    struct now now; /* of the call that is running */
    struct mono reset_by;
    uint64_t answered;
    int refusal;
    bool tls;
};

/* Saying. */

static void say_hello(struct smtp_client *client)
{
    buf_printf(&client->out, "EHLO %.*s\r\n", STR_ARG(client->config.name));
    client->hello = (struct smtp_hello){0};
    client->step = AT_EHLO;
}

static void say_mail(struct smtp_client *client)
{
    const struct request *request = client->mail->out.call->request;
    buf_printf(&client->out, "MAIL FROM:<%.*s>", STR_ARG(request->mail_from));
    if (client->hello.size)
        buf_printf(&client->out, " SIZE=%zu", request->body.len);
    if (client->hello.eight_bit && smtp_is_eight_bit(request->body))
        buf_add(&client->out, STR(" BODY=8BITMIME"));
    buf_add(&client->out, STR("\r\n"));
}

static void say_recipient(struct smtp_client *client)
{
    const struct request *request = client->mail->out.call->request;
    buf_printf(&client->out, "RCPT TO:<%.*s>\r\n", STR_ARG(request->mail_to));
}

static void say_data(struct smtp_client *client)
{
    buf_add(&client->out, STR("DATA\r\n"));
}

/* As much of the message as a record takes; at its end the dot (RFC 5321 section 4.5.2). */
static void say_message(struct smtp_client *client)
{
    struct smtp_mail *mail = client->mail;
    struct str body = mail->status ? STR("") : mail->out.call->request->body;
    while (mail->given < body.len && client->out.len < SMTP_OUTPUT_BYTES) {
        const char *at = body.at + mail->given;
        bool line_starts = mail->last == '\n' || mail->last == 0;
        if (line_starts && *at == '.')
            buf_add_char(&client->out, '.');
        size_t left = body.len - mail->given;
        const char *end = memchr(at, '\n', left);
        size_t take = end ? (size_t)(end - at) + 1 : left;
        if (take > SMTP_OUTPUT_BYTES)
            take = SMTP_OUTPUT_BYTES;
        buf_add_bytes(&client->out, at, take);
        mail->given += take;
        mail->last = at[take - 1];
    }
    if (mail->given < body.len || mail->dotted || client->out.len >= SMTP_OUTPUT_BYTES)
        return;
    if (mail->last && mail->last != '\n')
        buf_add(&client->out, STR("\r\n"));
    buf_add(&client->out, STR(".\r\n"));
    mail->dotted = true;
}

/* Ends. */

static void end_mail(struct smtp_client *client, const char *reason)
{
    struct smtp_mail *mail = client->mail;
    client->mail = NULL;
    if (mail->status) {
        client->answered++;
        mail->out.reply.status = mail->status;
        mail->out.reply.body = mail->text;
        outgoing_answer(&mail->out, client->now);
    } else if (mail->dotted) {
        outgoing_fail(&mail->out, EXCHANGE_CUT, client->now, "%s", reason);
    } else {
        outgoing_fail(&mail->out, EXCHANGE_REFUSED, client->now, "before the final dot: %s",
                      reason);
    }
}

/* The first reply that refuses decides; what follows only keeps step. */
static void decide(struct smtp_client *client)
{
    struct smtp_mail *mail = client->mail;
    if (mail->status)
        return;
    mail->status = client->reply.code;
    mail->text =
        arena_copy(mail->out.call->arena, (struct str){client->reply.text, client->reply.len});
}

static void next_mail(struct smtp_client *client, bool reset)
{
    end_mail(client, "");
    client->step = AT_FREE;
    if (!reset)
        return;
    buf_add(&client->out, STR("RSET\r\n"));
    client->reset_by = mono_add(client->now.mono, span_s(RESET_TIMEOUT_S));
    client->step = AT_RESET;
}

/* Hearing, step by step. */

static enum err refused(struct smtp_client *client, struct why *why)
{
    client->step = AT_END;
    return why_set(why, ERR_DENIED, "%d %.*s", client->reply.code, (int)client->reply.len,
                   client->reply.text);
}

/* It concerns our account, so it is an answer for every mail. */
static enum err account_refused(struct smtp_client *client, struct why *why)
{
    client->refusal = client->reply.code;
    client->step = AT_END;
    return why_set(why, ERR_DENIED, "%.*s", (int)client->reply.len, client->reply.text);
}

static enum err authenticate(struct smtp_client *client, struct why *why)
{
    const struct link_login *login = client->config.login;
    client->step = AT_FREE;
    if (!login->user.at)
        return OK;
    if (!client->tls && !client->config.loopback)
        return why_set(why, ERR_DENIED, "a password is not sent without TLS");
    client->step = AT_AUTH;
    if (smtp_hello_auth(&client->hello, login, &client->out))
        return OK;
    return why_set(why, ERR_UNSUPPORTED, "the server offers neither AUTH PLAIN nor AUTH LOGIN");
}

static enum err on_hello(struct smtp_client *client, struct why *why)
{
    const struct link_login *login = client->config.login;
    if (client->reply.code != 250)
        return refused(client, why);
    /* Who strips the offer must not get the password. */
    bool needs = login->starttls == STARTTLS_REQUIRED ||
                 (login->starttls == STARTTLS_OFFERED && login->user.at);
    if (client->tls || login->starttls == STARTTLS_OFF || (!needs && !client->hello.starttls))
        return authenticate(client, why);
    if (!client->hello.starttls)
        return why_set(why, ERR_DENIED, "the server does not offer STARTTLS");
    buf_add(&client->out, STR("STARTTLS\r\n"));
    client->step = AT_STARTTLS;
    return OK;
}

static enum err on_auth(struct smtp_client *client, struct why *why)
{
    if (client->reply.code == 235) {
        client->step = AT_FREE;
        return OK;
    }
    if (client->reply.code == 334 &&
        smtp_hello_continue(&client->hello, client->config.login, &client->out))
        return OK;
    return account_refused(client, why);
}

static void on_mail_step(struct smtp_client *client)
{
    bool pipelined = client->hello.pipelining;
    bool good = client->reply.code / 100 == 2;
    if (!good)
        decide(client);
    if (!good && !pipelined) {
        next_mail(client, true);
    } else if (client->step == AT_MAIL) {
        client->step = AT_RCPT;
        if (!pipelined)
            say_recipient(client);
    } else {
        client->step = AT_DATA;
        if (!pipelined)
            say_data(client);
    }
}

static void on_data(struct smtp_client *client)
{
    if (client->reply.code == 354) { /* an empty message, if it is refused already (RFC 2920) */
        client->step = AT_MESSAGE;
        say_message(client);
        return;
    }
    decide(client);
    next_mail(client, true);
}

static enum err on_message_end(struct smtp_client *client, struct why *why)
{
    bool dotted = client->mail->dotted;
    if (!dotted && client->reply.code < 400) {
        client->step = AT_END;
        return why_set(why, ERR_INPUT, "the server answered before the final dot");
    }
    decide(client);
    if (dotted) {
        next_mail(client, false);
        return OK;
    }
    client->step = AT_END; /* within a message there is no way back */
    return why_set(why, ERR_CLOSED, "the server refused the message before its end");
}

static enum err on_reply(struct smtp_client *client, struct why *why)
{
    int code = client->reply.code;
    if (client->out.len && client->step != AT_MESSAGE)
        return why_set(why, ERR_INPUT, "the server answers what was not said yet: %d", code);
    if (code == 421 && client->mail)
        decide(client);
    if (code == 421)
        return refused(client, why);
    switch (client->step) {
    case AT_GREETING:
        if (code != 220)
            return refused(client, why);
        say_hello(client);
        return OK;
    case AT_EHLO:
        return on_hello(client, why);
    case AT_STARTTLS:
        if (code != 220)
            return account_refused(client, why);
        client->step = AT_TLS;
        return OK;
    case AT_AUTH:
        return on_auth(client, why);
    case AT_MAIL:
    case AT_RCPT:
        on_mail_step(client);
        return OK;
    case AT_DATA:
        on_data(client);
        return OK;
    case AT_MESSAGE:
        return on_message_end(client, why);
    case AT_RESET:
        client->step = AT_FREE;
        return code == 250 ? OK : refused(client, why);
    case AT_TLS:
    case AT_FREE:
    case AT_END:
        break;
    }
    return why_set(why, ERR_INPUT, "the server speaks out of turn: %d", code);
}

static enum err on_line(struct smtp_client *client, struct why *why)
{
    struct str line = {client->line, client->line_len};
    client->line_len = 0;
    if (client->step == AT_EHLO)
        smtp_hello_line(&client->hello, line);
    if (smtp_reply_line(&client->reply, line))
        return on_reply(client, why);
    return client->reply.open ? OK : why_set(why, ERR_INPUT, "the server does not speak SMTP");
}

enum err smtp_client_receive(struct smtp_client *client, struct str bytes, struct now now,
                             struct why *why)
{
    client->now = now;
    enum err err = OK;
    for (size_t i = 0; err == OK && i < bytes.len; i++) {
        if (client->step == AT_TLS) /* injected before TLS (RFC 3207 section 6) */
            return why_set(why, ERR_INPUT, "the server speaks before TLS stands");
        if (client->line_len < sizeof client->line)
            client->line[client->line_len++] = bytes.at[i];
        if (bytes.at[i] == '\n')
            err = on_line(client, why);
    }
    if (err == OK && client->out.failed)
        err = why_set(why, ERR_MEMORY, "no memory for the mail session");
    return err;
}

/* The public face. */

struct smtp_client *smtp_client_new(const struct smtp_client_config *config, struct now now)
{
    struct smtp_client *client = calloc(1, sizeof *client);
    if (!client)
        return NULL;
    client->config = *config;
    client->now = now;
    client->tls = config->tls;
    buf_init(&client->out, SESSION_OUTPUT_MAX);
    return client;
}

void smtp_client_free(struct smtp_client *client)
{
    if (!client)
        return;
    must(!client->mail);
    if (client->out.at)
        wipe(client->out.at, client->out.cap); /* it held the password */
    buf_done(&client->out);
    free(client);
}

bool smtp_client_wants_tls(const struct smtp_client *client)
{
    return client->step == AT_TLS;
}

void smtp_client_secured(struct smtp_client *client, struct now now)
{
    must(client->step == AT_TLS);
    client->now = now;
    client->tls = true;
    say_hello(client); /* what was said before is forgotten (RFC 3207 section 4.2) */
}

bool smtp_client_is_up(const struct smtp_client *client)
{
    return client->step >= AT_FREE && client->step < AT_END;
}

bool smtp_client_is_free(const struct smtp_client *client)
{
    return client->step == AT_FREE;
}

bool smtp_client_has_mail(const struct smtp_client *client)
{
    return client->mail != NULL;
}

uint64_t smtp_client_answered(const struct smtp_client *client)
{
    return client->answered;
}

int smtp_client_refusal(const struct smtp_client *client)
{
    return client->refusal;
}

void smtp_client_begin(struct smtp_client *client, struct smtp_mail *mail, struct now now)
{
    must(client->step == AT_FREE && !client->mail);
    client->now = now;
    client->mail = mail;
    mail->out.begun_at = now.mono;
    mail->out.call->begun = true;
    client->step = AT_MAIL;
    say_mail(client);
    if (!client->hello.pipelining)
        return;
    say_recipient(client);
    say_data(client);
}

struct str smtp_client_output(struct smtp_client *client)
{
    if (client->step == AT_MESSAGE)
        say_message(client);
    return buf_str(&client->out);
}

void smtp_client_output_drop(struct smtp_client *client, size_t len)
{
    buf_drop(&client->out, len);
}

struct mono smtp_client_deadline(const struct smtp_client *client)
{
    if (client->mail)
        return client->mail->out.call->deadline;
    return client->step == AT_RESET ? client->reset_by : MONO_NEVER;
}

enum err smtp_client_tick(struct smtp_client *client, struct now now, struct why *why)
{
    client->now = now;
    if (!mono_reached(now.mono, smtp_client_deadline(client)))
        return OK;
    return why_set(why, ERR_TIMEOUT, "no answer before the deadline");
}

void smtp_client_quit(struct smtp_client *client)
{
    if (client->step != AT_FREE)
        return;
    buf_add(&client->out, STR("QUIT\r\n"));
    client->step = AT_END;
}

void smtp_client_close(struct smtp_client *client, struct now now, const char *reason)
{
    client->now = now;
    client->step = AT_END;
    if (client->mail)
        end_mail(client, reason);
}
