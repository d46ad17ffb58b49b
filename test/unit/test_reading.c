/* flow/reading: large requests are read once for all of their deliveries, in bounded memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "flow/reading.h"

static const uint64_t hash_key[2] = {3, 4};

struct fixture {
    struct readings readings;
    struct arena arena;
    struct why why;
    struct notification notification;
};

static void open_readings(struct fixture *f, size_t bytes_max, const char *request)
{
    *f = (struct fixture){.notification = {.id = 7, .delivery_count = 2}};
    f->notification.request = str_of(request);
    readings_init(&f->readings, bytes_max, hash_key);
    arena_init(&f->arena, 1 << 20);
}

static void close_readings(struct fixture *f)
{
    readings_done(&f->readings);
    arena_done(&f->arena);
}

static enum err find(struct fixture *f, struct reading *own, struct reading **ret)
{
    return reading_find(&f->readings, &f->notification, &f->arena, own, &f->why, ret);
}

#define CONTENT "{\"to\":[{},{}],\"content\":{\"sms\":{\"text\":\"Hi {{name}}\"}}}"

static void deliveries_of_one_notification_share_a_reading(void **state)
{
    (void)state;
    struct fixture f;
    struct reading own[2], *first, *second;
    char request[] = CONTENT;
    open_readings(&f, 1 << 20, request);
    assert_int_equal(find(&f, &own[0], &first), OK);
    assert_int_equal(find(&f, &own[1], &second), OK);
    assert_ptr_equal(first, second);
    assert_non_null(first->inline_content);
    reading_unpin(second);
    memset(request, 'x', sizeof request - 1); /* the bundle that it came from has gone */
    assert_int_equal(json_get(first->request, STR("to"))->count, 2);
    reading_unpin(first);
    close_readings(&f);
}

static void a_small_request_of_one_delivery_is_read_where_it_is_needed(void **state)
{
    (void)state;
    struct fixture f;
    struct reading own, *found;
    open_readings(&f, 1 << 20, CONTENT);
    f.notification.delivery_count = 1;
    assert_int_equal(find(&f, &own, &found), OK);
    assert_ptr_equal(found, &own);
    assert_int_equal(f.readings.held, 0);
    reading_unpin(found);
    close_readings(&f);
}

static void what_is_pinned_outlives_the_cache_and_is_counted(void **state)
{
    (void)state;
    struct fixture f;
    struct reading own, *first, *second;
    open_readings(&f, 1, CONTENT); /* nothing is kept */
    assert_int_equal(find(&f, &own, &first), OK);
    assert_int_equal(find(&f, &own, &second), OK);
    assert_ptr_not_equal(first, second);
    assert_true(f.readings.held > 0);
    reading_unpin(first);
    reading_unpin(second);
    assert_int_equal(f.readings.held, 0);
    close_readings(&f);
}

static void past_the_bound_there_are_none_for_now(void **state)
{
    (void)state;
    struct fixture f;
    struct reading own, *found[2];
    open_readings(&f, 1, CONTENT);
    f.readings.held_max = 1; /* one always finds room */
    assert_int_equal(find(&f, &own, &found[0]), OK);
    assert_int_equal(find(&f, &own, &found[1]), ERR_FULL);
    reading_unpin(found[0]);
    assert_int_equal(find(&f, &own, &found[1]), OK);
    reading_unpin(found[1]);
    close_readings(&f);
}

static void what_does_not_read_leaves_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        enum err err;
        bool names_template;
    } rows[] = {
        {"{\"to\":", ERR_CORRUPT, false},
        {"{\"to\":[]}", ERR_MISSING, false},
        {"{\"content\":{\"sms\":{\"text\":\"{{#open}}\"}}}", ERR_INPUT, false},
        {"{\"to\":[]}", OK, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (uint32_t deliveries = 1; deliveries <= 2; deliveries++) {
            struct fixture f;
            struct reading own, *found = NULL;
            open_readings(&f, 1 << 20, rows[i].request);
            f.notification.delivery_count = deliveries;
            if (rows[i].names_template)
                f.notification.template_name = STR("t");
            assert_int_equal(find(&f, &own, &found), rows[i].err);
            if (!rows[i].err)
                reading_unpin(found);
            else
                assert_int_equal(f.readings.held, 0);
            close_readings(&f);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deliveries_of_one_notification_share_a_reading),
        cmocka_unit_test(a_small_request_of_one_delivery_is_read_where_it_is_needed),
        cmocka_unit_test(what_is_pinned_outlives_the_cache_and_is_counted),
        cmocka_unit_test(past_the_bound_there_are_none_for_now),
        cmocka_unit_test(what_does_not_read_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
