/* flow/intake.c - the intake's step, its questions to the store and its jobs. */
#include "flow/intake.h"
#include "flow/intake_state.h"
#include "flow/messages.h"
#include <stdlib.h>

enum { QUERY_BYTES_MAX = 64 * 1024 };

struct intake *intake_new(const struct intake_config *config)
{
    struct intake *intake = calloc(1, sizeof *intake);
    if (!intake)
        return NULL;
    intake->config = *config;
    admission_init(&intake->admission, config->waiting_bytes_max, clock_now(&config->clock));
    uint64_t key[2];
    entropy_fill(&config->entropy, key, sizeof key);
    directory_init(&intake->directory, config->cache_bytes_max - config->cache_bytes_max / 4, key);
    const struct library_config library = {
        .store = config->store,
        .inbox = config->inbox,
        .message_type = INTAKE_TEMPLATE,
        .bytes_max = config->cache_bytes_max / 4,
        .hash_key = {key[0], key[1]},
    };
    intake->library = library_new(&library);
    if (!intake->library) {
        intake_free(intake);
        return NULL;
    }
    return intake;
}

void intake_resize(struct intake *intake, size_t cache_bytes_max, size_t waiting_bytes_max)
{
    intake->admission.bytes_max = waiting_bytes_max;
    directory_resize(&intake->directory, cache_bytes_max - cache_bytes_max / 4);
    library_resize(intake->library, cache_bytes_max / 4);
}

void intake_free(struct intake *intake)
{
    if (!intake)
        return;
    library_free(intake->library);
    directory_done(&intake->directory);
    free(intake);
}

const struct clock *intake_clock(const struct intake *intake)
{
    return &intake->config.clock;
}

const struct entropy *intake_entropy(const struct intake *intake)
{
    return &intake->config.entropy;
}

struct library *intake_library(const struct intake *intake)
{
    return intake->library;
}

static void hear(struct intake *intake, struct notice *notice)
{
    const struct round *round = notice->round;
    directory_forget(&intake->directory, round);
    if (round->type == NOTICE_TEMPLATE)
        library_forget_latest(intake->library, round->app, round->name);
    notice->message.type = LEDGER_ACK;
    inbox_post(&intake->config.ledger, &notice->message);
}

static void job_back(struct intake *intake, struct now now, struct job *job)
{
    intake->under_way--;
    if (job->type == JOB_ACCEPT)
        admission_leave(&intake->admission, now, job->accept.entrant,
                        mono_since(job->now.mono, now.mono), job->err == OK);
    job->finish(job);
}

static void step(void *self, struct now now, struct message *message)
{
    struct intake *intake = self;
    switch (message->type) {
    case INTAKE_JOB:
        job_back(intake, now, (struct job *)message);
        return;
    case INTAKE_QUERY:
        intake->under_way--;
        ((struct query *)message)->finish((struct query *)message);
        return;
    case INTAKE_TEMPLATE:
        ((struct query *)message)->finish((struct query *)message);
        return;
    case INTAKE_REPORT:
        intake->under_way--;
        ((struct report *)message)->finish((struct report *)message);
        return;
    case INTAKE_PING:
        ((struct ping *)message)->heard(((struct ping *)message)->self);
        return;
    case INTAKE_NOTICE:
        hear(intake, (struct notice *)message);
        return;
    default:
        never("a message for somebody else");
    }
}

static struct mono turn(void *self, struct now now)
{
    struct intake *intake = self;
    (void)now;
    if (intake->drained && !intake->under_way && !library_loading(intake->library)) {
        void (*done)(void *) = intake->drained;
        intake->drained = NULL;
        done(intake->drained_self);
    }
    return MONO_NEVER; /* everything it waits for is a message */
}

void intake_drain(struct intake *intake, void (*done)(void *self), void *self)
{
    intake->drained = done;
    intake->drained_self = self;
}

struct actor intake_actor(struct intake *intake)
{
    return (struct actor){.self = intake, .step = step, .turn = turn};
}

void intake_query(struct intake *intake, struct query *query, void (*done)(struct query *query))
{
    query->message.type = INTAKE_QUERY;
    query->done = intake->config.inbox;
    query->finish = done;
    intake->under_way++;
    intake->config.store->ops->read(intake->config.store, query);
}

void intake_job(struct intake *intake, struct job *job)
{
    job->message.type = LEDGER_JOB;
    job->done = intake->config.inbox;
    intake->under_way++;
    if (job->type == JOB_ACCEPT) {
        const struct bundle *bundle = job->accept.bundle;
        job->accept.entrant = (struct entrant){
            .work = admission_work(bundle->notification.delivery_count),
            .bytes = job->accept.held + bundle->arena.used,
            .critical = bundle->notification.priority == PRIORITY_CRITICAL,
        };
        admission_enter(&intake->admission, job->accept.entrant);
    }
    inbox_post(&intake->config.ledger, &job->message);
}

