/* What every driver owes the port, over every row of providers.def: rulings are total, requests
 * match the golden ones, composing is deterministic, nothing that a field holds can break out of
 * its place, and want of memory is an ordinary answer.
 *
 * The golden requests are test/fixtures/DRIVER/CASE.request; with GOLDEN=write in the environment
 * they are written anew, to be read before they are committed. */
#include "base/rng.h"
#include "codec/base64.h"
#include "provider_case.h"
#include <stdio.h>
#include <stdlib.h>

typedef void check(struct provider_case *c);

static void for_every_driver(check *run)
{
    size_t count;
    const struct provider_ops *const *all = provider_all(&count);
    for (size_t i = 0; i < count; i++) {
        struct provider_case c;
        char name[32];
        assert_true(str_copy(all[i]->driver, name, sizeof name));
        case_open(&c, name, NULL);
        run(&c);
        case_close(&c);
    }
}

static void check_row(struct provider_case *c)
{
    const struct provider_ops *ops = c->ops;
    assert_ptr_equal(provider_find(ops->driver), ops);
    assert_true(ops->kinds && !(ops->kinds >> KIND_COUNT));
    assert_non_null(ops->settings);
    assert_true(ops->open && ops->close && ops->compose && ops->judge);
    assert_int_equal(!ops->refresh_compose, !ops->refresh_judge);
    if (ops->refresh_compose || ops->forget)
        assert_non_null(ops->authorize);
}

static void every_row_is_complete(void **state)
{
    (void)state;
    size_t count;
    provider_all(&count);
    assert_int_equal(count, 6);
    for_every_driver(check_row);
    assert_null(provider_find(STR("carrier-pigeon")));
    assert_null(provider_find(STR_NONE));
}

static void check_required(struct provider_case *c)
{
    for (const struct setting_def *def = c->ops->settings; def->name.at; def++) {
        struct provider_case without;
        char driver[32], name[64];
        str_copy(c->ops->driver, driver, sizeof driver);
        str_copy(def->name, name, sizeof name);
        setting_change changes[] = {{name, ""}, {NULL, NULL}};
        if (!def->required)
            continue;
        assert_int_equal(case_try(&without, driver, NULL, changes), ERR_INPUT);
        assert_non_null(strstr(without.why.text, name));
    }
}

static void a_required_setting_is_missed_by_name(void **state)
{
    (void)state;
    for_every_driver(check_required);
}

/* What holds for each verdict, whatever gave it. */
static void assert_sound(const struct reply *reply, const struct verdict *v)
{
    bool whole = reply->exchange == EXCHANGE_WHOLE;
    assert_true(v->fate <= FATE_AMBIGUOUS && v->scope <= SCOPE_PROVIDER &&
                v->effect <= EFFECT_HOLD);
    assert_true(v->retry_after.us >= 0 && v->invalid_since.ms >= 0);
    if (v->fate == FATE_DONE)
        assert_true(whole && reply->status >= 200 && reply->status < 300);
    else
        assert_true(v->reason.len > 0);
    if (whole)
        assert_true(v->code.len > 0);
    assert_int_equal(v->answered, whole);
    if (v->effect == EFFECT_RETIRE || v->effect == EFFECT_SUPPRESS)
        assert_true(v->fate == FATE_NEVER && v->scope == SCOPE_ADDRESS);
    if (v->effect == EFFECT_THROTTLE || v->effect == EFFECT_REFRESH || v->effect == EFFECT_HOLD)
        assert_int_equal(v->fate, FATE_AGAIN);
    if (v->effect == EFFECT_SUPPRESS)
        assert_true(str_eq(v->reason, STR("stop")) || str_eq(v->reason, STR("invalid")) ||
                    str_eq(v->reason, STR("bounced")));
    if (reply->exchange == EXCHANGE_CUT)
        assert_true(v->fate == FATE_AMBIGUOUS || v->fate == FATE_AGAIN);
    if (reply->exchange == EXCHANGE_UNSENT || reply->exchange == EXCHANGE_REFUSED)
        assert_int_equal(v->fate, FATE_AGAIN);
}

