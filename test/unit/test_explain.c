/* One sentence for every state that a delivery may be in, and every reason that policy gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/explain.h"

static const struct wall now = {1790000000000}; /* 2026-09-21T14:13:20Z */

static struct event attempt_of(uint32_t number, enum state state)
{
    return (struct event){.at = {now.ms - 1000},
                          .state = state,
                          .attempt = number,
                          .provider = STR("twilio"),
                          .code = STR("503"),
                          .reason = STR("ServiceUnavailable"),
                          .detail = STR("try later")};
}

static const struct row {
    const char *name;
    enum state state;
    const char *reason;
    enum kind kind;
    uint32_t attempts;
    bool attempted; /* with an event of its last attempt */
    bool later;     /* next due in a minute */
    const char *expected;
} rows[] = {
    {"waits for its turn", STATE_QUEUED, NULL, KIND_SMS, 0, false, false,
     "Waiting for its turn; not attempted yet."},
    {"waits between attempts", STATE_QUEUED, NULL, KIND_SMS, 2, true, true,
     "Waiting for attempt 3, due at 2026-09-21T14:14:20.000Z: attempt 2, by twilio at "
     "2026-09-21T14:13:19.000Z got 503 ServiceUnavailable (try later)."},
    {"is being sent", STATE_SENDING, NULL, KIND_SMS, 1, false, false, "Being sent now: attempt 1."},
    {"taken", STATE_SENT, NULL, KIND_SMS, 2, true, false,
     "twilio took it at 2026-09-21T14:13:19.000Z, in attempt 2; no receipt has come."},
    {"delivered", STATE_DELIVERED, NULL, KIND_SMS, 1, true, false,
     "Delivered, as twilio reported at 2026-09-21T14:13:19.000Z."},
    {"refused", STATE_FAILED, NULL, KIND_SMS, 1, true, false,
     "Failed: it was refused for good: attempt 1, by twilio at 2026-09-21T14:13:19.000Z got 503 "
     "ServiceUnavailable (try later)."},
    {"given up", STATE_DEAD, NULL, KIND_SMS, 12, true, false,
     "Given up after 12 attempts: attempt 12, by twilio at 2026-09-21T14:13:19.000Z got 503 "
     "ServiceUnavailable (try later); it may be redriven."},
    {"opted out", STATE_SUPPRESSED, "opted_out", KIND_EMAIL, 0, false, false,
     "Not sent: the user has opted out of email for category marketing."},
    {"no device", STATE_SUPPRESSED, "no_address", KIND_IOS, 0, false, false,
     "Not sent: the user has no device."},
    {"no phone", STATE_SUPPRESSED, "no_address", KIND_SMS, 0, false, false,
     "Not sent: the user has no phone number."},
    {"dead token", STATE_SUPPRESSED, "invalid_token", KIND_IOS, 0, false, false,
     "Not sent: the provider has said that the device's token is no longer valid; the device has "
     "to register again."},
    {"suppressed address", STATE_SUPPRESSED, "suppression_list", KIND_EMAIL, 0, false, false,
     "Not sent: the e-mail address is on the app's suppression list."},
    {"another policy", STATE_SUPPRESSED, "rate_limited", KIND_EMAIL, 0, false, false,
     "Not sent, by policy: rate_limited."},
    {"expired untried", STATE_EXPIRED, NULL, KIND_SMS, 0, false, false,
     "Not sent: its time to live had passed at 2026-09-21T14:13:18.000Z before a provider took it, "
     "and it had not been attempted."},
    {"cancelled", STATE_CANCELLED, NULL, KIND_SMS, 0, false, false,
     "Not sent: the notification was cancelled at 2026-09-21T14:13:18.000Z."},
    {"cut off", STATE_UNKNOWN, NULL, KIND_SMS, 1, false, false,
     "It may have been sent, and is not sent again, because its guarantee is at_most_once: the "
     "attempt was cut off."},
};

static void every_state_has_its_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct arena arena;
        arena_init(&arena, 1 << 16);
        const struct delivery_view view = {
            .delivery = {.kind = row->kind},
            .updated_at = {now.ms - 2000},
            .state = row->state,
            .reason = row->reason ? str_of(row->reason) : STR_NONE,
            .provider = STR("twilio"),
            .attempts = row->attempts,
            .next_due = row->later ? (struct wall){now.ms + 60000} : WALL_NEVER,
        };
        const struct notification notification = {.category = STR("marketing")};
        const struct event event = attempt_of(row->attempts, row->state);
        const struct explain_question question = {.view = &view,
                                                  .notification = &notification,
                                                  .events = &event,
                                                  .event_count = row->attempted,
                                                  .now = now};
        const char *found = arena_text(&arena, explain(&question, &arena));
        if (strcmp(found, row->expected) != 0)
            fail_msg("%s: %s", row->name, found);
        arena_done(&arena);
    }
}

