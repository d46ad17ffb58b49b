/* test/contract/disk_model.h - a disk that loses what was not synced, below SQLite.
 *
 * A VFS over the default one. Of every file below one directory it knows what is durable and, in
 * order, every write and truncation since the last sync; the real file is what reads see, as the
 * system's cache would be. An image is what the disk may hold if the power goes now: the durable
 * bytes and any of the rest, each write whole, in part, or not at all. A sync that fails writes
 * some of it and forgets the others: they stay readable and are never written again by themselves.
 *
 * Threads: one at a time calls it; images are taken inside SQLite's calls.
 */
#pragma once
#include "base/rng.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODEL_FILES_MAX = 8, MODEL_PATH_MAX = 256 };

struct model_bytes {
    unsigned char *at;
    size_t len, cap;
};

struct model_op {
    struct model_op *next;
    bool truncate;
    int64_t offset; /* or the new size */
    size_t len;
    unsigned char bytes[];
};

struct model_file {
    char name[64]; /* below the directory */
    struct model_bytes durable;
    struct model_op *first, **last; /* not synced */
    bool known;
};

struct model_image {
    struct model_file files[MODEL_FILES_MAX]; /* `durable` is the image */
    uint32_t acknowledged;                    /* as the model's was then */
};

struct disk_model {
    char directory[MODEL_PATH_MAX]; /* what is modelled; empty: nothing */
    struct rng rng;
    struct model_file files[MODEL_FILES_MAX];
    uint64_t ops; /* writes, truncations and syncs so far */
    uint64_t syncs;
    uint64_t image_at[64]; /* take an image at the op of this number; ascending */
    uint32_t image_at_count;
    struct model_image images[64];
    _Atomic uint32_t image_count;
    uint64_t sync_fails_at; /* this sync and all later ones fail; 0: none */
    bool sync_failed;
    const char *durable_to; /* where the durable bytes go when a sync fails */
    _Atomic int64_t room;   /* bytes that all files may have; negative: no limit */
    _Atomic uint32_t *acknowledged;
};

void disk_model_install(struct disk_model *model); /* until the process ends */
/* Begins anew over a directory: what stands in it is durable, or with `durable_from` what stands
 * there is, and what stands in it is only cached. */
void disk_model_start(struct disk_model *model, const char *directory, const char *durable_from,
                      uint64_t seed);
/* What the disk may hold now, into the next image. */
void disk_model_take(struct disk_model *model);
/* Writes an image's files into a directory that exists. */
void model_image_write(const struct model_image *image, const char *directory);
void disk_model_forget(struct disk_model *model); /* frees everything; nothing is modelled */
