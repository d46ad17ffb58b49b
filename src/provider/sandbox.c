/* provider/sandbox.c - every kind without a network: the outcome stands in the address.
 *
 * For trials and tests, and the only driver that test keys reach. It renders what a real provider
 * would need, so that missing or impossible content fails here, too. Nothing that an address asks
 * for reaches farther than its own delivery.
 */
#include "codec/uri.h"
#include "provider/draft.h"
#include "provider/drivers.h"

enum { TEXT_CHARS_MAX = 1600, PUSH_MAX = 4096, SLOW_S = 5, THROTTLE_WAIT_S = 1 };

static const struct outcome_word {
    struct str word;
    char digit; /* the last of a phone number; 0: none */
    int status; /* 0: cut off without an answer */
    bool slow, receipt;
} outcomes[] = {
    {STR_INIT("ok"), '0', 200, false, false},
    {STR_INIT("delivered"), 0, 200, false, true},
    {STR_INIT("transient"), '1', 503, false, false},
    {STR_INIT("throttled"), '2', 429, false, false},
    {STR_INIT("dead"), '3', 410, false, false},
    {STR_INIT("refused"), '4', 400, false, false},
    {STR_INIT("ambiguous"), '5', 0, false, false},
    {STR_INIT("slow"), '6', 200, true, false},
};

static const struct setting_def sandbox_settings[] = {
    {{NULL, 0}, false, false},
};

static const struct ruling sandbox_rulings[] = {
    {200, NULL, FATE_DONE, SCOPE_DELIVERY, EFFECT_NONE, NULL},
    {400, NULL, FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "refused"},
    {410, NULL, FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE, "dead"},
    {429, NULL, FATE_AGAIN, SCOPE_DELIVERY, EFFECT_THROTTLE, "throttled"},
    {503, NULL, FATE_AGAIN, SCOPE_DELIVERY, EFFECT_NONE, "transient"}, /* and nothing was taken */
    {0},
};

static enum err sandbox_open(const struct provider_config *config, void **ret, struct why *why)
{
    (void)config, (void)why;
    static const char nothing;
    *ret = (void *)(uintptr_t)&nothing; /* there is no state */
    return OK;
}

static void sandbox_close(void *self)
{
    (void)self;
}

/* The part of the address that speaks: a local part, the last step of an endpoint's path, or all
 * of a token or number. */
static struct str spoken(enum kind kind, struct str address)
{
    struct str rest = address;
    if (kind == KIND_EMAIL)
        return str_cut(&rest, '@');
    if (kind != KIND_WEB)
        return address;
    address = str_cut(&rest, '?');
    size_t from = address.len;
    while (from && address.at[from - 1] != '/')
        from--;
    return str_slice(address, from, address.len);
}

static const struct outcome_word *outcome_of(enum kind kind, struct str address)
{
    struct str word = spoken(kind, address);
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        if (str_ends(word, outcomes[i].word))
            return &outcomes[i];
        if (kind == KIND_SMS && outcomes[i].digit && word.len &&
            outcomes[i].digit == word.at[word.len - 1])
            return &outcomes[i];
    }
    return &outcomes[0];
}

static enum err push_body(const struct parcel *parcel, struct arena *arena, struct str *ret,
                          struct why *why)
{
    enum err err = draft_push_check(parcel, why);
    size_t bytes = draft_push_bytes(parcel->content);
    struct buf buf;
    if (err)
        return err;
    if (bytes > PUSH_MAX)
        return why_set(why, ERR_LIMIT, "the payload has %zu bytes, push services take %d", bytes,
                       PUSH_MAX);
    buf_init(&buf, 16 * PUSH_MAX);
    struct json_out out = json_out_to(&buf);
    draft_push_json(&out, parcel->content);
    *ret = draft_take(arena, &buf);
    return draft_finish(arena, why);
}

static enum err endpoint_check(struct str endpoint, struct why *why)
{
    struct url url;
    return url_parse(endpoint, &url)
               ? OK
               : why_set(why, ERR_INPUT, "the subscription's endpoint is no URL");
}

static enum err body_of(const struct parcel *parcel, struct arena *arena, struct str *ret,
                        struct why *why)
{
    struct mailbox from;
    enum err err = OK;
    switch (parcel->delivery->kind) {
    case KIND_EMAIL:
        return draft_mail(parcel, STR("Sandbox <sandbox@localhost>"), arena, ret, &from, why);
    case KIND_SMS:
        err = draft_sms_check(parcel, TEXT_CHARS_MAX, why);
        *ret = arena_copy(arena, parcel->content->text);
        return err ? err : draft_finish(arena, why);
    case KIND_WEB:
        err = endpoint_check(parcel->delivery->address, why);
        break;
    case KIND_IOS:
    case KIND_ANDROID:
    case KIND_COUNT:
        break;
    }
    return err ? err : push_body(parcel, arena, ret, why);
}

static enum err sandbox_compose(const void *self, const struct parcel *parcel,
                                struct str credential, const struct entropy *entropy,
                                struct arena *arena, struct request *ret, struct why *why)
{
    (void)self, (void)credential, (void)entropy;
    const struct outcome_word *outcome =
        outcome_of(parcel->delivery->kind, parcel->delivery->address);
    struct request request = {.wire = WIRE_SANDBOX,
                              .method = STR("POST"),
                              .origin = STR("sandbox:"),
                              .path = STR("/"),
                              .sandbox_status = outcome->status,
                              .sandbox_delay = span_s(outcome->slow ? SLOW_S : 0),
                              .sandbox_receipt = outcome->receipt};
    enum err err = body_of(parcel, arena, &request.body, why);
    if (!err)
        *ret = request;
    return err;
}

static struct verdict sandbox_judge(const void *self, const struct reply *reply,
                                    struct arena *arena)
{
    (void)self;
    struct verdict verdict = rule(sandbox_rulings, reply, STR_NONE, SCOPE_DELIVERY, arena);
    if (verdict.effect == EFFECT_THROTTLE && verdict.retry_after.us == 0)
        verdict.retry_after = span_s(THROTTLE_WAIT_S);
    return verdict;
}

const struct provider_ops sandbox_ops = {
    .driver = STR_INIT("sandbox"),
    .kinds =
        1u << KIND_IOS | 1u << KIND_ANDROID | 1u << KIND_WEB | 1u << KIND_SMS | 1u << KIND_EMAIL,
    .settings = sandbox_settings,
    .open = sandbox_open,
    .close = sandbox_close,
    .compose = sandbox_compose,
    .judge = sandbox_judge,
};
