/* store/sqlite/store.c - the port over SQLite: the writer's thread, opening, closing. */
#include "model/limits.h"
#include "store/sqlite/group.h"
#include "store/sqlite/keeper.h"
#include "store/sqlite/lock.h"
#include "store/sqlite/reader.h"
#include "store/sqlite/recover.h"
#include "store/sqlite/schema.h"
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

enum { READERS_MAX = 2, PAGE_BYTES = 8192, WAIT_MS = 1000 };

struct sqlite_store {
    struct store store;
    struct sqlite_config config;
    int lock_fd;
    char path[PATH_MAX];
    struct writer writer; /* the writer's thread, and opening and closing */
    struct gate gate;
    struct checkpointer checkpointer;
    struct keeper keeper;
    struct read_queue reads;
    struct reader readers[READERS_MAX];
    uint32_t reader_count;

    pthread_t thread;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t wake;
    struct message *first, **last; /* groups */
    bool closing;
    struct store_metrics metrics;
};

struct sqlite_config sqlite_config_default(void)
{
    return (struct sqlite_config){
        .readers = 1,
        .reads_max = 1024,
        .read_ms_max = 20,
        .cache_bytes = 16 * 1024 * 1024,
        .checkpoint_frames = 1000,
        .gate_bytes = 48 * 1024 * 1024,
        .wal_bytes_max = UINT64_C(256) * 1024 * 1024,
        .idem_open_max = 512 * 1024,
        .lookup_open_max = 32 * 1024,
        .filter_bytes_max = 64 * 1024 * 1024,
    };
}

static struct sqlite_store *store_of(struct store *self)
{
    return (struct sqlite_store *)(void *)self;
}

/* -- the writer's thread ---------------------------------------------------------------------- */

static struct timespec deadline(struct mono at)
{
    return (struct timespec){.tv_sec = at.us / 1000000, .tv_nsec = at.us % 1000000 * 1000};
}

/* NULL now and then, so that the disk is looked at; *ret_done once it is closing and empty. */
static struct group *take_group(struct sqlite_store *store, bool *ret_done)
{
    pthread_mutex_lock(&store->mutex);
    if (!store->first && !store->closing && !keeper_waits(&store->keeper)) {
        struct timespec until = deadline(mono_add(stopwatch(), span_ms(WAIT_MS)));
        (void)pthread_cond_timedwait(&store->wake, &store->mutex, &until);
    }
    struct message *first = store->first;
    if (first) {
        store->first = first->next;
        if (!store->first)
            store->last = &store->first;
    }
    *ret_done = !first && store->closing;
    pthread_mutex_unlock(&store->mutex);
    return (struct group *)(void *)first; /* its message comes first */
}

/* Under the mutex. */
static void note_space(struct sqlite_store *store)
{
    const struct space *space = &store->keeper.space;
    store->metrics.disk_free_bytes = space->free_bytes;
    store->metrics.reserve_bytes = space->held ? space->reserve_bytes : 0;
    store->metrics.full = space->full;
}

static void note_group(struct sqlite_store *store, enum group_fate fate, struct span took)
{
    const struct checkpointer *checkpointer = &store->checkpointer;
    uint64_t index = index_bytes(&store->writer.idem) + index_bytes(&store->writer.lookup);
    pthread_mutex_lock(&store->mutex);
    struct store_metrics *metrics = &store->metrics;
    if (fate == GROUP_COMMITTED) {
        metrics->groups++;
        metrics->commit_total.us += took.us;
        if (took.us > metrics->commit_max.us)
            metrics->commit_max = took;
    } else {
        metrics->groups_refused++;
    }
    metrics->checkpoints = checkpointer->count;
    metrics->checkpoint_total = checkpointer->total;
    metrics->checkpoint_max = checkpointer->most;
    metrics->index_bytes = index;
    note_space(store);
    pthread_mutex_unlock(&store->mutex);
}

static void run_group(struct sqlite_store *store, struct group *group)
{
    group_run(&store->writer, group);
    keeper_mind(&store->keeper, &store->writer);
    group->full = store->keeper.space.full;
    note_group(store, group->fate, group->took);
    inbox_post(&group->done, &group->message); /* the group is the submitter's again */
    if (index_is_behind(&store->writer.idem) || index_is_behind(&store->writer.lookup))
        group_tend(&store->writer);
    /* A short log while there is little room: what it holds has still to find its place. */
    checkpoint_if_due(&store->checkpointer, store->keeper.space.full);
}

/* Nothing is to be done. */
static void look_around(struct sqlite_store *store)
{
    keeper_mind(&store->keeper, &store->writer);
    pthread_mutex_lock(&store->mutex);
    note_space(store);
    pthread_mutex_unlock(&store->mutex);
}