static void what_holds_the_lane_is_told_to_whoever_may_know(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    const struct delivery_view view = {.state = STATE_QUEUED, .next_due = WALL_NEVER};
    const struct notification notification = {.category = STR("default")};
    const struct blocked blocked = {.brief = STR("paused"), .detail = STR("paused by root")};
    struct explain_question question = {.view = &view,
                                        .notification = &notification,
                                        .blocked = &blocked,
                                        .tell_all = true,
                                        .now = now};
    assert_string_equal(arena_text(&arena, explain(&question, &arena)),
                        "Waiting for its turn; not attempted yet. Its lane waits: paused by root.");
    question.tell_all = false;
    assert_string_equal(arena_text(&arena, explain(&question, &arena)),
                        "Waiting for its turn; not attempted yet. Its lane waits: paused.");
    arena_done(&arena);
}

/* A limit uses no attempt up, and its lane may move on other providers meanwhile. */
static void what_a_limit_holds_waits_for_its_own_time(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    const struct delivery_view view = {.state = STATE_QUEUED, .next_due = {now.ms + 60000}};
    const struct notification notification = {.category = STR("default")};
    const struct event event = attempt_of(1, STATE_QUEUED);
    struct blocked blocked = {.by = BLOCKED_BREAKER_OPEN, .detail = STR("another is left alone")};
    const struct explain_question question = {.view = &view,
                                              .notification = &notification,
                                              .blocked = &blocked,
                                              .events = &event,
                                              .event_count = 1,
                                              .tell_all = true,
                                              .now = now};
    const char *waits = "Waiting for attempt 1, due at 2026-09-21T14:14:20.000Z: attempt 1, by "
                        "twilio at 2026-09-21T14:13:19.000Z got 503 ServiceUnavailable (try "
                        "later).";
    assert_string_equal(arena_text(&arena, explain(&question, &arena)), waits);
    blocked = (struct blocked){.by = BLOCKED_PAUSED, .detail = STR("paused by root")};
    assert_string_equal(arena_text(&arena, explain(&question, &arena)),
                        arena_printf(&arena, "%s Its lane waits: paused by root.", waits).at);
    arena_done(&arena);
}

static void a_user_who_was_not_there_has_no_devices_to_speak_of(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    struct delivery_view view = {.state = STATE_SUPPRESSED,
                                 .reason = REASON_NO_ADDRESS,
                                 .delivery = {.kind = KIND_IOS, .user_id = STR("nobody")}};
    const struct notification notification = {.category = STR("default")};
    const struct explain_question question = {
        .view = &view, .notification = &notification, .now = now};
    assert_string_equal(arena_text(&arena, explain(&question, &arena)),
                        "Not sent: there was no user nobody.");
    view.delivery.user = 5;
    assert_string_equal(arena_text(&arena, explain(&question, &arena)),
                        "Not sent: the user has no device.");
    arena_done(&arena);
}

static void what_had_no_route_asked_no_provider(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    const struct delivery_view view = {.state = STATE_FAILED, .next_due = WALL_NEVER};
    const struct notification notification = {.category = STR("default")};
    const struct event event = {.state = STATE_FAILED,
                                .attempt = 1,
                                .code = STR("route"),
                                .reason = STR("no_route"),
                                .detail = STR("no rule leads there")};
    const struct explain_question question = {.view = &view,
                                              .notification = &notification,
                                              .events = &event,
                                              .event_count = 1,
                                              .now = now};
    assert_string_equal(arena_text(&arena, explain(&question, &arena)),
                        "Failed, and no provider was asked: route no_route (no rule leads there).");
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_has_its_sentence),
        cmocka_unit_test(what_holds_the_lane_is_told_to_whoever_may_know),
        cmocka_unit_test(what_a_limit_holds_waits_for_its_own_time),
        cmocka_unit_test(a_user_who_was_not_there_has_no_devices_to_speak_of),
        cmocka_unit_test(what_had_no_route_asked_no_provider),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
