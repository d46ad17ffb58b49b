/* provider/smtp.c - a mail submission server, over SMTP.
 *
 * RFC 5321 section 4.2 (replies), 3463 (enhanced codes), 6409, 3207, 4954. The Message-ID is made
 * of the delivery's id and stays over all attempts, so that receivers can drop a repeat. A reply of
 * 4yz or 5yz is a refusal even behind the final dot: the server must not deliver after it (RFC 5321
 * section 4.2.5). Only a connection that is lost there leaves a doubt.
 */
#include "provider/draft.h"
#include "provider/drivers.h"
#include "provider/rulings.h"
#include "provider/settings.h"
#include <stdlib.h>

enum { CREDENTIAL_LEN_MAX = 512 };

struct smtp {
    struct keep keep;
    struct str origin, ca, from, user, password;
    enum starttls starttls;
};

static const struct setting_def smtp_settings[] = {
    {STR_INIT("starttls"), false, false},
    {STR_INIT("user"), false, false},
    {STR_INIT("password"), false, true},
    {STR_INIT("from"), false, false},
    {{NULL, 0}, false, false},
};

/* From the top, the first that matches: a reply's code, or any; its enhanced code, all of a group
 * ("4.7.x"), or any. */
static const struct ruling smtp_rulings[] = {
    {250, NULL, FATE_DONE, SCOPE_DELIVERY, EFFECT_NONE, NULL},
    /* The server, and our account at it. */
    {421, NULL, FATE_AGAIN, SCOPE_PROVIDER, EFFECT_NONE, "service_closing"},
    {432, NULL, FATE_AGAIN, SCOPE_PROVIDER, EFFECT_NONE, "password_transition"},
    {454, NULL, FATE_AGAIN, SCOPE_PROVIDER, EFFECT_NONE, "authentication_unavailable"},
    {530, NULL, FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "authentication_required"},
    {534, NULL, FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "authentication_too_weak"},
    {535, NULL, FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "wrong_credentials"},
    {553, "5.7.1", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "sender_not_allowed"},
    {RULING_ANY, "4.3.x", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_NONE, "system_trouble"},
    {RULING_ANY, "4.4.x", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_NONE, "network_trouble"},
    /* The mailbox. */
    {RULING_ANY, "5.1.1", FATE_NEVER, SCOPE_ADDRESS, EFFECT_SUPPRESS, "bounced"},
    {RULING_ANY, "5.1.2", FATE_NEVER, SCOPE_ADDRESS, EFFECT_SUPPRESS, "bounced"},
    {RULING_ANY, "5.1.10", FATE_NEVER, SCOPE_ADDRESS, EFFECT_SUPPRESS, "bounced"},
    {RULING_ANY, "5.2.1", FATE_NEVER, SCOPE_ADDRESS, EFFECT_SUPPRESS, "bounced"},
    {RULING_ANY, "5.2.2", FATE_AGAIN, SCOPE_DELIVERY, EFFECT_NONE, "mailbox_full"},
    {RULING_ANY, "4.2.2", FATE_AGAIN, SCOPE_DELIVERY, EFFECT_NONE, "mailbox_full"},
    /* The message. Policy is no property of the address: it never suppresses. */
    {RULING_ANY, "5.3.4", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "message_too_large"},
    {RULING_ANY, "5.7.x", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "policy"},
    {RULING_ANY, "4.7.x", FATE_AGAIN, SCOPE_DELIVERY, EFFECT_NONE, "greylisted"},
    {450, NULL, FATE_AGAIN, SCOPE_DELIVERY, EFFECT_NONE, "mailbox_busy"},
    {451, NULL, FATE_AGAIN, SCOPE_DELIVERY, EFFECT_NONE, "local_error"},
    {452, NULL, FATE_AGAIN, SCOPE_DELIVERY, EFFECT_NONE, "no_storage"},
    {0},
};

static void smtp_close(void *self)
{
    struct smtp *smtp = self;
    keep_done(&smtp->keep);
    free(smtp);
}

static enum err read_starttls(struct str text, const struct url *url, enum starttls *ret,
                              struct why *why)
{
    if (!text.len || str_eq(text, STR("required")))
        *ret = STARTTLS_REQUIRED;
    else if (str_eq(text, STR("offered")))
        *ret = STARTTLS_OFFERED;
    else if (str_eq(text, STR("off")))
        *ret = STARTTLS_OFF;
    else
        return why_set(why, ERR_INPUT, "`starttls` must be required, offered or off");
    if (*ret == STARTTLS_OFF && !url_is_loopback(url) && !url_has_scheme(url, STR("smtps")))
        return why_set(why, ERR_INPUT,
                       "`starttls: off` sends mail in the clear: it is for loopback only; leave it "
                       "at required");
    return OK;
}

