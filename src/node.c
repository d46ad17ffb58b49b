/* node.c - see node.h. The main thread is the intake's: its loop has the listeners and signals.
 *
 *     main: server, intake, api, signals      ledger: its own thread, and the store's beside it
 *     courier: node_worker.c                  stopping: node_stop.c, reloading: node_reload.c
 */
#include "codec/digest.h"
#include "flow/ledger.h"
#include "model/limits.h"
#include "net/server.h"
#include "node_state.h"
#include "runtime/loop.h"
#include "runtime/notes_file.h"
#include "runtime/notify.h"
#include "runtime/system.h"
#include "runtime/thread.h"
#include "store/sqlite/sqlite_store.h"
#include <curl/curl.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

enum { OPEN_ARENA_MAX = 64 * 1024 * 1024 };

static void on_signal(uv_signal_t *handle, int number)
{
    struct node *node = handle->data;
    if (number == SIGHUP)
        node_reload(node);
    else
        node_stop(node, number == SIGTERM ? "TERM" : "INT");
}

/* ----------------------------------------------------------------------------- starting ---- */

static void store_log(void *self, bool warning, const char *line)
{
    const struct node *node = self;
    log_write(&node->log, warning ? LOG_WARN : LOG_INFO, "%s", line);
}

/* Behind the store's lock. Without it a crash costs every delivery in hand an attempt. */
static void open_notes(struct node *node, const char *path, const struct crash_notes *found)
{
    struct why why;
    if (notes_file_open(path, found, &node->notes, &why))
        log_write(&node->log, LOG_WARN, "what=notes result=none why=\"%s\"", why.text);
}

static enum err open_store(struct node *node, struct arena *arena, struct store_state *state,
                           struct why *why)
{
    struct sqlite_config config = sqlite_config_default();
    const char *path = node->config->store.path;
    struct crash_notes found;
    enum err err = notes_file_read(path, arena, &found);
    if (err)
        return why_set(why, err, "no memory for what the last process left behind");
    config.notes = &found;
    config.reserve_bytes = node->config->limits.disk_reserve;
    config.log = store_log;
    config.log_self = node;
    err = sqlite_store_open(str_of(path), &config, clock_now(&node->clock).wall, &node->entropy,
                            arena, state, &node->store, why);
    if (!err)
        open_notes(node, path, &found);
    if (!err && (state->recovered || state->crashed))
        log_write(&node->log, LOG_INFO, "what=recovered deliveries=%u suspects=%u dead=%u",
                  state->recovered, state->suspects, state->crashed);
    if (!err && state->unconfirmed)
        log_write(&node->log, LOG_WARN,
                  "what=store_unconfirmed why=\"%s\" effect=\"nothing is taken on or sent\" "
                  "remedy=\"bongsu store confirm-epoch, if no other server sends from it\"",
                  state->copied.text);
    return err;
}

void node_retry_policies(const struct config *config, struct retry_policy into[PRIORITY_COUNT])
{
    for (unsigned i = 0; i < PRIORITY_COUNT; i++)
        into[i] = (struct retry_policy){
            .delay_first = config->retry[i].first,
            .delay_max = config->retry[i].max,
            .attempts_max = (uint32_t)config->retry[i].attempts,
        };
}

size_t node_window_bytes(const struct config *config)
{
    return (size_t)config->limits.memory / MEMORY_PARTS * WINDOW_PARTS;
}

size_t node_cache_bytes(const struct config *config)
{
    return (size_t)config->limits.memory / MEMORY_PARTS * CACHE_PARTS;
}

size_t node_waiting_bytes(const struct config *config)
{
    return (size_t)config->limits.memory / MEMORY_PARTS * WAITING_PARTS;
}

