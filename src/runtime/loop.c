/* runtime/loop.c - see loop.h. Messages wake the loop through uv_async; the actor is turned after
 * the callbacks of an iteration by a check handle, and, when a timer's callback has kicked it,
 * before the loop sleeps by a prepare handle (timers run before both). */
#include "runtime/loop.h"
#include "runtime/mailbox.h"
#include <stdlib.h>

struct actor_loop {
    struct mailbox box;
    struct actor actor;
    struct clock clock;
    uv_async_t async;
    uv_timer_t timer;
    uv_check_t check;
    uv_prepare_t prepare;
    unsigned open_handles;
    bool started, kicked;
};

static void wake(void *self)
{
    struct actor_loop *attached = self;
    must(uv_async_send(&attached->async) == 0);
}

static void step_all(struct actor_loop *attached)
{
    struct message *message = mailbox_take(&attached->box);
    if (!message)
        return;
    struct now now = clock_now(&attached->clock);
    while (message) {
        struct message *next = message->next;
        attached->actor.step(attached->actor.self, now, message);
        message = next;
    }
}

/* Timers run before the loop waits, the check handle only after it: without a wake-up it would
 * wait for something else to happen first. */
static void on_timer(uv_timer_t *timer)
{
    wake(timer->data);
}

static void turn(struct actor_loop *attached)
{
    attached->kicked = false;
    struct now now = clock_now(&attached->clock);
    struct mono next = attached->actor.turn(attached->actor.self, now);
    if (next.us == MONO_NEVER.us) {
        (void)uv_timer_stop(&attached->timer);
        return;
    }
    int64_t us = next.us - now.mono.us;
    uv_update_time(attached->timer.loop);
    (void)uv_timer_start(&attached->timer, on_timer, us > 0 ? (uint64_t)(us + 999) / 1000 : 0, 0);
}

static void on_async(uv_async_t *async)
{
    struct actor_loop *attached = async->data;
    if (attached->started)
        step_all(attached);
}

static void on_check(uv_check_t *check)
{
    struct actor_loop *attached = check->data;
    turn(attached);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct actor_loop *attached = prepare->data;
    if (attached->kicked)
        turn(attached);
}

struct actor_loop *actor_loop_new(uv_loop_t *loop, struct clock clock)
{
    struct actor_loop *attached = calloc(1, sizeof *attached);
    if (!attached)
        return NULL;
    attached->clock = clock;
    mailbox_init(&attached->box, wake, attached);
    must(uv_async_init(loop, &attached->async, on_async) == 0);
    must(uv_timer_init(loop, &attached->timer) == 0);
    must(uv_check_init(loop, &attached->check) == 0);
    must(uv_prepare_init(loop, &attached->prepare) == 0);
    attached->async.data = attached->timer.data = attached->check.data = attached;
    attached->prepare.data = attached;
    attached->open_handles = 4;
    return attached;
}

struct inbox actor_loop_inbox(struct actor_loop *attached)
{
    return mailbox_inbox(&attached->box);
}

void actor_loop_start(struct actor_loop *attached, struct actor actor)
{
    attached->actor = actor;
    attached->started = true;
    must(uv_check_start(&attached->check, on_check) == 0);
    must(uv_prepare_start(&attached->prepare, on_prepare) == 0);
    must(uv_async_send(&attached->async) == 0);
}

void actor_loop_kick(struct actor_loop *attached)
{
    attached->kicked = true;
}

static void on_closed(uv_handle_t *handle)
{
    struct actor_loop *attached = handle->data;
    if (--attached->open_handles == 0) {
        mailbox_done(&attached->box);
        free(attached);
    }
}

void actor_loop_close(struct actor_loop *attached)
{
    if (attached->started)
        step_all(attached);
    attached->started = false;
    (void)uv_check_stop(&attached->check);
    (void)uv_prepare_stop(&attached->prepare);
    uv_close((uv_handle_t *)&attached->async, on_closed);
    uv_close((uv_handle_t *)&attached->timer, on_closed);
    uv_close((uv_handle_t *)&attached->check, on_closed);
    uv_close((uv_handle_t *)&attached->prepare, on_closed);
}
