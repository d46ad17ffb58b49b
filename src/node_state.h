/* node_state.h - what the files of the node share; for them alone.
 *
 * Everything here belongs to the main thread, but for what the ledger and the courier call back.
 */
#pragma once
#include "api/api.h"
#include "conf/changes.h"
#include "flow/ledger.h"
#include "flow/messages.h"
#include "model/limits.h"
#include "net/server.h"
#include "node.h"
#include "node_worker.h"
#include "runtime/log.h"

/* A reload on its way; one at a time. */
struct reload {
    struct node *node;
    uv_work_t work;
    struct ping back;
    bool running;
    bool again;  /* another was asked for meanwhile */
    bool posted; /* on its way through the actors: nothing may go before it is back */
    enum err err;
    struct why why;
    struct config_faults faults;
    struct config_changes changes;
    struct config *next;
    struct tls_context *tls[LISTENERS_MAX]; /* of the listeners that have another certificate */
    struct worker_change *worker;
    struct ledger_change ledger;
};

/* Signs of life for the service manager. */
struct watchdog {
    uv_timer_t timer;
    struct ping ledger, courier, back;
    bool out; /* the pings are under way: nothing may go before they are back */
};

/* What looks for a quiet moment after a busy time. */
struct tidying {
    uv_timer_t timer;
    int64_t cpu_us; /* of the process, when it last looked */
    bool untidy;    /* busy since memory was last given back */
};

struct node {
    struct config *config; /* the one that is used */
    const char *config_path;
    struct log log;
    struct clock clock;
    struct entropy entropy;
    struct store *store;
    struct notes_file *notes; /* NULL: none could be made */
    struct worker *worker;
    struct actor_thread *ledger_thread;
    struct ledger *ledger;
    struct ids ids; /* the ledger's secret; it mints them */
    bool ledger_started;

    uv_loop_t loop;
    bool loop_open;
    struct actor_loop *attached;
    struct intake *intake;
    struct api *api;
    struct server *server;
    uv_signal_t signals[3];
    struct inbox ledger_inbox, intake_inbox, courier_inbox;

    /* Stopping. */
    uv_async_t drained;
    uv_timer_t patience;
    struct drain drain;
    bool stopping, handed_back;
    bool closing; /* as soon as nothing is under way any more */

    struct reload reload;
    struct watchdog watchdog;
    struct tidying memory;
};

/* node.c: what the parts take from a configuration. */
struct api_config node_api_config(const struct node *node, const struct config *config);
void node_retry_policies(const struct config *config, struct retry_policy into[PRIORITY_COUNT]);
size_t node_window_bytes(const struct config *config);
size_t node_cache_bytes(const struct config *config);
size_t node_waiting_bytes(const struct config *config);

/* node_reload.c */
/* Reads the configuration again and swaps it, or says in the log why not. */
void node_reload(struct node *node);

/* node_memory.c */
void node_memory_open(struct node *node);
void node_memory_start(struct node *node);

/* node_watchdog.c */
void node_watchdog_open(struct node *node);
/* Does nothing unless the service manager wants to hear ($WATCHDOG_USEC, sd_watchdog_enabled(3)).
 */
void node_watchdog_start(struct node *node);
void node_watchdog_stop(struct node *node);

/* node_stop.c */
/* SIG_BLOCK or SIG_UNBLOCK, of pthread_sigmask(3): signals are the main thread's, and only while
 * its loop hears them. Before and after they wait; else a second SIGTERM, whose handler is closed
 * already, would end the process before its store is. */
void node_hold_signals(int how);
/* The handles it needs; they are on the loop then. */
void node_stop_open(struct node *node);
/* Begins the end; a second call changes nothing. The loop runs out when all is done. */
void node_stop(struct node *node, const char *signal_name);
/* Closes whatever is on the loop, now or when what is under way is back; for a start that failed,
 * and when all is done. */
void node_close_handles(struct node *node);
/* Something is back. */
void node_close_if_due(struct node *node);