static void *write_groups(void *self)
{
    struct sqlite_store *store = self;
    bool done = false;
    while (!done) {
        struct group *group = take_group(store, &done);
        if (group)
            run_group(store, group);
        else
            look_around(store);
        keeper_go_on(&store->keeper, &store->writer);
    }
    keeper_close(&store->keeper);
    return NULL;
}

/* -- the port --------------------------------------------------------------------------------- */

static void sqlite_submit(struct store *self, struct group *group)
{
    struct sqlite_store *store = store_of(self);
    group->message.next = NULL;
    pthread_mutex_lock(&store->mutex);
    must(!store->closing);
    *store->last = &group->message;
    store->last = &group->message.next;
    pthread_cond_signal(&store->wake);
    pthread_mutex_unlock(&store->mutex);
}

static void sqlite_read(struct store *self, struct query *query)
{
    struct sqlite_store *store = store_of(self);
    if (read_queue_put(&store->reads, query))
        return;
    query->count = 0;
    query->more = false;
    query->err = why_set(&query->why, ERR_FULL, "too many reads are waiting");
    inbox_post(&query->done, &query->message);
}

static void sqlite_measure(struct store *self, struct store_metrics *ret)
{
    struct sqlite_store *store = store_of(self);
    struct stat file;
    pthread_mutex_lock(&store->mutex);
    *ret = store->metrics;
    pthread_mutex_unlock(&store->mutex);
    pthread_mutex_lock(&store->reads.mutex);
    ret->reads = store->reads.answered;
    ret->reads_refused = store->reads.refused;
    pthread_mutex_unlock(&store->reads.mutex);
    ret->wal_bytes =
        (uint64_t)atomic_load_explicit(&store->checkpointer.frames, memory_order_relaxed) *
        PAGE_BYTES;
    if (stat(store->path, &file) == 0) /* opens nothing: see sqlite_store.h */
        ret->database_bytes = (uint64_t)file.st_size;
}

static void sqlite_look(struct store *self, struct store_look *ret)
{
    keeper_look(&store_of(self)->keeper, ret);
}

static enum err sqlite_backup(struct store *self, struct str file, struct why *why)
{
    struct sqlite_store *store = store_of(self);
    enum err err = keeper_ask(&store->keeper, file, why);
    pthread_mutex_lock(&store->mutex);
    pthread_cond_signal(&store->wake);
    pthread_mutex_unlock(&store->mutex);
    return err;
}

/* -- opening and closing ---------------------------------------------------------------------- */

static void join_readers(struct sqlite_store *store)
{
    read_queue_close(&store->reads);
    for (uint32_t i = 0; i < store->reader_count; i++)
        reader_join(&store->readers[i]);
    store->reader_count = 0;
}

/* Whatever of it was opened. */
static void tear_down(struct sqlite_store *store)
{
    join_readers(store);
    index_done(&store->writer.idem);
    index_done(&store->writer.lookup);
    free(store->writer.depths);
    epoch_close(&store->writer.epoch, NULL);
    db_close(&store->writer.db);
    read_queue_done(&store->reads);
    gate_done(&store->gate);
    keeper_done(&store->keeper);
    pthread_cond_destroy(&store->wake);
    pthread_mutex_destroy(&store->mutex);
    lock_release(store->lock_fd);
    free(store);
}

static void sqlite_close(struct store *self)
{
    struct sqlite_store *store = store_of(self);
    pthread_mutex_lock(&store->mutex);
    store->closing = true;
    pthread_cond_signal(&store->wake);
    pthread_mutex_unlock(&store->mutex);
    must(pthread_join(store->thread, NULL) == 0);
    join_readers(store);
    epoch_note(&store->writer.epoch, store->writer.last_id);
    epoch_close(&store->writer.epoch, &store->writer.db);
    checkpoint_all(&store->writer.db);
    tear_down(store);
}

static const struct store_ops sqlite_ops = {
    .submit = sqlite_submit,
    .read = sqlite_read,
    .measure = sqlite_measure,
    .look = sqlite_look,
    .backup = sqlite_backup,
    .close = sqlite_close,
};

static struct sqlite_store *new_store(const struct sqlite_config *config)
{
    struct sqlite_store *store = calloc(1, sizeof *store);
    pthread_condattr_t by_mono;
    if (!store)
        return NULL;
    store->store.ops = &sqlite_ops;
    store->config = *config;
    store->lock_fd = -1;
    keeper_init(&store->keeper, config->log, config->log_self);
    store->last = &store->first;
    must(pthread_mutex_init(&store->mutex, NULL) == 0);
    must(pthread_condattr_init(&by_mono) == 0);
    must(pthread_condattr_setclock(&by_mono, CLOCK_MONOTONIC) == 0);
    must(pthread_cond_init(&store->wake, &by_mono) == 0);
    pthread_condattr_destroy(&by_mono);
    gate_init(&store->gate);
    read_queue_init(&store->reads, config->reads_max);
    epoch_init(&store->writer.epoch);
    index_init(&store->writer.idem, INDEX_IDEM, config->idem_open_max, config->filter_bytes_max);
    index_init(&store->writer.lookup, INDEX_LOOKUP, config->lookup_open_max, 0);
    return store;
}

