/* node_reload.c - SIGHUP: another configuration, whole or not at all.
 *
 *     work thread: read, check, compare, open what is new     (all that can fail)
 *     main:        api, listeners, intake                     (from here on nothing can)
 *     ledger:      retry, retention, window
 *     courier:     providers and routes
 *     main:        the configuration before is freed
 *
 * Each part swaps in one step between two messages, so that no request or delivery sees half of
 * one; for a moment a request may be taken under the new limits and sent by the old routes.
 */
#include "check.h"
#include "node_state.h"
#include "runtime/notify.h"
#include <signal.h>
#include <stdio.h>

static struct reload *reload_of(uv_work_t *work)
{
    return work->data;
}

/* ------------------------------------------------------------------------ the work thread ---- */

static bool same_certificate(const struct config_listener *a, const struct config_listener *b)
{
    return str_eq(a->cert, b->cert) && str_eq_secret(a->key, b->key);
}

static enum err open_certificates(struct reload *reload, struct why *why)
{
    const struct config *old = reload->node->config, *next = reload->next;
    enum err err = OK;
    for (uint32_t i = 0; !err && i < next->listener_count; i++) {
        const struct config_listener *listener = &next->listeners[i];
        if (listener->tls && !same_certificate(&old->listeners[i], listener))
            err = tls_server_open(listener->cert, listener->key, &reload->tls[i], why);
    }
    return err;
}

static void prepare(uv_work_t *work)
{
    struct reload *reload = reload_of(work);
    struct node *node = reload->node;
    enum err err = config_load(node->config_path, &reload->faults, &reload->next);
    if (!err)
        err = check_config(reload->next, &reload->faults);
    if (!err && !config_can_reload(node->config, reload->next, &reload->faults))
        err = ERR_INPUT;
    if (!err) {
        config_compare(node->config, reload->next, &reload->changes);
        err = open_certificates(reload, &reload->why);
    }
    if (!err)
        err = worker_change_open(node->worker, reload->next, &reload->worker, &reload->why);
    if (err == ERR_MEMORY && !reload->why.text[0])
        (void)why_set(&reload->why, err, "out of memory");
    reload->err = err;
}

/* -------------------------------------------------------------------------------- refused ---- */

/* A fault as `bongsu check` prints it, in a form that stands between quotes. */
static void fault_text(const struct reload *reload, uint32_t i, char into[CHECK_TEXT_MAX])
{
    check_format(reload->node->config_path, &reload->faults.list[i], into);
    for (char *at = into; *at; at++)
        if (*at == '"')
            *at = '\'';
}

static void refuse(struct reload *reload)
{
    const struct node *node = reload->node;
    char text[CHECK_TEXT_MAX];
    uint32_t count = reload->faults.count;
    for (uint32_t i = 0; i < count; i++) {
        fault_text(reload, i, text);
        log_write(&node->log, LOG_WARN, "what=reload fault=\"%s\"", text);
    }
    if (count)
        fault_text(reload, 0, text);
    else
        (void)str_copy(str_of(reload->why.text), text, sizeof text);
    log_write(&node->log, LOG_WARN, "what=reload result=refused faults=%u first=\"%s\"",
              count ? count : 1, text);
    for (uint32_t i = 0; i < LISTENERS_MAX; i++)
        tls_context_close(reload->tls[i]);
    worker_change_discard(reload->worker);
    config_free(reload->next);
}

/* ------------------------------------------------------------------------------- applying ---- */

static void end(struct reload *reload)
{
    struct node *node = reload->node;
    bool again = reload->again && !node->stopping;
    config_faults_done(&reload->faults);
    reload->running = reload->again = false;
    if (!node->stopping)
        notify_supervisor("READY=1");
    if (again)
        node_reload(node);
}

/* All have it. */
static void applied(void *self)
{
    struct node *node = self;
    struct reload *reload = &node->reload;
    char changed[CONFIG_CHANGES_TEXT_MAX];
    config_changes_format(&reload->changes, changed);
    worker_change_done(node->worker, reload->worker);
    config_free(node->config);
    node->config = reload->next;
    reload->posted = false;
    log_write(&node->log, LOG_INFO, "what=reload result=ok changed=\"%s\"", changed);
    end(reload);
    node_close_if_due(node);
}

/* On the courier's thread. */
static void courier_changed(void *self)
{
    struct node *node = self;
    node->reload.back =
        (struct ping){.message = {.type = INTAKE_PING}, .heard = applied, .self = node};
    inbox_post(&node->intake_inbox, &node->reload.back.message);
}

/* On the ledger's thread. */
static void ledger_changed(void *self)
{
    struct node *node = self;
    worker_change_post(node->worker, node->reload.worker, courier_changed, node);
}

static void apply(struct reload *reload)
{
    struct node *node = reload->node;
    const struct config *next = reload->next;
    const struct api_config api = node_api_config(node, next);
    reload->posted = true;
    api_configure(node->api, &api);
    server_set_limits(node->server, (size_t)next->limits.body_bytes,
                      (uint32_t)next->limits.in_flight);
    for (uint32_t i = 0; i < LISTENERS_MAX; i++)
        if (reload->tls[i])
            server_set_tls(node->server, i, reload->tls[i]);
    intake_resize(node->intake, node_cache_bytes(next), node_waiting_bytes(next));
    reload->ledger = (struct ledger_change){
        .message = {.type = LEDGER_CONFIG},
        .retention = next->retention.notifications,
        .window_bytes_max = node_window_bytes(next),
        .done = ledger_changed,
        .self = node,
    };
    node_retry_policies(next, reload->ledger.retry);
    inbox_post(&node->ledger_inbox, &reload->ledger.message);
}

static void on_prepared(uv_work_t *work, int status)
{
    struct reload *reload = reload_of(work);
    if (!status && !reload->err && !reload->node->stopping) {
        apply(reload);
        return;
    }
    if (!reload->err)
        (void)why_set(&reload->why, ERR_CLOSED, "the server is stopping");
    refuse(reload);
    end(reload);
}

/* --------------------------------------------------------------------------------- public ---- */

void node_reload(struct node *node)
{
    struct reload *reload = &node->reload;
    if (node->stopping)
        return;
    if (reload->running) {
        reload->again = true; /* the file may have changed since it was read */
        return;
    }
    char state[64];
    (void)snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)clock_now(&node->clock).mono.us);
    notify_supervisor(state);
    reload->node = node;
    reload->work.data = reload;
    reload->running = true;
    reload->err = OK;
    reload->next = NULL;
    reload->worker = NULL;
    reload->why.text[0] = '\0';
    memset(reload->tls, 0, sizeof reload->tls);
    config_faults_init(&reload->faults);
    node_hold_signals(SIG_BLOCK); /* the first work starts the loop's threads: not theirs */
    must(uv_queue_work(&node->loop, &reload->work, prepare, on_prepared) == 0);
    node_hold_signals(SIG_UNBLOCK);
}