static const char *const garbage[] = {
    NULL,
    "",
    "{",
    "null",
    "[]",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "{\"reason\":null,\"code\":null,\"error\":null,\"errno\":null}",
    "{\"reason\":1,\"code\":\"x\",\"error\":[],\"errno\":\"109\",\"timestamp\":\"x\"}",
    "{\"reason\":\"\",\"code\":-1,\"error\":{\"details\":{}},\"errno\":1e999}",
    "{\"error\":{\"details\":[null,1,{}],\"status\":7}}",
    "{\"code\":99999999999999999999999999}",
    "<html><body>502 Bad Gateway</body></html>",
    "\xff\xfe\x01",
    "5.1.1",
    "5.",
    "....",
    "5.1.1.1.1.1.1",
    "550",
    "queued as ",
};

static void check_total(struct provider_case *c)
{
    static const enum exchange_end ends[] = {EXCHANGE_WHOLE, EXCHANGE_UNSENT, EXCHANGE_REFUSED,
                                             EXCHANGE_CUT};
    for (size_t e = 0; e < 4; e++)
        for (int status = 0; status < 1000; status += status < 600 ? 1 : 57)
            for (size_t b = 0; b < sizeof garbage / sizeof *garbage; b++) {
                struct reply reply = case_reply(c, status, "retry-after: soon\n", garbage[b]);
                reply.exchange = ends[e];
                reply.error = STR("as it happened");
                struct verdict verdict = c->ops->judge(c->self, &reply, &c->arena);
                assert_sound(&reply, &verdict);
                if (ends[e] == EXCHANGE_CUT)
                    assert_int_equal(verdict.fate, FATE_AMBIGUOUS);
                if (c->ops->refresh_judge) {
                    verdict = c->ops->refresh_judge(c->self, &reply, &c->arena);
                    assert_sound(&reply, &verdict);
                }
                arena_reset(&c->arena);
            }
}

static void every_reply_gives_a_sound_verdict(void **state)
{
    (void)state;
    for_every_driver(check_total);
}

/* What at-most-once lives by: only the provider's word that it did not take the message lets it be
 * sent again. A 4xx of HTTP is that, a 5xx is not; of SMTP both are, and of the sandbox, which is
 * ours. */
static void check_doubt(struct provider_case *c)
{
    bool says_so = str_eq(c->ops->driver, STR("smtp")) || str_eq(c->ops->driver, STR("sandbox"));
    for (int status = 300; status < 600; status++) {
        bool known =
            says_so && (status == 503 || (status >= 400 && c->ops->kinds == 1 << KIND_EMAIL));
        struct verdict verdict = case_judge(c, status, NULL, "");
        if (status >= 400)
            assert_int_equal(verdict.fate == FATE_AMBIGUOUS, status >= 500 && !known);
        else if (!says_so)
            assert_int_not_equal(verdict.fate, FATE_AMBIGUOUS);
        arena_reset(&c->arena);
    }
}

static void a_fault_of_the_service_leaves_a_doubt(void **state)
{
    (void)state;
    for_every_driver(check_doubt);
}

static void check_judging_without_memory(struct provider_case *c)
{
    for (size_t max = 0; max < 3000; max += 40)
        for (size_t b = 0; b < sizeof garbage / sizeof *garbage; b++) {
            struct arena small;
            struct reply reply = case_reply(c, 400, NULL, garbage[b]);
            arena_init(&small, max);
            struct verdict verdict = c->ops->judge(c->self, &reply, &small);
            assert_true(verdict.fate != FATE_DONE);
            arena_done(&small);
            arena_reset(&c->arena);
        }
}

static void judging_needs_no_memory_to_be_right(void **state)
{
    (void)state;
    for_every_driver(check_judging_without_memory);
}