/* A password goes out only where nobody can take the TLS away. */
static enum err read_account(const struct provider_config *config, const struct url *url,
                             enum starttls starttls, struct why *why)
{
    struct str user = provider_setting(config, STR("user"));
    struct str password = provider_setting(config, STR("password"));
    if (!user.len != !password.len)
        return why_set(why, ERR_INPUT, "`user` and `password` go together: set both or neither");
    if (user.len > CREDENTIAL_LEN_MAX || password.len > CREDENTIAL_LEN_MAX)
        return why_set(why, ERR_INPUT, "`user` or `password` is longer than %d bytes",
                       CREDENTIAL_LEN_MAX);
    for (size_t i = 0; i < user.len + password.len; i++) {
        char c = i < user.len ? user.at[i] : password.at[i - user.len];
        if ((unsigned char)c < ' ' || c == 0x7f)
            return why_set(why, ERR_INPUT,
                           "`user` or `password` holds a control character: check for a line end "
                           "in the file or variable it is from");
    }
    if (user.len && starttls != STARTTLS_REQUIRED && !url_is_loopback(url) &&
        !url_has_scheme(url, STR("smtps")))
        return why_set(why, ERR_INPUT, "a password needs TLS: set `starttls: required`");
    return OK;
}

static enum err read_from(struct str from, struct why *why)
{
    struct arena arena;
    struct mailbox box;
    enum err err = OK;
    arena_init(&arena, 64 * 1024);
    if (from.len)
        err = mailbox_parse(from, &arena, &box, why);
    arena_done(&arena);
    return err;
}

static enum err read_settings(struct smtp *smtp, const struct provider_config *config,
                              struct why *why)
{
    struct str text, from = provider_setting(config, STR("from"));
    struct url url;
    enum err err = keep_init(&smtp->keep, config, why);
    if (!err)
        err = setting_need(config, STR("url"), "smtp://host:587 or smtps://host:465", &text, why);
    if (err)
        return err;
    if (!url_parse(text, &url) ||
        !(url_has_scheme(&url, STR("smtp")) || url_has_scheme(&url, STR("smtps"))) ||
        (url.path.len && !str_eq(url.path, STR("/"))))
        return why_set(why, ERR_INPUT,
                       "`url` must be smtp://host:port or smtps://host:port, with `user` and "
                       "`password` beside it");
    if ((err = read_starttls(provider_setting(config, STR("starttls")), &url, &smtp->starttls,
                             why)) ||
        (err = read_account(config, &url, smtp->starttls, why)) || (err = read_from(from, why)))
        return err;
    smtp->origin = keep_str(&smtp->keep, url.origin);
    smtp->from = keep_str(&smtp->keep, from);
    smtp->ca = keep_str(&smtp->keep, provider_setting(config, STR("ca")));
    text = provider_setting(config, STR("user"));
    if (text.len) {
        smtp->user = keep_str(&smtp->keep, text);
        smtp->password = keep_str(&smtp->keep, provider_setting(config, STR("password")));
    }
    return OK;
}

static enum err smtp_open(const struct provider_config *config, void **ret, struct why *why)
{
    struct smtp *smtp = calloc(1, sizeof *smtp);
    if (!smtp)
        return why_set(why, ERR_MEMORY, "no memory for a provider");
    enum err err = read_settings(smtp, config, why);
    if (err)
        smtp_close(smtp);
    else
        *ret = smtp;
    return err;
}

static enum err smtp_compose(const void *self, const struct parcel *parcel, struct str credential,
                             const struct entropy *entropy, struct arena *arena,
                             struct request *ret, struct why *why)
{
    (void)credential, (void)entropy;
    const struct smtp *smtp = self;
    struct mailbox from;
    struct request request = {.wire = WIRE_SMTP,
                              .origin = smtp->origin,
                              .ca = smtp->ca,
                              .smtp_starttls = smtp->starttls,
                              .smtp_user = smtp->user,
                              .smtp_password = smtp->password};
    enum err err = draft_mail(parcel, smtp->from, arena, &request.body, &from, why);
    if (err)
        return err;
    request.mail_from = arena_copy(arena, from.address);
    request.mail_to = arena_copy(arena, parcel->delivery->address);
    *ret = request;
    return draft_finish(arena, why);
}

