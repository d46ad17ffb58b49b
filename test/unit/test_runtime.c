/* Mailboxes, actors on threads and loops, and the pool, under real threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "runtime/loop.h"
#include "runtime/mailbox.h"
#include "runtime/pool.h"
#include "runtime/system.h"
#include "runtime/thread.h"

enum { SENDERS = 4, EACH = 20000 };

struct note {
    struct message message;
    uint32_t sender, serial;
};

/* Checks that each sender's messages come in their order; passes the last on to `done`. */
struct listener {
    uint32_t next[SENDERS], heard, turns;
    pthread_mutex_t mutex;
    pthread_cond_t all;
    bool complete, in_order;
};

static void listener_step(void *self, struct now now, struct message *message)
{
    struct listener *listener = self;
    struct note *note = (struct note *)message;
    (void)now;
    if (note->serial != listener->next[note->sender]++)
        listener->in_order = false;
    free(note);
    if (++listener->heard < SENDERS * EACH)
        return;
    pthread_mutex_lock(&listener->mutex);
    listener->complete = true;
    pthread_cond_signal(&listener->all);
    pthread_mutex_unlock(&listener->mutex);
}

static struct mono listener_turn(void *self, struct now now)
{
    struct listener *listener = self;
    listener->turns++;
    return mono_add(now.mono, span_ms(1));
}

struct sender {
    struct inbox to;
    uint32_t number;
};

static void *send_all(void *self)
{
    struct sender *sender = self;
    for (uint32_t i = 0; i < EACH; i++) {
        struct note *note = calloc(1, sizeof *note);
        note->sender = sender->number;
        note->serial = i;
        inbox_post(&sender->to, &note->message);
    }
    return NULL;
}

static void send_from_threads(struct inbox to)
{
    pthread_t threads[SENDERS];
    struct sender senders[SENDERS];
    for (uint32_t i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){to, i};
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    }
    for (uint32_t i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void wait_for(struct listener *listener)
{
    pthread_mutex_lock(&listener->mutex);
    while (!listener->complete)
        pthread_cond_wait(&listener->all, &listener->mutex);
    pthread_mutex_unlock(&listener->mutex);
}

static struct listener listener_new(void)
{
    struct listener listener = {.in_order = true};
    pthread_mutex_init(&listener.mutex, NULL);
    pthread_cond_init(&listener.all, NULL);
    return listener;
}

static void an_actor_on_a_thread_hears_everything_in_order(void **state)
{
    (void)state;
    struct listener listener = listener_new();
    struct why why;
    struct actor_thread *thread = actor_thread_new("test", system_clock());
    assert_non_null(thread);
    const struct actor actor = {.self = &listener, .step = listener_step, .turn = listener_turn};
    assert_int_equal(actor_thread_start(thread, actor, &why), OK);
    send_from_threads(actor_thread_inbox(thread));
    wait_for(&listener);
    actor_thread_stop(thread);
    assert_true(listener.in_order);
    assert_int_equal(listener.heard, SENDERS * EACH);
    assert_true(listener.turns > 0);
}

/* Deaf to all but a type that never comes, and to everything every other time. */
static int listener_waits_for(void *self)
{
    const struct listener *listener = self;
    return listener->turns % 2 ? 7 : 0;
}

static struct mono listener_turn_never(void *self, struct now now)
{
    (void)listener_turn(self, now);
    return MONO_NEVER;
}

static void what_is_not_worth_waking_for_is_heard_all_the_same(void **state)
{
    (void)state;
    struct listener listener = listener_new();
    struct why why;
    struct actor_thread *thread = actor_thread_new("test", system_clock());
    assert_non_null(thread);
    const struct actor actor = {.self = &listener,
                                .step = listener_step,
                                .turn = listener_turn_never,
                                .waits_for = listener_waits_for};
    assert_int_equal(actor_thread_start(thread, actor, &why), OK);
    send_from_threads(actor_thread_inbox(thread));
    wait_for(&listener);
    actor_thread_stop(thread);
    assert_true(listener.in_order);
}

static void count_wake(void *self)
{
    (*(uint32_t *)self)++;
}

static void only_the_awaited_type_wakes(void **state)
{
    (void)state;
    uint32_t wakes = 0;
    struct mailbox box;
    struct message other = {.type = 1}, awaited = {.type = 2}, late = {.type = 1};
    mailbox_init(&box, count_wake, &wakes);
    mailbox_wake_for(&box, 2);
    mailbox_post(&box, &other);
    assert_int_equal(wakes, 0);
    mailbox_post(&box, &awaited); /* though the box is not empty */
    assert_int_equal(wakes, 1);
    assert_ptr_equal(mailbox_take(&box), &other);
    assert_ptr_equal(other.next, &awaited);
    mailbox_post(&box, &late);
    assert_int_equal(wakes, 1);
    mailbox_wake_for(&box, 0); /* what came meanwhile is not slept over */
    assert_int_equal(wakes, 2);
    (void)mailbox_take(&box);
    mailbox_wake_for(&box, 0);
    assert_int_equal(wakes, 2);
    mailbox_done(&box);
}

struct looped {
    struct listener listener;
    uv_loop_t loop;
    uv_async_t stop;
    struct actor_loop *attached;
};

static void on_stop(uv_async_t *async)
{
    struct looped *looped = async->data;
    actor_loop_close(looped->attached);
    uv_close((uv_handle_t *)async, NULL);
}

static void *run_loop(void *self)
{
    struct looped *looped = self;
    (void)uv_run(&looped->loop, UV_RUN_DEFAULT);
    return NULL;
}

static void an_actor_on_a_loop_hears_everything_in_order(void **state)
{
    (void)state;
    static struct looped looped;
    looped.listener = listener_new();
    assert_int_equal(uv_loop_init(&looped.loop), 0);
    assert_int_equal(uv_async_init(&looped.loop, &looped.stop, on_stop), 0);
    looped.stop.data = &looped;
    looped.attached = actor_loop_new(&looped.loop, system_clock());
    assert_non_null(looped.attached);
    actor_loop_start(
        looped.attached,
        (struct actor){.self = &looped.listener, .step = listener_step, .turn = listener_turn});
    struct inbox inbox = actor_loop_inbox(looped.attached);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_loop, &looped), 0);
    send_from_threads(inbox);
    wait_for(&looped.listener);
    assert_int_equal(uv_async_send(&looped.stop), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(uv_loop_close(&looped.loop), 0);
    assert_true(looped.listener.in_order);
}

