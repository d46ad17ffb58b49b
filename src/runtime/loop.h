/* runtime/loop.h - an actor on a libuv loop, beside the sockets it owns. */
#pragma once
#include "base/err.h"
#include "port/clock.h"
#include "runtime/actor.h"
#include <uv.h>

struct actor_loop;

/* `loop` must outlive it. The inbox exists before the actor does. NULL if memory is short. */
struct actor_loop *actor_loop_new(uv_loop_t *loop, struct clock clock);
struct inbox actor_loop_inbox(struct actor_loop *attached);
void actor_loop_start(struct actor_loop *attached, struct actor actor);
/* On the loop's thread, from a callback of the loop: turns the actor before the loop sleeps. */
void actor_loop_kick(struct actor_loop *attached);
/* On the loop's thread: takes what has been posted, then closes the handles; they are gone, and
 * the memory with them, once the loop has run its closing callbacks. */
void actor_loop_close(struct actor_loop *attached);