/* A request as text. A body that is not text is base64url. */
static struct str request_text(const struct request *r, struct arena *arena)
{
    static const char *const wires[] = {"h2", "http", "smtp", "sandbox"};
    static const char *const starttls[] = {"required", "offered", "off"};
    struct buf out;
    buf_init(&out, 1 << 20);
    buf_printf(&out, "wire: %s\nmethod: %.*s\norigin: %.*s\npath: %.*s\n", wires[r->wire],
               STR_ARG(r->method), STR_ARG(r->origin), STR_ARG(r->path));
    if (r->wire == WIRE_SMTP)
        buf_printf(&out, "mail from: %.*s\nmail to: %.*s\nstarttls: %s\n", STR_ARG(r->mail_from),
                   STR_ARG(r->mail_to), starttls[r->smtp_starttls]);
    if (r->wire == WIRE_SANDBOX)
        buf_printf(&out, "answer: %d\n", r->sandbox_status);
    if (r->subscriber_chosen)
        buf_add(&out, STR("subscriber chosen\n"));
    buf_add_char(&out, '\n');
    for (uint32_t i = 0; i < r->header_count; i++)
        buf_printf(&out, "%.*s: %.*s\n", STR_ARG(r->headers[i].name), STR_ARG(r->headers[i].value));
    buf_add_char(&out, '\n');
    if (str_is_utf8(r->body))
        buf_add(&out, r->body);
    else
        base64url_add(&out, r->body);
    buf_add_char(&out, '\n');
    assert_false(out.failed);
    struct str text = arena_copy(arena, buf_str(&out));
    buf_done(&out);
    return text;
}

static void golden(struct provider_case *c, const char *name)
{
    char path[512], file[16384];
    snprintf(path, sizeof path, "%s/%.*s/%s.request", FIXTURES, STR_ARG(c->ops->driver), name);
    if (case_compose(c))
        fail_msg("%s: %s", path, c->why.text);
    struct str text = request_text(&c->request, &c->arena);
    const char *write = getenv("GOLDEN");
    if (write && strcmp(write, "write") == 0) {
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(text.at, 1, text.len, out), text.len);
        assert_int_equal(fclose(out), 0);
    }
    FILE *in = fopen(path, "rb");
    if (!in)
        fail_msg("%s is missing", path);
    size_t len = fread(file, 1, sizeof file, in);
    fclose(in);
    if (!str_eq(text, (struct str){file, len}))
        fail_msg("%s is not what was composed:\n%.*s", path, STR_ARG(text));
}

static void check_golden(struct provider_case *c)
{
    golden(c, "full");
    case_reset(c);
    c->notification.collapse_key = STR_NONE;
    c->notification.priority = PRIORITY_LOW;
    c->content = (struct content){.body = STR("b"),
                                  .text = STR("\xec\xa3\xbc\xeb\xac\xb8 42"),
                                  .subject = STR("\xec\xa3\xbc")};
    golden(c, "little");
}

static void requests_are_the_golden_ones(void **state)
{
    (void)state;
    for_every_driver(check_golden);
}

static void check_deterministic(struct provider_case *c)
{
    assert_int_equal(case_compose(c), OK);
    struct str first = request_text(&c->request, &c->arena);
    assert_int_equal(case_compose(c), OK);
    assert_true(str_eq(request_text(&c->request, &c->arena), first));
}

static void the_same_attempt_gives_the_same_bytes(void **state)
{
    (void)state;
    for_every_driver(check_deterministic);
}

static bool is_clean(struct str text, bool spaces)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < (spaces ? 0x20 : 0x21) || text.at[i] == 0x7f)
            return false;
    return true;
}

static bool is_ascii(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] > 0x7e)
            return false;
    return true;
}

/* The header of a mail: exactly the lines that we write, and no bare CR or LF in all of it. */
static void assert_mail_contained(struct str mail)
{
    static const char *const known[] = {
        "Date",           "From",         "To",
        "Subject",        "Message-ID",   "MIME-Version",
        "Auto-Submitted", "Content-Type", "Content-Transfer-Encoding"};
    unsigned seen = 0;
    bool in_header = true;
    while (mail.at) {
        struct str line = str_cut(&mail, '\n');
        if (!mail.at) {
            assert_int_equal(line.len, 0);
            break;
        }
        assert_true(str_ends(line, STR("\r")));
        line.len--;
        in_header = in_header && line.len;
        for (size_t i = 0; i < line.len; i++)
            assert_true(line.at[i] >= ' ' || (!in_header && line.at[i] == '\t'));
        assert_true(line.len <= 998);
        if (!in_header || line.at[0] == ' ')
            continue;
        struct str rest = line, name = str_cut(&rest, ':');
        size_t i = 0;
        while (i < sizeof known / sizeof *known && !str_eq(name, str_of(known[i])))
            i++;
        assert_true(i < sizeof known / sizeof *known);
        assert_false(seen >> i & 1);
        seen |= 1u << i;
    }
}

