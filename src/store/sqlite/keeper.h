/* store/sqlite/keeper.h - what the writer's thread minds between groups: the room on the disk, what
 * is on it, and a backup if one is asked for.
 * Threads: the writer's, save keeper_look and keeper_ask.
 */
#pragma once
#include "store/sqlite/backup.h"
#include "store/sqlite/space.h"
#include "store/sqlite/writer.h"

struct keeper {
    struct space space;
    struct backup backup;
    struct mono look_at;       /* at the disk; not before */
    _Atomic bool backup_asked; /* of the file in `look` */
    pthread_mutex_t mutex;     /* of what follows */
    struct store_look look;
};

void keeper_init(struct keeper *keeper, void (*log)(void *self, bool warning, const char *line),
                 void *log_self);
void keeper_done(struct keeper *keeper);
/* What the last transaction met; and once a second the disk, and what is committed. */
void keeper_mind(struct keeper *keeper, struct writer *writer);
/* Is there more to do at once? */
bool keeper_waits(const struct keeper *keeper);
/* A few milliseconds of it. */
void keeper_go_on(struct keeper *keeper, struct writer *writer);
/* The writer's thread ends. */
void keeper_close(struct keeper *keeper);

void keeper_look(struct keeper *keeper, struct store_look *ret);
/* As struct store_ops.backup; the caller wakes the writer. */
enum err keeper_ask(struct keeper *keeper, struct str file, struct why *why) must_use;
