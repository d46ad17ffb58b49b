/* store/sqlite/keeper.c - what the writer's thread minds between groups. */
#include "store/sqlite/keeper.h"
#include "store/sqlite/checkpoint.h"

enum { LOOK_MS = 1000 };

void keeper_init(struct keeper *keeper, void (*log)(void *self, bool warning, const char *line),
                 void *log_self)
{
    keeper->space = (struct space){.fd = -1, .log = log, .log_self = log_self};
    must(pthread_mutex_init(&keeper->mutex, NULL) == 0);
}

void keeper_done(struct keeper *keeper)
{
    space_close(&keeper->space);
    pthread_mutex_destroy(&keeper->mutex);
}

void keeper_mind(struct keeper *keeper, struct writer *writer)
{
    if (writer->db.no_room)
        space_give_up(&keeper->space);
    writer->db.no_room = false;
    struct mono now = stopwatch();
    bool turned = keeper->look.unconfirmed != writer->epoch.unconfirmed;
    if (!mono_reached(now, keeper->look_at) && !turned)
        return;
    keeper->look_at = mono_add(now, span_ms(LOOK_MS));
    space_look(&keeper->space);
    epoch_note(&writer->epoch, writer->last_id);
    pthread_mutex_lock(&keeper->mutex);
    keeper->look.full = keeper->space.full;
    keeper->look.unconfirmed = writer->epoch.unconfirmed;
    pthread_mutex_unlock(&keeper->mutex);
}

bool keeper_waits(const struct keeper *keeper)
{
    return keeper->backup_asked || backup_waits(&keeper->backup);
}

void keeper_go_on(struct keeper *keeper, struct writer *writer)
{
    struct backup *backup = &keeper->backup;
    char file[BACKUP_FILE_MAX];
    if (!keeper_waits(keeper))
        return;
    pthread_mutex_lock(&keeper->mutex);
    bool asked = keeper->backup_asked;
    keeper->backup_asked = false;
    memcpy(file, keeper->look.file, sizeof file);
    pthread_mutex_unlock(&keeper->mutex);
    if (asked)
        backup_begin(backup, &writer->db, file);
    else if (keeper->space.full && backup->under_way)
        backup_give_up(backup, "given up: the store's disk is nearly full");
    else
        backup_step(backup, false);
    pthread_mutex_lock(&keeper->mutex);
    backup_show(backup, &keeper->look);
    pthread_mutex_unlock(&keeper->mutex);
}

void keeper_close(struct keeper *keeper)
{
    backup_give_up(&keeper->backup, "given up: the store was closed");
    backup_wait(&keeper->backup);
}

void keeper_look(struct keeper *keeper, struct store_look *ret)
{
    pthread_mutex_lock(&keeper->mutex);
    *ret = keeper->look;
    pthread_mutex_unlock(&keeper->mutex);
}

enum err keeper_ask(struct keeper *keeper, struct str file, struct why *why)
{
    enum err err = backup_check(file, why);
    if (err != OK)
        return err;
    pthread_mutex_lock(&keeper->mutex);
    if (keeper->look.backup == BACKUP_RUNNING) {
        err = why_set(why, ERR_CONFLICT, "a backup is under way");
    } else {
        (void)str_copy(file, keeper->look.file, sizeof keeper->look.file);
        keeper->look.backup = BACKUP_RUNNING;
        keeper->look.pages = keeper->look.pages_done = 0;
        keeper->backup_asked = true;
    }
    pthread_mutex_unlock(&keeper->mutex);
    return err;
}
