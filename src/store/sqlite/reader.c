/* store/sqlite/reader.c - a thread that answers queries over a read-only connection. */
#include "store/sqlite/reader.h"
#include "store/rules.h"
#include "store/sqlite/writer.h"

enum { BREATHE_US = 4000, PROGRESS_OPS = 2000, ROLLBACK_TRIES = 100, ROLLBACK_PAUSE_MS = 10 };

/* -- the queue -------------------------------------------------------------------------------- */

void read_queue_init(struct read_queue *queue, uint32_t max)
{
    *queue = (struct read_queue){.max = max};
    queue->last = &queue->first;
    must(pthread_mutex_init(&queue->mutex, NULL) == 0);
    must(pthread_cond_init(&queue->wake, NULL) == 0);
}

void read_queue_done(struct read_queue *queue)
{
    must(!queue->first);
    pthread_cond_destroy(&queue->wake);
    pthread_mutex_destroy(&queue->mutex);
}

bool read_queue_put(struct read_queue *queue, struct query *query)
{
    pthread_mutex_lock(&queue->mutex);
    bool room = queue->count < queue->max;
    if (room) {
        query->message.next = NULL;
        *queue->last = &query->message;
        queue->last = &query->message.next;
        queue->count++;
        pthread_cond_signal(&queue->wake);
    } else {
        queue->refused++;
    }
    pthread_mutex_unlock(&queue->mutex);
    return room;
}

void read_queue_close(struct read_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->closing = true;
    pthread_cond_broadcast(&queue->wake);
    pthread_mutex_unlock(&queue->mutex);
}

/* Waits; NULL once it is closed and empty. */
static struct query *take(struct read_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    while (!queue->first && !queue->closing)
        pthread_cond_wait(&queue->wake, &queue->mutex);
    struct message *first = queue->first;
    if (first) {
        queue->first = first->next;
        if (!queue->first)
            queue->last = &queue->first;
        queue->count--;
        queue->answered++;
    }
    pthread_mutex_unlock(&queue->mutex);
    return (struct query *)(void *)first; /* its message comes first */
}

/* -- transactions ----------------------------------------------------------------------------- */

static void begin(struct reader *reader)
{
    gate_enter(reader->gate);
    reader->began = stopwatch();
    db_run(&reader->db, db_use(&reader->db, BEGIN_READ));
}

/* The gate is left by none that still reads. That SQLite has no memory for so small a statement may
 * pass; a process for which it does not is started again. */
static void end(struct reader *reader)
{
    for (int tries = 0; !sqlite3_get_autocommit(reader->db.sqlite); tries++) {
        must(tries < ROLLBACK_TRIES);
        if (sqlite3_exec(reader->db.sqlite, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK)
            (void)sqlite3_sleep(ROLLBACK_PAUSE_MS);
    }
    gate_leave(reader->gate);
}

void reader_breathe(struct reader *reader)
{
    if (mono_since(reader->began, stopwatch()).us < BREATHE_US)
        return;
    end(reader);
    begin(reader);
}

static int out_of_time(void *self)
{
    const struct reader *reader = self;
    return mono_since(reader->began, stopwatch()).us > reader->span_us_max;
}

/* -- queries ---------------------------------------------------------------------------------- */

static void clear_answer(struct query *query)
{
    query->err = OK;
    query->why.text[0] = '\0';
    query->count = query->delivery_count = 0;
    query->more = false;
    query->next_name = STR_NONE;
    query->next_id = 0;
    query->next_ordinal = query->next_seq = 0;
}

static void run_query(struct reader *reader, struct query *query)
{
    bool dated = true;
    begin(reader);
    switch (query->type) {
    case QUERY_NOTIFICATION:
    case QUERY_DELIVERIES:
    case QUERY_DELIVERY:
    case QUERY_EVENTS:
        read_query(reader, query);
        break;
    case QUERY_NOTIFICATIONS:
    case QUERY_DEAD:
        read_page(reader, query);
        break;
    default:
        dated = false;
        read_list(reader, query);
    }
    if (dated)
        query_date(query, meta_get(&reader->db, META_OFFSET, 0));
    end(reader);
    if (reader->db.code != SQLITE_OK) {
        query->err = db_err(&reader->db);
        query->why = reader->db.why;
        db_forgive(&reader->db);
    } else if (query->arena.failed && query->err == OK) {
        query->err = why_set(&query->why, ERR_MEMORY, "the answer does not fit its arena");
    }
}

static void answer(struct reader *reader, struct query *query)
{
    uint32_t frames = atomic_load_explicit(&reader->checkpointer->frames, memory_order_relaxed);
    clear_answer(query);
    if (frames > reader->frames_max)
        query->err = why_set(&query->why, ERR_FULL, "reads are held back: the log is too long");
    else
        run_query(reader, query);
    inbox_post(&query->done, &query->message);
}

static void *run(void *self)
{
    struct reader *reader = self;
    for (struct query *query; (query = take(reader->queue));)
        answer(reader, query);
    return NULL;
}

enum err reader_start(struct reader *reader, const char *path, uint32_t cache_bytes,
                      struct why *why)
{
    enum err err = db_open(&reader->db, path, false, cache_bytes, why);
    if (err != OK)
        return err;
    sqlite3_progress_handler(reader->db.sqlite, PROGRESS_OPS, out_of_time, reader);
    if (pthread_create(&reader->thread, NULL, run, reader) == 0) {
        (void)pthread_setname_np(reader->thread, "store-reader");
        return OK;
    }
    db_close(&reader->db);
    return why_set(why, ERR_MEMORY, "cannot start a reader's thread");
}

void reader_join(struct reader *reader)
{
    must(pthread_join(reader->thread, NULL) == 0);
    db_close(&reader->db);
}