/* What a previous life left is rewritten and copied into the file before anything is served. */
static enum err open_database(struct sqlite_store *store, struct why *why)
{
    char wal[PATH_MAX + 8];
    (void)snprintf(wal, sizeof wal, "%s-wal", store->path);
    enum err err = lock_rewrite(wal, why);
    if (err == OK)
        err = db_open(&store->writer.db, store->path, true, store->config.cache_bytes, why);
    if (err == OK)
        err = schema_migrate(&store->writer.db, why);
    if (err != OK)
        return err;
    checkpoint_all(&store->writer.db);
    if (why)
        *why = store->writer.db.why;
    return db_err(&store->writer.db);
}

static enum err start_threads(struct sqlite_store *store, struct why *why)
{
    const struct sqlite_config *config = &store->config;
    for (uint32_t i = 0; i < config->readers; i++) {
        struct reader *reader = &store->readers[i];
        reader->queue = &store->reads;
        reader->gate = &store->gate;
        reader->checkpointer = &store->checkpointer;
        reader->frames_max = (uint32_t)(config->wal_bytes_max / PAGE_BYTES);
        reader->span_us_max = (int64_t)config->read_ms_max * 1000;
        enum err err = reader_start(reader, store->path, config->cache_bytes / 8, why);
        if (err != OK)
            return err;
        store->reader_count++;
    }
    if (pthread_create(&store->thread, NULL, write_groups, store) != 0)
        return why_set(why, ERR_MEMORY, "cannot start the store's thread");
    (void)pthread_setname_np(store->thread, "store-writer");
    return OK;
}

static bool is_there(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0;
}

uint64_t sqlite_store_room(uint64_t reserve_bytes)
{
    return space_needed(reserve_bytes);
}

static enum err open_all(struct sqlite_store *store, struct str directory, struct wall now,
                         const struct entropy *entropy, struct arena *arena,
                         struct store_state *ret_state, struct why *why)
{
    char path[PATH_MAX - 16];
    if (!str_copy(directory, path, sizeof path))
        return why_set(why, ERR_LIMIT, "the path of the store is too long");
    (void)snprintf(store->path, sizeof store->path, "%s/bongsu.db", path);
    enum err err = lock_take(path, &store->lock_fd, why);
    if (err == OK)
        err = space_open(&store->keeper.space, path, store->config.reserve_bytes,
                         !is_there(store->path), why);
    if (err == OK)
        err = open_database(store, why);
    if (err == ERR_FULL && store->keeper.space.held) {
        space_give_up(&store->keeper.space);
        db_close(&store->writer.db);
        err = open_database(store, why);
    }
    if (err != OK)
        return err;
    checkpointer_init(&store->checkpointer, &store->writer.db, &store->gate,
                      store->config.checkpoint_frames, store->config.gate_bytes / PAGE_BYTES);
    err = recover(&store->writer, now, store->config.notes, entropy, arena, ret_state);
    if (err == OK)
        err = epoch_open(&store->writer.epoch, path, &store->writer.db, store->writer.last_id,
                         entropy, &ret_state->copied, &store->writer.db.why);
    ret_state->unconfirmed = store->writer.epoch.unconfirmed;
    keeper_mind(&store->keeper, &store->writer);
    ret_state->full = store->keeper.space.full;
    store->keeper.look.copied = ret_state->copied;
    note_space(store);
    if (err == OK)
        err = lock_sync(path, &store->writer.db.why);
    if (err != OK)
        return why_set(why, err, "cannot recover the store: %s", store->writer.db.why.text);
    return start_threads(store, why);
}

enum err sqlite_store_open(struct str directory, const struct sqlite_config *config,
                           struct wall now, const struct entropy *entropy, struct arena *arena,
                           struct store_state *ret_state, struct store **ret, struct why *why)
{
    must(config->readers >= 1 && config->readers <= READERS_MAX);
    struct sqlite_store *store = new_store(config);
    if (!store)
        return why_set(why, ERR_MEMORY, "no memory for the store");
    enum err err = open_all(store, directory, now, entropy, arena, ret_state, why);
    if (err != OK) {
        tear_down(store);
        return err;
    }
    *ret = &store->store;
    return OK;
}
