/* store/sqlite/gate.c - where readers wait while the writer resets the WAL. */
#include "store/sqlite/gate.h"
#include "base/err.h"

void gate_init(struct gate *gate)
{
    *gate = (struct gate){0};
    must(pthread_mutex_init(&gate->mutex, NULL) == 0);
    must(pthread_cond_init(&gate->opened, NULL) == 0);
    must(pthread_cond_init(&gate->left, NULL) == 0);
}

void gate_done(struct gate *gate)
{
    must(gate->inside == 0);
    pthread_cond_destroy(&gate->left);
    pthread_cond_destroy(&gate->opened);
    pthread_mutex_destroy(&gate->mutex);
}

void gate_enter(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    while (gate->shut)
        pthread_cond_wait(&gate->opened, &gate->mutex);
    gate->inside++;
    pthread_mutex_unlock(&gate->mutex);
}

void gate_leave(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    must(gate->inside > 0);
    gate->inside--;
    pthread_cond_signal(&gate->left);
    pthread_mutex_unlock(&gate->mutex);
}

void gate_shut(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->shut = true;
    while (gate->inside)
        pthread_cond_wait(&gate->left, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
}

void gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->shut = false;
    pthread_cond_broadcast(&gate->opened);
    pthread_mutex_unlock(&gate->mutex);
}
