/* test/contract/disk_model.c - a disk that loses what was not synced, below SQLite. */
#include "disk_model.h"
#include "base/str.h"
#include "forward_vfs.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR = 512 };

/* -- bytes ------------------------------------------------------------------------------------ */

static void *need(void *at)
{
    if (!at)
        abort();
    return at;
}

static void bytes_resize(struct model_bytes *bytes, size_t len)
{
    if (len > bytes->cap) {
        bytes->cap = len * 2;
        bytes->at = need(realloc(bytes->at, bytes->cap));
    }
    if (len > bytes->len)
        memset(bytes->at + bytes->len, 0, len - bytes->len);
    bytes->len = len;
}

static void bytes_write(struct model_bytes *bytes, size_t offset, const void *at, size_t len)
{
    if (!len)
        return;
    if (offset + len > bytes->len)
        bytes_resize(bytes, offset + len);
    memcpy(bytes->at + offset, at, len);
}

static void bytes_read_file(struct model_bytes *bytes, const char *path)
{
    struct stat found;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bytes->len = 0;
    if (fd < 0 || fstat(fd, &found) != 0)
        return;
    bytes_resize(bytes, (size_t)found.st_size);
    if (bytes->len && read(fd, bytes->at, bytes->len) != (ssize_t)bytes->len)
        abort();
    close(fd);
}

static void write_file(const char *directory, const char *name, const struct model_bytes *bytes)
{
    char path[MODEL_PATH_MAX + 80];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || (bytes->len && write(fd, bytes->at, bytes->len) != (ssize_t)bytes->len))
        abort();
    close(fd);
}

/* -- operations ------------------------------------------------------------------------------- */

static void log_op(struct model_file *file, bool truncate, int64_t offset, const void *at,
                   size_t len)
{
    struct model_op *op = need(malloc(sizeof *op + len));
    *op = (struct model_op){.truncate = truncate, .offset = offset, .len = len};
    if (len)
        memcpy(op->bytes, at, len);
    *file->last = op;
    file->last = &op->next;
}

static void log_clear(struct model_file *file)
{
    for (struct model_op *op = file->first, *next; op; op = next) {
        next = op->next;
        free(op);
    }
    file->first = NULL;
    file->last = &file->first;
}

static void apply(struct model_bytes *bytes, const struct model_op *op, size_t from, size_t to)
{
    if (op->truncate)
        bytes_resize(bytes, (size_t)op->offset);
    else if (from < to)
        bytes_write(bytes, (size_t)op->offset + from, op->bytes + from, to - from);
}

/* How the disk is when the power goes: a way for the whole image. */
enum loss { LOSE_ALL, LOSE_NOTHING, LOSE_TAIL, LOSE_SOME, TEAR_SOME, LOSSES };

static void apply_some(struct rng *rng, struct model_bytes *bytes, const struct model_file *file,
                       enum loss loss)
{
    bool cut = false;
    for (const struct model_op *op = file->first; op && loss != LOSE_ALL; op = op->next) {
        bool half = rng_below(rng, 2) == 0;
        cut |= loss == LOSE_TAIL && rng_below(rng, 8) == 0;
        if (cut || (half && (loss == LOSE_SOME || loss == TEAR_SOME)))
            continue;
        size_t from = 0, to = op->len;
        if (loss == TEAR_SOME && op->len && rng_below(rng, 2)) {
            size_t unit = rng_below(rng, 4) ? SECTOR : 1;
            size_t at = (size_t)rng_below(rng, op->len / unit + 1) * unit;
            *(rng_below(rng, 2) ? &from : &to) = at;
        }
        apply(bytes, op, from, to);
    }
}

