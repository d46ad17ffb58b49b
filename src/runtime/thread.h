/* runtime/thread.h - an actor on a thread of its own, asleep until a message or its next wake. */
#pragma once
#include "base/err.h"
#include "port/clock.h"
#include "runtime/actor.h"

struct actor_thread;

/* The inbox exists before the actor does, because actors know one another's inboxes. */
struct actor_thread *actor_thread_new(const char *name, struct clock clock);
struct inbox actor_thread_inbox(struct actor_thread *thread);
enum err actor_thread_start(struct actor_thread *thread, struct actor actor,
                            struct why *why) must_use;
/* Lets the actor take what has been posted so far, then ends and frees the thread. */
void actor_thread_stop(struct actor_thread *thread);
