/* store/sqlite/space.h - the room on the store's disk: a reserve, and the mark below which nothing
 * more is taken on.
 *
 * `bongsu.reserve` is a preallocated file. When a write finds no room, the file is emptied, and
 * what is stored goes on being delivered in the room that this makes. A quarter of the reserve must
 * be free besides, else the store is `full`: long before a write fails. Both are looked at once a
 * second (the owner's to call); the reserve is taken back once there is room for it and for twice
 * the mark. Threads: the writer's; the caller shares what it tells.
 */
#pragma once
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

enum { SPACE_PATH_MAX = 4096 };

struct space {
    uint64_t reserve_bytes; /* 0: no reserve, and never full */
    uint64_t free_bytes;    /* as last seen, the reserve not counted */
    bool held;              /* the reserve is allocated */
    bool full;
    int patience; /* looks to come before the reserve may be taken back */
    int fd;       /* of the reserve; -1: none */
    char directory[SPACE_PATH_MAX];
    void (*log)(void *self, bool warning, const char *line); /* may be NULL */
    void *log_self;
};

/* Before the database is opened. With too little room: ERR_FULL for a store that is not there yet;
 * one that is goes on, full, with its reserve given up if not even opening would have room. */
enum err space_open(struct space *space, const char *directory, uint64_t reserve_bytes, bool fresh,
                    struct why *why) must_use;
/* The room that a new one needs. */
uint64_t space_needed(uint64_t reserve_bytes);
void space_close(struct space *space);
/* Measures, and takes the reserve back if there is room. */
void space_look(struct space *space);
/* A write found no room. */
void space_give_up(struct space *space);
