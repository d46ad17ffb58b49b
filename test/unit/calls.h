/* test/unit/calls.h - exchanges for the tests of the transports: made, kept, and their ends noted.
 */
#pragma once
#include "net/outgoing.h"
#include "runtime/system.h"
#include <stdlib.h>
#include <uv.h>

struct call {
    struct exchange_call call;
    struct request request;
    struct arena arena;
    struct reply reply;
    int done; /* times */
    int *done_all;
};

static inline void call_done(struct exchange_call *exchange, const struct reply *reply)
{
    struct call *call = exchange->owner;
    call->reply = *reply;
    call->done++;
    if (call->done_all)
        (*call->done_all)++;
}

static inline void call_init(struct call *call, const struct request *request, int timeout_ms,
                             int *done_all)
{
    struct clock clock = system_clock();
    arena_init(&call->arena, 1024 * 1024);
    call->request = *request;
    call->reply = (struct reply){0};
    call->done = 0;
    call->done_all = done_all;
    call->call = (struct exchange_call){
        .request = &call->request,
        .deadline = mono_add(clock_now(&clock).mono, span_ms(timeout_ms)),
        .done = call_done,
        .owner = call,
        .arena = &call->arena,
    };
}

static inline bool call_error_has(const struct call *call, const char *what)
{
    return call->reply.error.at &&
           memmem(call->reply.error.at, call->reply.error.len, what, strlen(what)) != NULL;
}

/* A loop with a guard: a test that waits for what never comes fails instead of hanging. */
struct guarded_loop {
    uv_loop_t loop;
    uv_timer_t guard;
    bool expired;
};

static inline void guard_expired(uv_timer_t *guard)
{
    *(bool *)guard->data = true;
}

static inline void guarded_open(struct guarded_loop *guarded)
{
    must(uv_loop_init(&guarded->loop) == 0);
    must(uv_timer_init(&guarded->loop, &guarded->guard) == 0);
    guarded->expired = false;
    guarded->guard.data = &guarded->expired;
    must(uv_timer_start(&guarded->guard, guard_expired, 30000, 0) == 0);
    uv_unref((uv_handle_t *)&guarded->guard);
}

/* Runs until `*count` reaches `target`; false: 30 s went by. */
static inline bool guarded_run(struct guarded_loop *guarded, const int *count, int target)
{
    while (*count < target && !guarded->expired)
        (void)uv_run(&guarded->loop, UV_RUN_ONCE);
    return *count >= target;
}

/* After everything else was closed: what is left of it goes, and nothing may be left. */
static inline bool guarded_close(struct guarded_loop *guarded)
{
    uv_close((uv_handle_t *)&guarded->guard, NULL);
    (void)uv_run(&guarded->loop, UV_RUN_DEFAULT);
    return uv_loop_close(&guarded->loop) == 0;
}