bool intake_admits(struct intake *intake, uint32_t app, struct str priority, struct str category)
{
    if (admission_asks(&intake->admission, false))
        return true;
    if (priority.at)
        return str_eq(priority, priority_name(PRIORITY_CRITICAL)) &&
               admission_asks(&intake->admission, true);
    struct cache_entry *entry = directory_category(&intake->directory, app, category);
    if (!entry)
        return false;
    const struct category *known = entry->value;
    bool critical = known->priority == PRIORITY_CRITICAL;
    cache_unpin(&intake->directory.categories, entry);
    return critical && admission_asks(&intake->admission, true);
}

bool intake_has_room(const struct intake *intake)
{
    return admission_has_room(&intake->admission, false);
}

const struct admission *intake_admission(const struct intake *intake)
{
    return &intake->admission;
}

uint32_t intake_couriers(const struct intake *intake)
{
    return intake->config.courier_count;
}

void intake_report(struct intake *intake, uint32_t courier, struct report *report)
{
    must(courier < intake->config.courier_count);
    report->message.type = COURIER_REPORT;
    report->done = intake->config.inbox;
    intake->under_way++;
    inbox_post(&intake->config.couriers[courier], &report->message);
}

/* ----------------------------------------------------------------------- keys and apps ---- */

/* A name asked of the store, with whoever asked. */
struct ask {
    struct query query;
    struct intake *intake;
    uint64_t generation;
    union {
        void (*key)(void *owner, enum err err, const struct key *key);
        void (*app)(void *owner, enum err err, uint32_t app);
    } done;
    void *owner;
    struct str name;
};

static struct ask *ask_new(struct intake *intake, enum query_type type, struct str name,
                           void *owner)
{
    struct ask *ask = calloc(1, sizeof *ask + name.len + 1);
    if (!ask)
        return NULL;
    char *at = (char *)(ask + 1);
    if (name.len)
        memcpy(at, name.at, name.len);
    ask->intake = intake;
    ask->generation = intake->directory.generation;
    ask->owner = owner;
    ask->name = (struct str){at, name.len};
    ask->query = (struct query){.type = type, .owner = ask, .name = ask->name};
    arena_init(&ask->query.arena, QUERY_BYTES_MAX);
    return ask;
}

static void ask_free(struct ask *ask)
{
    arena_done(&ask->query.arena);
    free(ask);
}

static void key_found(struct query *query)
{
    struct ask *ask = query->owner;
    struct directory *directory = &ask->intake->directory;
    struct cache_entry *entry = NULL;
    enum err err = query->err == ERR_MISSING ? OK : query->err;
    if (!query->err) {
        entry = directory_add_key(directory, &query->keys[0], ask->generation);
        err = entry ? OK : ERR_MEMORY;
    }
    ask->done.key(ask->owner, err, entry ? entry->value : NULL);
    if (entry)
        cache_unpin(&directory->keys, entry);
    ask_free(ask);
}

void intake_find_key(struct intake *intake, struct str app_key,
                     void (*done)(void *owner, enum err err, const struct key *key), void *owner)
{
    struct cache_entry *entry = directory_key(&intake->directory, app_key);
    if (entry) {
        done(owner, OK, entry->value);
        cache_unpin(&intake->directory.keys, entry);
        return;
    }
    struct ask *ask = ask_new(intake, QUERY_KEY, app_key, owner);
    if (!ask) {
        done(owner, ERR_MEMORY, NULL);
        return;
    }
    ask->done.key = done;
    intake_query(intake, &ask->query, key_found);
}

static void app_found(struct query *query)
{
    struct ask *ask = query->owner;
    struct directory *directory = &ask->intake->directory;
    uint32_t number = 0;
    if (!query->err) {
        number = query->apps[0].number;
        struct cache_entry *entry = directory_add_app(directory, &query->apps[0], ask->generation);
        if (entry)
            cache_unpin(&directory->apps, entry);
    }
    ask->done.app(ask->owner, query->err == ERR_MISSING ? OK : query->err, number);
    ask_free(ask);
}

void intake_find_app(struct intake *intake, struct str name,
                     void (*done)(void *owner, enum err err, uint32_t app), void *owner)
{
    struct cache_entry *entry = directory_app(&intake->directory, name);
    if (entry) {
        uint32_t number = *(uint32_t *)entry->value;
        cache_unpin(&intake->directory.apps, entry);
        done(owner, OK, number);
        return;
    }
    struct ask *ask = ask_new(intake, QUERY_APP, name, owner);
    if (!ask) {
        done(owner, ERR_MEMORY, 0);
        return;
    }
    ask->done.app = done;
    intake_query(intake, &ask->query, app_found);
}