void disk_model_take(struct disk_model *model)
{
    if (model->image_count == sizeof model->images / sizeof *model->images)
        return;
    struct model_image *image = &model->images[model->image_count++];
    enum loss loss = (enum loss)rng_below(&model->rng, LOSSES);
    *image = (struct model_image){0};
    if (model->acknowledged)
        image->acknowledged = atomic_load(model->acknowledged);
    for (int i = 0; i < MODEL_FILES_MAX; i++) {
        const struct model_file *file = &model->files[i];
        struct model_file *copy = &image->files[i];
        if (!file->known)
            continue;
        copy->known = true;
        memcpy(copy->name, file->name, sizeof copy->name);
        bytes_write(&copy->durable, 0, file->durable.at, file->durable.len);
        apply_some(&model->rng, &copy->durable, file, loss);
    }
}

void model_image_write(const struct model_image *image, const char *directory)
{
    for (int i = 0; i < MODEL_FILES_MAX; i++)
        if (image->files[i].known)
            write_file(directory, image->files[i].name, &image->files[i].durable);
}

/* Before each operation: the power may go in front of it. */
static void count_op(struct disk_model *model)
{
    model->ops++;
    while (model->image_at_count && model->image_at[0] <= model->ops) {
        memmove(model->image_at, model->image_at + 1,
                --model->image_at_count * sizeof *model->image_at);
        disk_model_take(model);
    }
}

static void fail_sync(struct disk_model *model, struct model_file *file)
{
    apply_some(&model->rng, &file->durable, file, LOSE_SOME);
    log_clear(file); /* readable, marked clean, and never written */
    if (!model->sync_failed && model->durable_to)
        for (int i = 0; i < MODEL_FILES_MAX; i++)
            if (model->files[i].known)
                write_file(model->durable_to, model->files[i].name, &model->files[i].durable);
    model->sync_failed = true;
}

/* -- files ------------------------------------------------------------------------------------ */

/* NULL: it is not below the directory. */
static struct model_file *file_of(struct disk_model *model, const char *path)
{
    size_t len = strlen(model->directory);
    if (!path || !len || strncmp(path, model->directory, len) != 0 || path[len] != '/')
        return NULL;
    for (int i = 0; i < MODEL_FILES_MAX; i++) {
        struct model_file *file = &model->files[i];
        if (file->known && strcmp(file->name, path + len + 1) == 0)
            return file;
        if (file->known)
            continue;
        if (!str_copy(str_of(path + len + 1), file->name, sizeof file->name))
            abort();
        file->known = true;
        file->last = &file->first;
        bytes_read_file(&file->durable, path);
        return file;
    }
    abort();
}

static void file_forget(struct model_file *file)
{
    if (file->known && file->last)
        log_clear(file);
    free(file->durable.at);
    *file = (struct model_file){0};
}

void disk_model_forget(struct disk_model *model)
{
    for (int i = 0; i < MODEL_FILES_MAX; i++)
        file_forget(&model->files[i]);
    for (uint32_t i = 0; i < model->image_count; i++)
        for (int k = 0; k < MODEL_FILES_MAX; k++)
            free(model->images[i].files[k].durable.at);
    model->image_count = model->image_at_count = 0;
    model->directory[0] = '\0';
}

void disk_model_start(struct disk_model *model, const char *directory, const char *durable_from,
                      uint64_t seed)
{
    static const char *const names[] = {"bongsu.db", "bongsu.db-wal"};
    char path[MODEL_PATH_MAX + 80];
    disk_model_forget(model);
    (void)snprintf(model->directory, sizeof model->directory, "%s", directory);
    model->rng = rng_of(seed);
    model->ops = model->syncs = model->sync_fails_at = 0;
    model->sync_failed = false;
    atomic_store(&model->room, -1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        struct model_file *file = file_of(model, path);
        if (!durable_from)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", durable_from, names[i]);
        bytes_read_file(&file->durable, path);
    }
}

/* -- the VFS ---------------------------------------------------------------------------------- */

struct shim_file {
    struct forward_file forward;
    struct disk_model *model;
    struct model_file *file; /* NULL: not modelled */
};

static struct shim_file *shim(sqlite3_file *file)
{
    return (struct shim_file *)(void *)file;
}

