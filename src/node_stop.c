/* node_stop.c - SIGTERM: how a node stops without losing or repeating anything.
 *
 * It goes the way of the work. Nothing is taken any more: listeners close, and what still comes on
 * open connections hears 503. What requests have asked for is answered; then the ledger hands back
 * to the calendar what has not been sent, and waits for what has; then clients have taken their
 * answers, and the threads end. Past DRAIN_ALL_S the process exits all the same: everything that
 * was answered is durable, and the next start hands out again what was still with a provider.
 */
#include "node_state.h"
#include "runtime/loop.h"
#include "runtime/notify.h"
#include <pthread.h>
#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    DRAIN_ALL_MS = 29500,    /* within the 30 s that are promised */
    DRAIN_CLIENTS_MS = 5000, /* for clients to finish and to take their answers, behind the rest */
};

void node_hold_signals(int how)
{
    sigset_t set;
    must(sigemptyset(&set) == 0);
    must(sigaddset(&set, SIGTERM) == 0);
    must(sigaddset(&set, SIGINT) == 0);
    must(sigaddset(&set, SIGHUP) == 0);
    must(pthread_sigmask(how, &set, NULL) == 0);
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void node_close_handles(struct node *node)
{
    node_watchdog_stop(node);
    node->closing = node->reload.posted || node->watchdog.out;
    if (node->closing)
        return;
    for (size_t i = 0; i < sizeof node->signals / sizeof *node->signals; i++)
        close_handle((uv_handle_t *)&node->signals[i]);
    close_handle((uv_handle_t *)&node->patience);
    close_handle((uv_handle_t *)&node->drained);
    close_handle((uv_handle_t *)&node->watchdog.timer);
    close_handle((uv_handle_t *)&node->memory.timer);
    if (node->server)
        server_close(node->server, NULL, NULL);
    node->server = NULL;
    if (node->attached)
        actor_loop_close(node->attached);
    node->attached = NULL;
}

void node_close_if_due(struct node *node)
{
    if (node->closing)
        node_close_handles(node);
}

static void on_patience(uv_timer_t *timer)
{
    struct node *node = timer->data;
    if (node->handed_back && !node->closing) {
        log_write(&node->log, LOG_WARN, "what=drain clients=unfinished");
        must(uv_timer_start(timer, on_patience, DRAIN_CLIENTS_MS, 0) == 0);
        node_close_handles(node);
        return;
    }
    log_write(&node->log, LOG_WARN,
              "what=stopped deliveries=unfinished next=\"the next start hands them out again\"");
    _exit(EX_OK);
}

static void clients_gone(void *self)
{
    node_close_handles(self);
}

/* The ledger and the couriers hold nothing any more. */
static void on_drained(uv_async_t *async)
{
    struct node *node = async->data;
    uint64_t left = uv_timer_get_due_in(&node->patience);
    node->handed_back = true;
    if (left > DRAIN_CLIENTS_MS)
        must(uv_timer_start(&node->patience, on_patience, DRAIN_CLIENTS_MS, 0) == 0);
    server_drain(node->server, clients_gone, node);
}

/* On the ledger's thread. */
static void ledger_drained(void *self)
{
    struct node *node = self;
    must(uv_async_send(&node->drained) == 0);
}

/* The intake has got all its answers: nobody asks the ledger or the store any more. */
static void hand_back(void *self)
{
    struct node *node = self;
    node->drain =
        (struct drain){.message = {.type = LEDGER_DRAIN}, .done = ledger_drained, .self = node};
    inbox_post(&node->ledger_inbox, &node->drain.message);
}

void node_stop_open(struct node *node)
{
    must(uv_async_init(&node->loop, &node->drained, on_drained) == 0);
    must(uv_timer_init(&node->loop, &node->patience) == 0);
    node->drained.data = node->patience.data = node;
}

void node_stop(struct node *node, const char *signal_name)
{
    if (node->stopping)
        return;
    node->stopping = true;
    node_hold_signals(SIG_BLOCK);
    log_write(&node->log, LOG_INFO, "what=draining signal=%s", signal_name);
    notify_supervisor("STOPPING=1");
    must(uv_timer_start(&node->patience, on_patience, DRAIN_ALL_MS, 0) == 0);
    api_drain(node->api);
    server_refuse(node->server);
    intake_drain(node->intake, hand_back, node);
    actor_loop_kick(node->attached);
}
