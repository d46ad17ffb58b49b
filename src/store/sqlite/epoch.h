/* store/sqlite/epoch.h - is this database the one that has been sending from this directory?
 *
 * `bongsu.epoch` stands beside the database, and the two know each other: the database holds which
 * file that is (identity.h), and both hold a number that every start and every clean stop draws
 * anew. The file also holds the highest notification that was ever committed. A copy of the
 * directory has another file; a database put back, or copied alone, has another number, or ends too
 * early. Such a store is `unconfirmed` until somebody says that it is the one that sends; what can
 * be noticed and what cannot stands in docs/decisions.
 * Threads: the writer's. Errors: the connection's, once it is open.
 */
#pragma once
#include "port/entropy.h"
#include "store/sqlite/db.h"
#include "store/sqlite/identity.h"

enum { NONCE_SIZE = 16 };

struct epoch {
    int fd; /* of the file; -1: it is not there, or not read yet */
    struct entropy entropy;
    bool unconfirmed;
    bool turning; /* in this transaction */
    unsigned char nonce[NONCE_SIZE];
    int64_t noted; /* the highest notification, as the file has it */
    char path[4096];
};

void epoch_init(struct epoch *epoch);
/* Outside a transaction. With `why`: what shows that it is unconfirmed, if it is. ERR_IO; the rest
 * stays in the connection. */
enum err epoch_open(struct epoch *epoch, const char *directory, struct db *db, int64_t last_id,
                    const struct entropy *entropy, struct why *ret_copied,
                    struct why *why) must_use;
/* What is committed up to `last_id`: a later start will miss it. */
void epoch_note(struct epoch *epoch, int64_t last_id);
/* Inside a transaction; the owner says afterwards how that ended. */
void epoch_confirm(struct epoch *epoch, struct db *db, int64_t last_id);
void epoch_committed(struct epoch *epoch);
void epoch_rolled_back(struct epoch *epoch);
/* A clean stop: from here on every copy made so far is an old one. */
void epoch_close(struct epoch *epoch, struct db *db);
/* In a finished backup: it belongs nowhere. */
void epoch_disown(struct db *db);
