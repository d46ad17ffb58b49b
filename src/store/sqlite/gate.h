/* store/sqlite/gate.h - where readers wait while the writer resets the WAL.
 *
 * A reader enters before a transaction and leaves after it; the writer, when the WAL is over its
 * mark, shuts the gate, waits for those inside, checkpoints, and opens it again. Without it two
 * readers that overlap keep the WAL from ever being reset.
 * Threads: any.
 */
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t opened, left;
    uint32_t inside;
    bool shut;
};

void gate_init(struct gate *gate);
void gate_done(struct gate *gate);
void gate_enter(struct gate *gate);
void gate_leave(struct gate *gate);
void gate_shut(struct gate *gate); /* returns once nobody is inside */
void gate_open(struct gate *gate);