static bool has_room(struct shim_file *self, sqlite3_int64 end)
{
    struct disk_model *model = self->model;
    int64_t room = atomic_load(&model->room), all = 0;
    sqlite3_int64 size = 0;
    char reserve[MODEL_PATH_MAX + 80];
    struct stat kept;
    (void)snprintf(reserve, sizeof reserve, "%s/bongsu.reserve", model->directory);
    if (room < 0 || forward_size(&self->forward.base, &size) != SQLITE_OK || end <= size)
        return true;
    for (int i = 0; i < MODEL_FILES_MAX; i++) {
        char path[MODEL_PATH_MAX + 80];
        struct stat found;
        (void)snprintf(path, sizeof path, "%s/%s", model->directory, model->files[i].name);
        if (model->files[i].known && stat(path, &found) == 0)
            all += found.st_size;
    }
    all += stat(reserve, &kept) == 0 ? kept.st_size : 0;
    return all + (end - size) <= room;
}

static int shim_write(sqlite3_file *file, const void *at, int len, sqlite3_int64 offset)
{
    struct shim_file *self = shim(file);
    if (self->file) {
        if (!has_room(self, offset + len))
            return SQLITE_FULL;
        count_op(self->model);
        log_op(self->file, false, offset, at, (size_t)len);
    }
    return forward_write(file, at, len, offset);
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct shim_file *self = shim(file);
    if (self->file) {
        count_op(self->model);
        log_op(self->file, true, size, NULL, 0);
    }
    return forward_truncate(file, size);
}

static int shim_sync(sqlite3_file *file, int flags)
{
    struct shim_file *self = shim(file);
    struct disk_model *model = self->model;
    if (!self->file)
        return forward_sync(file, flags);
    count_op(model);
    if (model->sync_fails_at && ++model->syncs >= model->sync_fails_at) {
        fail_sync(model, self->file);
        return SQLITE_IOERR_FSYNC;
    }
    for (const struct model_op *op = self->file->first; op; op = op->next)
        apply(&self->file->durable, op, 0, op->len);
    log_clear(self->file);
    return SQLITE_OK; /* the real one need not wait */
}

static const sqlite3_io_methods shim_methods =
    FORWARD_METHODS(shim_write, shim_truncate, shim_sync);

struct shim_vfs {
    sqlite3_vfs base;
    sqlite3_vfs *real;
    struct disk_model *model;
};

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct shim_vfs *self = (struct shim_vfs *)(void *)vfs;
    struct shim_file *shimmed = shim(file);
    shimmed->model = self->model;
    shimmed->forward.real = (sqlite3_file *)(void *)(shimmed + 1);
    shimmed->file = file_of(self->model, name);
    int code = self->real->xOpen(self->real, name, shimmed->forward.real, flags, out);
    shimmed->forward.base.pMethods = code == SQLITE_OK ? &shim_methods : NULL;
    return code;
}

static int shim_delete(sqlite3_vfs *vfs, const char *name, int sync_directory)
{
    struct shim_vfs *self = (struct shim_vfs *)(void *)vfs;
    struct model_file *file = file_of(self->model, name);
    if (file)
        file_forget(file);
    return self->real->xDelete(self->real, name, sync_directory);
}

void disk_model_install(struct disk_model *model)
{
    struct shim_vfs *vfs = need(malloc(sizeof *vfs));
    sqlite3_vfs *real = need(sqlite3_vfs_find(NULL));
    vfs->base = *real; /* all that does not touch a file is the real one's */
    vfs->base.zName = "model";
    vfs->base.pNext = NULL;
    vfs->base.szOsFile = (int)sizeof(struct shim_file) + real->szOsFile;
    vfs->base.xOpen = shim_open;
    vfs->base.xDelete = shim_delete;
    vfs->real = real;
    vfs->model = model;
    if (sqlite3_vfs_register(&vfs->base, 1) != SQLITE_OK)
        abort();
}