static enum err start_ledger(struct node *node, const struct store_state *state, struct why *why)
{
    struct ledger_config config = {
        .store = node->store,
        .inbox = node->ledger_inbox,
        .intakes = &node->intake_inbox,
        .intake_count = 1,
        .couriers = &node->courier_inbox,
        .courier_count = 1,
        .retention = node->config->retention.notifications,
        .window_bytes_max = node_window_bytes(node->config),
        .log = &node->log,
        .notes = node->notes ? notes_file_notes(node->notes) : NULL,
    };
    entropy_fill(&node->entropy, &config.seed, sizeof config.seed);
    node_retry_policies(node->config, config.retry);
    node->ledger = ledger_new(&config, state, clock_now(&node->clock));
    if (!node->ledger)
        return why_set(why, ERR_MEMORY, "no memory for the ledger");
    node->ids = ledger_ids(node->ledger);
    return OK;
}

static bool has_sandbox(const struct config *config)
{
    for (uint32_t i = 0; i < config->provider_count; i++)
        if (str_eq(config->providers[i].ops->driver, STR("sandbox")))
            return true;
    return false;
}

struct api_config node_api_config(const struct node *node, const struct config *config)
{
    struct api_config api = {
        .intake = node->intake,
        .ids = node->ids,
        .has_root_key = config->root_key.at != NULL,
        .body_bytes_max = config->limits.body_bytes,
        .has_sandbox = has_sandbox(config),
        .public_url = config->public_url,
        .version = STR(BONGSU_VERSION),
        .store = node->store,
    };
    sha256(config->root_key, api.root_hash);
    return api;
}

static enum err start_intake(struct node *node, struct why *why)
{
    const struct intake_config intake = {
        .store = node->store,
        .ledger = node->ledger_inbox,
        .couriers = &node->courier_inbox,
        .courier_count = 1,
        .inbox = node->intake_inbox,
        .clock = node->clock,
        .entropy = node->entropy,
        .cache_bytes_max = node_cache_bytes(node->config),
        .waiting_bytes_max = node_waiting_bytes(node->config),
    };
    node->intake = intake_new(&intake);
    if (!node->intake)
        return why_set(why, ERR_MEMORY, "no memory for the intake");
    const struct api_config api = node_api_config(node, node->config);
    node->api = api_new(&api);
    if (!node->api)
        return why_set(why, ERR_MEMORY, "no memory for the API");
    actor_loop_start(node->attached, intake_actor(node->intake));
    return OK;
}

static void server_log(void *self, const char *sentence)
{
    const struct node *node = self;
    log_write(&node->log, LOG_WARN, "what=listener text=\"%s\"", sentence);
}

static void close_contexts(struct tls_context *contexts[LISTENERS_MAX])
{
    for (uint32_t i = 0; i < LISTENERS_MAX; i++)
        tls_context_close(contexts[i]);
}

static enum err listen_all(struct node *node, struct why *why)
{
    struct server_listen listens[LISTENERS_MAX];
    struct tls_context *contexts[LISTENERS_MAX] = {NULL};
    const struct config *config = node->config;
    must(config->listener_count <= LISTENERS_MAX);
    for (uint32_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *from = &config->listeners[i];
        listens[i] = (struct server_listen){0};
        enum err err = address_of(from->host, from->port, &listens[i].address, why);
        if (!err && from->tls)
            err = tls_server_open(from->cert, from->key, &contexts[i], why);
        if (err) {
            close_contexts(contexts);
            return err;
        }
        listens[i].tls = contexts[i];
    }
    struct server_config server = {
        .listens = listens,
        .listen_count = config->listener_count,
        .in_flight_max = (uint32_t)config->limits.in_flight,
        .body_bytes_max = (size_t)config->limits.body_bytes,
        .log = server_log,
        .log_self = node,
    };
    entropy_fill(&node->entropy, &server.seed, sizeof server.seed);
    enum err err =
        server_new(&node->loop, &server, node->clock, api_handler(node->api), why, &node->server);
    close_contexts(contexts); /* the server has its share */
    return err;
}

static void say_ready(struct node *node)
{
    for (uint32_t i = 0; i < node->config->listener_count; i++) {
        const struct config_listener *listener = &node->config->listeners[i];
        struct address address;
        char text[ADDRESS_TEXT_SIZE];
        struct why why;
        must(address_of(listener->host, server_port(node->server, i), &address, &why) == OK);
        address_format(&address, text);
        log_write(&node->log, LOG_INFO, "what=listening address=%s tls=%s", text,
                  listener->tls ? "yes" : "no");
    }
    log_write(&node->log, LOG_INFO, "what=ready version=%s pid=%d", BONGSU_VERSION, getpid());
    notify_supervisor("READY=1");
    node_watchdog_start(node);
    node_memory_start(node);
}

