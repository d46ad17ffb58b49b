/* runtime/thread.c - see thread.h. */
#include "runtime/thread.h"
#include "runtime/mailbox.h"
#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum { DEAF_MS = 2 }; /* how late what is not worth waking for may be stepped */

struct actor_thread {
    struct mailbox box;
    struct actor actor;
    struct clock clock;
    pthread_t thread;
    pthread_mutex_t mutex; /* of the two flags */
    pthread_cond_t woken;
    bool awake, stopping, started;
    char name[16];
};

static void wake(void *self)
{
    struct actor_thread *thread = self;
    must(pthread_mutex_lock(&thread->mutex) == 0);
    thread->awake = true;
    must(pthread_cond_signal(&thread->woken) == 0);
    must(pthread_mutex_unlock(&thread->mutex) == 0);
}

struct actor_thread *actor_thread_new(const char *name, struct clock clock)
{
    struct actor_thread *thread = calloc(1, sizeof *thread);
    if (!thread)
        return NULL;
    thread->clock = clock;
    (void)str_copy(str_of(name), thread->name, sizeof thread->name);
    mailbox_init(&thread->box, wake, thread);
    must(pthread_mutex_init(&thread->mutex, NULL) == 0);
    pthread_condattr_t attr;
    must(pthread_condattr_init(&attr) == 0);
    must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    must(pthread_cond_init(&thread->woken, &attr) == 0);
    must(pthread_condattr_destroy(&attr) == 0);
    return thread;
}

struct inbox actor_thread_inbox(struct actor_thread *thread)
{
    return mailbox_inbox(&thread->box);
}

/* Sleeps until woken or until `at`; false once the thread is to stop. */
static bool sleep_until(struct actor_thread *thread, struct mono at)
{
    struct timespec until = {.tv_sec = at.us / 1000000, .tv_nsec = at.us % 1000000 * 1000};
    must(pthread_mutex_lock(&thread->mutex) == 0);
    int result = 0;
    while (!thread->awake && !thread->stopping && result != ETIMEDOUT)
        result = at.us == MONO_NEVER.us
                     ? pthread_cond_wait(&thread->woken, &thread->mutex)
                     : pthread_cond_timedwait(&thread->woken, &thread->mutex, &until);
    thread->awake = false;
    bool stopping = thread->stopping;
    must(pthread_mutex_unlock(&thread->mutex) == 0);
    return !stopping;
}

static void step_all(struct actor_thread *thread)
{
    struct message *message = mailbox_take(&thread->box);
    struct now now = clock_now(&thread->clock);
    while (message) {
        struct message *next = message->next;
        thread->actor.step(thread->actor.self, now, message);
        message = next;
    }
}

static bool rest(struct actor_thread *thread, struct now now, struct mono next)
{
    const struct actor *actor = &thread->actor;
    int only = actor->waits_for ? actor->waits_for(actor->self) : 0;
    if (only || thread->box.only) /* written by this thread alone */
        mailbox_wake_for(&thread->box, only);
    if (only)
        next = mono_min(next, mono_add(now.mono, span_ms(DEAF_MS)));
    return sleep_until(thread, next);
}

static void *run(void *self)
{
    struct actor_thread *thread = self;
    bool running = true;
    while (running) {
        step_all(thread);
        struct now now = clock_now(&thread->clock);
        struct mono next = thread->actor.turn(thread->actor.self, now);
        running = rest(thread, now, next);
    }
    step_all(thread);
    (void)thread->actor.turn(thread->actor.self, clock_now(&thread->clock));
    return NULL;
}

enum err actor_thread_start(struct actor_thread *thread, struct actor actor, struct why *why)
{
    thread->actor = actor;
    int result = pthread_create(&thread->thread, NULL, run, thread);
    if (result)
        return why_set(why, ERR_IO, "cannot start a thread: %s", strerror(result));
    thread->started = true;
    (void)pthread_setname_np(thread->thread, thread->name);
    return OK;
}

void actor_thread_stop(struct actor_thread *thread)
{
    if (!thread)
        return;
    if (thread->started) {
        must(pthread_mutex_lock(&thread->mutex) == 0);
        thread->stopping = true;
        must(pthread_cond_signal(&thread->woken) == 0);
        must(pthread_mutex_unlock(&thread->mutex) == 0);
        must(pthread_join(thread->thread, NULL) == 0);
    }
    mailbox_done(&thread->box);
    must(pthread_cond_destroy(&thread->woken) == 0);
    must(pthread_mutex_destroy(&thread->mutex) == 0);
    free(thread);
}
