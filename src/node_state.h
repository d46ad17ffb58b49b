/* node_state.h - what the files of the node share; for them alone.
 *
 * Everything here belongs to the main thread, but for what the ledger and the courier call back.
 */
#pragma once
#include "api/api.h"
#include "flow/messages.h"
#include "model/limits.h"
#include "net/server.h"
#include "node.h"
#include "node_worker.h"
#include "runtime/log.h"

struct node {
    const struct config *config;
    struct log log;
    struct clock clock;
    struct entropy entropy;
    struct store *store;
    struct worker *worker;
    struct actor_thread *ledger_thread;
    struct ledger *ledger;
    bool ledger_started;

    uv_loop_t loop;
    bool loop_open;
    struct actor_loop *attached;
    struct intake *intake;
    struct api *api;
    struct server *server;
    struct tls_context *tls[LISTENERS_MAX];
    uv_signal_t signals[3];
    struct inbox ledger_inbox, intake_inbox, courier_inbox;

    /* Stopping. */
    uv_async_t drained;
    uv_timer_t patience;
    struct drain drain;
    bool stopping, handed_back;
};

/* node_stop.c */
/* The handles it needs; they are on the loop then. */
void node_stop_open(struct node *node);
/* Begins the end; a second call changes nothing. The loop runs out when all is done. */
void node_stop(struct node *node, const char *signal_name);
/* Closes whatever is on the loop; for a start that failed, and when all is done. */
void node_close_handles(struct node *node);
