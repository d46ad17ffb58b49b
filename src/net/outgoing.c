/* net/outgoing.c - the ends of an exchange; see outgoing.h. */
#include "net/outgoing.h"
#include <stdio.h>

void *outgoing_new(struct exchange_call *call, size_t size, enum carrier carrier)
{
    must(size >= sizeof(struct outgoing));
    struct outgoing *outgoing = arena_take(call->arena, size);
    if (!outgoing)
        return NULL;
    list_init(&outgoing->link);
    outgoing->call = call;
    outgoing->carrier = carrier;
    call->begun = false;
    call->work = outgoing;
    return outgoing;
}

static void end(struct outgoing *outgoing, struct now now)
{
    struct exchange_call *call = outgoing->call;
    outgoing->reply.at = now.wall;
    if (call->begun)
        outgoing->reply.took = mono_since(outgoing->begun_at, now.mono);
    list_remove(&outgoing->link);
    call->work = NULL;
    call->done(call, &outgoing->reply);
}

void outgoing_answer(struct outgoing *outgoing, struct now now)
{
    outgoing->reply.exchange = EXCHANGE_WHOLE;
    end(outgoing, now);
}

void outgoing_fail(struct outgoing *outgoing, enum exchange_end how, struct now now,
                   const char *format, ...)
{
    struct why why;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why.text, sizeof why.text, format, args);
    va_end(args);
    must(how != EXCHANGE_WHOLE);
    outgoing->reply = (struct reply){.exchange = how,
                                     .error = arena_copy(outgoing->call->arena, str_of(why.text))};
    end(outgoing, now);
}

/* The last door. */

/* Visible ASCII without the characters that end or split what stands around it. */
static bool is_plain(struct str s, const char *but)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= 0x20 || s.at[i] >= 0x7f || strchr(but, s.at[i]))
            return false;
    return true;
}

/* RFC 9113 section 8.2.1: lower case, and a token (RFC 9110 section 5.6.2). */
static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] >= 'A' && name.at[i] <= 'Z')
            return false;
    return name.len && is_plain(name, "\"(),/:;<=>?@[\\]{}");
}

/* RFC 9110 section 5.5: no control character but the tab. */
static bool is_value(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.at[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* What frames the message is the transport's business. */
static bool is_framing(struct str name)
{
    static const struct str ours[] = {STR_INIT("connection"),     STR_INIT("keep-alive"),
                                      STR_INIT("upgrade"),        STR_INIT("transfer-encoding"),
                                      STR_INIT("content-length"), STR_INIT("proxy-connection"),
                                      STR_INIT("host"),           STR_INIT("te"),
                                      STR_INIT("expect"),         STR_INIT("trailer")};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (str_eq(name, ours[i]))
            return true;
    return false;
}

static bool http_allowed(const struct request *request, struct why *why)
{
    if (!request->method.len || !is_plain(request->method, "\"(),/:;<=>?@[\\]{}"))
        return (void)why_set(why, ERR_INPUT, "the method is no token"), false;
    if (!str_starts(request->path, STR("/")) || !is_plain(request->path, "#"))
        return (void)why_set(why, ERR_INPUT, "the path is not fit for a request line"), false;
    for (uint32_t i = 0; i < request->header_count; i++) {
        struct str name = request->headers[i].name;
        if (!is_name(name) || is_framing(name))
            return (void)why_set(why, ERR_INPUT, "header %u may not be sent", i + 1), false;
        if (!is_value(request->headers[i].value))
            return (void)why_set(why, ERR_INPUT, "header %.*s holds a control character",
                                 STR_ARG(name)),
                   false;
    }
    return true;
}

/* RFC 5321 section 2.3.8: CR and LF stand only together; anything else smuggles commands. */
static bool lines_are_whole(struct str message)
{
    const char *at = message.at, *end = message.at + message.len;
    while (at < end) {
        const char *lf = memchr(at, '\n', (size_t)(end - at));
        const char *cr = memchr(at, '\r', (size_t)(end - at));
        if (!lf && !cr)
            return true;
        if (!lf || !cr || lf != cr + 1)
            return false;
        at = lf + 1;
    }
    return true;
}

static bool mail_allowed(const struct request *request, struct why *why)
{
    if (!is_plain(request->mail_from, "<>") || !request->mail_to.len ||
        !is_plain(request->mail_to, "<>"))
        return (void)why_set(why, ERR_INPUT, "an address is not fit for the envelope"), false;
    if (!is_plain(request->path, "#?@"))
        return (void)why_set(why, ERR_INPUT, "the name for EHLO is not fit for it"), false;
    if (str_has(request->body, '\0') || !lines_are_whole(request->body))
        return (void)why_set(why, ERR_INPUT, "the message holds a bare CR or LF, or a NUL"), false;
    return true;
}

bool outgoing_allowed(const struct request *request, struct why *why)
{
    if (request->header_count > REQUEST_HEADERS_MAX)
        return (void)why_set(why, ERR_INPUT, "over %d headers", REQUEST_HEADERS_MAX), false;
    switch (request->wire) {
    case WIRE_H2:
    case WIRE_HTTP:
        return http_allowed(request, why);
    case WIRE_SMTP:
        return mail_allowed(request, why);
    case WIRE_SANDBOX:
        return true;
    }
    return (void)why_set(why, ERR_INPUT, "no such wire"), false;
}