/* The enhanced code (RFC 3463 section 2) that a reply's text begins with; absent if it has none.
 * The reply's own code may stand before it. */
static struct str enhanced_code(struct str text)
{
    text = str_trim(text);
    uint64_t number;
    if (text.len > 4 && (text.at[3] == ' ' || text.at[3] == '-') &&
        str_to_u64(str_slice(text, 0, 3), &number))
        text = str_slice(text, 4, text.len);
    size_t len = 0;
    while (len < text.len && ((text.at[len] >= '0' && text.at[len] <= '9') || text.at[len] == '.'))
        len++;
    struct str code = str_slice(text, 0, len), rest = code;
    for (int i = 0; i < 3; i++) {
        struct str part = str_cut(&rest, '.');
        if (part.len < 1 || part.len > 3 || (i == 0 && !strchr("245", part.at[0])))
            return STR_NONE;
    }
    return rest.at ? STR_NONE : code;
}

static bool matches(const struct ruling *row, int status, struct str code)
{
    if (row->status != status && !(row->status == RULING_ANY && status >= 400))
        return false;
    if (!row->code)
        return true;
    struct str want = str_of(row->code);
    if (str_ends(want, STR(".x")))
        return str_starts(code, str_slice(want, 0, want.len - 1));
    return str_eq(code, want);
}

static const struct ruling *find(int status, struct str code)
{
    for (const struct ruling *row = smtp_rulings; row->status; row++)
        if (matches(row, status, code))
            return row;
    return NULL;
}

static struct ruling by_class(int status)
{
    if (status >= 200 && status < 300)
        return (struct ruling){status, NULL, FATE_DONE, SCOPE_DELIVERY, EFFECT_NONE, NULL};
    if (status >= 400 && status < 500)
        return (struct ruling){status, NULL, FATE_AGAIN, SCOPE_DELIVERY, EFFECT_NONE, "deferred"};
    if (status >= 500 && status < 600)
        return (struct ruling){status, NULL, FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "refused"};
    return (struct ruling){status,         NULL,        FATE_AMBIGUOUS,
                           SCOPE_PROVIDER, EFFECT_NONE, "no_smtp_status"};
}

/* "Relay access denied" (Postfix), "relaying denied" (Sendmail), "unable to relay" (Exchange). */
static bool speaks_of_relaying(struct str text)
{
    for (size_t i = 0; i + 5 <= text.len; i++)
        if (str_eq_nocase(str_slice(text, i, i + 5), STR("relay")))
            return true;
    return false;
}

/* "2.0.0 Ok: queued as 4F2A1" */
static struct str queue_id(struct str text)
{
    static const char words[] = "queued as ";
    const char *found = text.len ? memmem(text.at, text.len, words, sizeof words - 1) : NULL;
    if (!found)
        return STR_NONE;
    size_t from = (size_t)(found - text.at) + sizeof words - 1, to = from;
    while (to < text.len && text.at[to] > ' ' && text.at[to] <= '~')
        to++;
    return str_slice(text, from, to);
}

static struct verdict smtp_judge(const void *self, const struct reply *reply, struct arena *arena)
{
    static const struct ruling no_relay = {554,         "5.7.1",       FATE_AGAIN, SCOPE_PROVIDER,
                                           EFFECT_HOLD, "relay_denied"};
    (void)self;
    if (reply->exchange != EXCHANGE_WHOLE)
        return ruling_unanswered(reply, SCOPE_PROVIDER);
    struct str code = enhanced_code(reply->body);
    const struct ruling *row = find(reply->status, code);
    struct ruling class = by_class(reply->status);
    if (reply->status == 554 && str_eq(code, STR("5.7.1")) && speaks_of_relaying(reply->body))
        row = &no_relay;
    struct verdict verdict = ruling_verdict(row ? row : &class, reply, STR_NONE, arena);
    if (verdict.fate == FATE_DONE) {
        verdict.message_id = queue_id(reply->body);
        return verdict;
    }
    if (code.len)
        verdict.code = arena_printf(arena, "%d %.*s", reply->status, STR_ARG(code));
    verdict.detail = str_trim(reply->body);
    return verdict;
}

const struct provider_ops smtp_ops = {
    .driver = STR_INIT("smtp"),
    .kinds = 1u << KIND_EMAIL,
    .settings = smtp_settings,
    .open = smtp_open,
    .close = smtp_close,
    .compose = smtp_compose,
    .judge = smtp_judge,
};
