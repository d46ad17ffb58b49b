/* store/sqlite/reader.h - a thread that answers queries over a read-only connection.
 *
 * Queries wait in one bounded queue; each reader takes the oldest. A query that has much to look at
 * breathes: it ends its transaction and begins another, so that none is held for long.
 */
#pragma once
#include "store/sqlite/checkpoint.h"
#include "store/sqlite/sqlite_store.h"

struct read_queue {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct message *first, **last;
    uint32_t count, max;
    bool closing;
    uint64_t answered, refused;
};

struct reader {
    struct db db;
    struct read_queue *queue;
    struct gate *gate;
    struct checkpointer *checkpointer; /* its `frames` */
    uint32_t frames_max;               /* of the WAL; past it queries are refused */
    int64_t span_us_max;               /* of a transaction */
    struct mono began;                 /* the transaction */
    pthread_t thread;
};

void read_queue_init(struct read_queue *queue, uint32_t max);
void read_queue_done(struct read_queue *queue);
/* False if it is full. */
bool read_queue_put(struct read_queue *queue, struct query *query);
void read_queue_close(struct read_queue *queue); /* what waits is still answered */

enum err reader_start(struct reader *reader, const char *path, uint32_t cache_bytes,
                      struct why *why) must_use;
void reader_join(struct reader *reader);

/* Between rows, with no statement in the midst of its rows. */
void reader_breathe(struct reader *reader);

/* query.c, query_page.c, query_list.c: one kind of question each. */
void read_query(struct reader *reader, struct query *query);
void read_page(struct reader *reader, struct query *query);
void read_list(struct reader *reader, struct query *query);