struct sum {
    struct task task;
    uint64_t from, result;
};

static void add_up(struct task *task)
{
    struct sum *sum = (struct sum *)task;
    for (uint64_t i = 0; i < 100; i++)
        sum->result += sum->from + i;
}

static void a_pool_does_every_task_once(void **state)
{
    (void)state;
    static struct sum sums[1000];
    struct mailbox box;
    struct why why;
    mailbox_init(&box, NULL, NULL);
    struct pool *pool = pool_new(3, &why);
    assert_non_null(pool);
    for (uint64_t i = 0; i < 1000; i++) {
        sums[i] = (struct sum){.task = {.done = mailbox_inbox(&box), .work = add_up}, .from = i};
        pool_post(pool, &sums[i].task);
    }
    pool_free(pool); /* finishes what was posted */
    uint32_t back = 0;
    for (struct message *at = mailbox_take(&box); at; at = at->next)
        back++;
    assert_int_equal(back, 1000);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(sums[i].result, 100 * i + 4950);
    mailbox_done(&box);
}

/* An actor that nobody sends anything: it only asks to be turned again. */
struct sleeper {
    uv_loop_t loop;
    uv_timer_t guard;
    struct actor_loop *attached;
    uint32_t turns;
};

static void sleeper_step(void *self, struct now now, struct message *message)
{
    (void)self, (void)now, (void)message;
}

static void sleeper_end(struct sleeper *sleeper)
{
    actor_loop_close(sleeper->attached);
    uv_close((uv_handle_t *)&sleeper->guard, NULL);
}

static struct mono sleeper_turn(void *self, struct now now)
{
    struct sleeper *sleeper = self;
    if (++sleeper->turns == 4)
        sleeper_end(sleeper);
    return sleeper->turns % 2 ? now.mono : mono_add(now.mono, span_ms(1));
}

static void on_guard(uv_timer_t *guard)
{
    sleeper_end(guard->data);
}

static void an_actor_on_a_loop_is_turned_when_it_asked_to_be(void **state)
{
    (void)state;
    struct sleeper sleeper = {.turns = 0};
    assert_int_equal(uv_loop_init(&sleeper.loop), 0);
    assert_int_equal(uv_timer_init(&sleeper.loop, &sleeper.guard), 0);
    sleeper.guard.data = &sleeper;
    assert_int_equal(uv_timer_start(&sleeper.guard, on_guard, 5000, 0), 0);
    sleeper.attached = actor_loop_new(&sleeper.loop, system_clock());
    assert_non_null(sleeper.attached);
    actor_loop_start(sleeper.attached, (struct actor){&sleeper, sleeper_step, sleeper_turn});
    (void)uv_run(&sleeper.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&sleeper.loop), 0);
    assert_int_equal(sleeper.turns, 4);
}

/* A sender that is slow to wake the receiver, who looks into the box meanwhile. */
struct slow_wake {
    struct mailbox box;
    struct message message;
    atomic_bool waking, taken;
    bool taken_early;
};

static void wake_slowly(void *self)
{
    struct slow_wake *slow = self;
    atomic_store(&slow->waking, true);
    for (int i = 0; i < 1000 && !slow->taken_early; i++) {
        slow->taken_early = atomic_load(&slow->taken);
        sched_yield();
    }
}

static void *post_one(void *self)
{
    struct slow_wake *slow = self;
    mailbox_post(&slow->box, &slow->message);
    return NULL;
}

/* The receiver may free the box once it has the last message. */
static void a_message_is_not_taken_before_its_sender_is_done_with_the_box(void **state)
{
    (void)state;
    struct slow_wake slow = {.taken_early = false};
    pthread_t thread;
    mailbox_init(&slow.box, wake_slowly, &slow);
    assert_int_equal(pthread_create(&thread, NULL, post_one, &slow), 0);
    while (!atomic_load(&slow.waking))
        sched_yield();
    assert_ptr_equal(mailbox_take(&slow.box), &slow.message);
    atomic_store(&slow.taken, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(slow.taken_early);
    mailbox_done(&slow.box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_actor_on_a_thread_hears_everything_in_order),
        cmocka_unit_test(what_is_not_worth_waking_for_is_heard_all_the_same),
        cmocka_unit_test(only_the_awaited_type_wakes),
        cmocka_unit_test(an_actor_on_a_loop_hears_everything_in_order),
        cmocka_unit_test(an_actor_on_a_loop_is_turned_when_it_asked_to_be),
        cmocka_unit_test(a_pool_does_every_task_once),
        cmocka_unit_test(a_message_is_not_taken_before_its_sender_is_done_with_the_box),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