static void assert_contained(const struct request *r)
{
    assert_true(is_clean(r->method, false) && is_ascii(r->method));
    assert_true(is_clean(r->origin, false) && is_ascii(r->origin));
    assert_true(is_clean(r->path, false) && is_ascii(r->path));
    assert_true(is_clean(r->mail_from, false) && is_clean(r->mail_to, false));
    assert_false(str_has(r->mail_from, '>') || str_has(r->mail_to, '>'));
    for (uint32_t i = 0; i < r->header_count; i++) {
        assert_true(r->headers[i].name.len && is_clean(r->headers[i].name, false));
        assert_true(is_clean(r->headers[i].value, true) && is_ascii(r->headers[i].value));
    }
    if (r->wire == WIRE_SMTP)
        assert_mail_contained(r->body);
    if (r->wire == WIRE_H2 || r->wire == WIRE_HTTP) /* JSON, a form, or sealed */
        for (size_t i = 0; i < r->body.len && str_is_utf8(r->body); i++)
            assert_true((unsigned char)r->body.at[i] >= 0x20);
}

enum { FIELDS = 15 };

static struct str *field(struct provider_case *c, int i)
{
    struct str *const fields[FIELDS] = {&c->notification.collapse_key,
                                        &c->delivery.address,
                                        &c->delivery.bundle_id,
                                        &c->delivery.p256dh,
                                        &c->delivery.auth,
                                        &c->content.title,
                                        &c->content.body,
                                        &c->content.url,
                                        &c->content.image,
                                        &c->content.text,
                                        &c->content.html,
                                        &c->content.subject,
                                        &c->content.from,
                                        &c->notification.category,
                                        &c->delivery.locale};
    return fields[i];
}

static void try_contained(struct provider_case *c)
{
    enum err err = case_compose(c);
    if (err == OK)
        assert_contained(&c->request);
    else
        assert_true((err == ERR_INPUT || err == ERR_LIMIT) && c->why.text[0]);
}

/* Each field in turn holds what would end a line, a header, a string or a path. */
static void check_injection(struct provider_case *c)
{
    static const struct str poison[] = {
        STR_INIT("\r"),
        STR_INIT("\n"),
        STR_INIT("a\0b"),
        STR_INIT("a\r\nx-injected: 1"),
        STR_INIT("a\r\n\r\nbody"),
        STR_INIT("a\r\n.\r\nMAIL FROM:<e@evil.example>"),
        STR_INIT("Name <a@b.example>\r\nBcc: e@evil.example"),
        STR_INIT("a@b.example>\r\nRCPT TO:<e@evil.example"),
        STR_INIT("a@b.example> SIZE=1"),
        STR_INIT("\"a\r\nb\"@c.example"),
        STR_INIT("https://push.example/\r\nx-injected: 1"),
        STR_INIT("https://push.example/\x7f"),
        STR_INIT("../../../x?y#z"),
        STR_INIT("\",\"injected\":\"1"),
        STR_INIT("&Injected=1"),
        STR_INIT("\xe2\x80\xa8\xe2\x80\xa9\xc2\x85\x0b\x0c"),
        STR_INIT("\x1b[2J"),
    };
    for (int f = 0; f < FIELDS; f++)
        for (size_t p = 0; p < sizeof poison / sizeof *poison; p++) {
            case_reset(c);
            *field(c, f) = poison[p];
            try_contained(c);
            arena_reset(&c->arena);
        }
    case_reset(c);
    case_data(c, "{\"a\\r\\nx: y\":\"b\\r\\nx: y\",\"\\\"\":\"\\\"\"}");
    try_contained(c);
}