static enum err open_loop(struct node *node, struct why *why)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    if (uv_loop_init(&node->loop) != 0)
        return why_set(why, ERR_IO, "cannot open an event loop");
    node->loop_open = true;
    for (size_t i = 0; i < 3; i++) {
        must(uv_signal_init(&node->loop, &node->signals[i]) == 0);
        node->signals[i].data = node;
        must(uv_signal_start(&node->signals[i], on_signal, numbers[i]) == 0);
    }
    node_stop_open(node);
    node_watchdog_open(node);
    node_memory_open(node);
    node->attached = actor_loop_new(&node->loop, node->clock);
    node->ledger_thread = actor_thread_new("ledger", node->clock);
    if (!node->attached || !node->ledger_thread)
        return why_set(why, ERR_MEMORY, "no memory for the actors");
    node->intake_inbox = actor_loop_inbox(node->attached);
    node->ledger_inbox = actor_thread_inbox(node->ledger_thread);
    return OK;
}

static enum err start(struct node *node, struct why *why)
{
    struct arena arena;
    struct store_state state = {0};
    arena_init(&arena, OPEN_ARENA_MAX);
    enum err err = open_loop(node, why);
    if (!err)
        err = worker_open(node->config, node->clock, &node->entropy, &node->worker, why);
    if (!err) {
        node->courier_inbox = worker_inbox(node->worker);
        err = open_store(node, &arena, &state, why);
    }
    if (!err)
        err = start_ledger(node, &state, why);
    if (!err)
        err = start_intake(node, why);
    if (!err)
        err = listen_all(node, why);
    if (!err)
        err = worker_start(node->worker, node->store, node->ledger_inbox, ledger_ids(node->ledger),
                           &node->log, why);
    if (!err)
        err = actor_thread_start(node->ledger_thread, ledger_actor(node->ledger), why);
    node->ledger_started = !err;
    arena_done(&arena);
    return err;
}

/* ------------------------------------------------------------------------------- closing ---- */

static void finish(struct node *node)
{
    actor_thread_stop(node->ledger_thread);
    worker_close(node->worker);
    if (node->store)
        node->store->ops->close(node->store);
    api_free(node->api);
    intake_free(node->intake);
    if (node->ledger)
        ledger_free(node->ledger);
    notes_file_close(node->notes);
    if (node->loop_open)
        must(uv_loop_close(&node->loop) == 0);
    config_free(node->config);
}

int node_serve(struct config *config, const struct node_options *options, struct why *why)
{
    struct node node = {.config = config,
                        .config_path = options->config_path,
                        .clock = system_clock(),
                        .entropy = system_entropy()};
    node.log = (struct log){.fd = STDERR_FILENO,
                            .format = options->log_json ? LOG_JSON : LOG_TEXT,
                            .clock = node.clock};
    (void)signal(SIGPIPE, SIG_IGN);
    node_hold_signals(SIG_BLOCK);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        config_free(config);
        return (void)why_set(why, ERR_CRYPTO, "libcurl does not start"), EX_SOFTWARE;
    }
    enum err err = start(&node, why);
    if (err) {
        if (node.loop_open) {
            node_close_handles(&node);
            (void)uv_run(&node.loop, UV_RUN_DEFAULT);
        }
        finish(&node);
        return err == ERR_MEMORY                      ? EX_OSERR
               : err == ERR_IO || err == ERR_CONFLICT ? EX_UNAVAILABLE
                                                      : EX_CONFIG;
    }
    say_ready(&node);
    node_hold_signals(SIG_UNBLOCK);
    (void)uv_run(&node.loop, UV_RUN_DEFAULT);
    finish(&node);
    log_write(&node.log, LOG_INFO, "what=stopped");
    return EX_OK;
}