static void no_field_breaks_out_of_its_place(void **state)
{
    (void)state;
    for_every_driver(check_injection);
}

static struct str random_text(struct rng *rng, struct arena *arena)
{
    static const char *const pieces[] = {"a",
                                         " ",
                                         "\r",
                                         "\n",
                                         "\t",
                                         "\"",
                                         "\\",
                                         "<",
                                         ">",
                                         "@",
                                         ":",
                                         "/",
                                         "%",
                                         "&",
                                         "=",
                                         "?",
                                         "x.y",
                                         "=?",
                                         "\x01",
                                         ".",
                                         "\xed\x95\x9c",
                                         "\x7f",
                                         ",",
                                         "https://p.example/",
                                         "\xf0\x9f\x98\x80"};
    struct buf buf;
    buf_init(&buf, 4096);
    for (uint64_t left = rng_below(rng, 30); left; left--)
        buf_add(&buf, str_of(pieces[rng_below(rng, sizeof pieces / sizeof *pieces)]));
    struct str text = arena_copy(arena, buf.len ? buf_str(&buf) : STR(""));
    buf_done(&buf);
    return text;
}

static void check_property(struct provider_case *c)
{
    struct rng rng = rng_of(4);
    for (int round = 0; round < 1500; round++) {
        case_reset(c);
        for (uint64_t changes = 1 + rng_below(&rng, 4); changes; changes--)
            *field(c, (int)rng_below(&rng, FIELDS)) = random_text(&rng, &c->arena);
        c->notification.priority = (enum priority)rng_below(&rng, PRIORITY_COUNT);
        try_contained(c);
        arena_reset(&c->arena);
    }
}

static void whatever_is_composed_is_free_of_controls(void **state)
{
    (void)state;
    for_every_driver(check_property);
}

static void check_missing(struct provider_case *c)
{
    c->content = (struct content){.from = STR("a@b.example")};
    assert_int_equal(case_compose(c), ERR_INPUT);
    assert_true(c->why.text[0]);
    case_reset(c);
    c->delivery.address = STR_NONE;
    assert_int_equal(case_compose(c), ERR_INPUT);
}

static void nothing_to_say_or_nobody_to_tell_is_refused(void **state)
{
    (void)state;
    for_every_driver(check_missing);
}

/* Every size of arena, up to one that is enough: OK or ERR_MEMORY, never a refusal for good. */
static void check_composing_without_memory(struct provider_case *c)
{
    bool enough = false;
    for (size_t max = 0; max < 40000 && !enough; max += 64) {
        struct arena small;
        struct request request;
        arena_init(&small, max);
        c->entropy_at = 0;
        enum err err = c->ops->compose(c->self, &c->parcel, STR("CREDENTIAL"), &c->entropy, &small,
                                       &request, &c->why);
        if (err != OK && err != ERR_MEMORY)
            fail_msg("%.*s: %s with %zu bytes", STR_ARG(c->ops->driver), err_name(err), max);
        enough = err == OK;
        arena_done(&small);
    }
    assert_true(enough);
}

static void want_of_memory_is_no_refusal(void **state)
{
    (void)state;
    for_every_driver(check_composing_without_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_complete),
        cmocka_unit_test(a_required_setting_is_missed_by_name),
        cmocka_unit_test(every_reply_gives_a_sound_verdict),
        cmocka_unit_test(a_fault_of_the_service_leaves_a_doubt),
        cmocka_unit_test(judging_needs_no_memory_to_be_right),
        cmocka_unit_test(requests_are_the_golden_ones),
        cmocka_unit_test(the_same_attempt_gives_the_same_bytes),
        cmocka_unit_test(no_field_breaks_out_of_its_place),
        cmocka_unit_test(whatever_is_composed_is_free_of_controls),
        cmocka_unit_test(nothing_to_say_or_nobody_to_tell_is_refused),
        cmocka_unit_test(want_of_memory_is_no_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
