/* conf/config.h - a node's configuration, read once and never changed.
 *
 * config_load reads the file (bongsu.yaml(5)), the environment and the files it names, and collects
 * every fault it finds with line, column and remedy. A struct config owns all that it points at; a
 * reload (SIGHUP) loads a second one, and the first is freed when nothing uses it any more.
 * Threads: any, read-only after loading. Secrets stand here in the clear and are wiped on free.
 */
#pragma once
#include "base/arena.h"
#include "base/time.h"
#include "model/names.h"
#include "port/provider.h"

/* Where something stands in the file, from 1; columns count characters. */
struct config_place {
    unsigned line, column;
};

struct config_listener {
    struct str address; /* as written */
    struct str host;    /* numeric, without brackets: "127.0.0.1", "::1" */
    uint16_t port;      /* 0: any free one */
    bool loopback;
    bool tls;
    struct str cert_path, key_path;
    struct str cert, key; /* tls: PEM text */
    struct config_place place;
};

struct config_roles {
    bool intake, worker;
};

struct config_retention {
    struct span notifications, events;
};

struct config_limits {
    uint64_t body_bytes; /* of one request */
    uint64_t in_flight;  /* requests being answered */
    uint64_t memory;     /* bytes, of the process */
    uint64_t disk_reserve;
};

enum store_kind { STORE_SQLITE };

struct config_store {
    enum store_kind kind;
    const char *path; /* sqlite: the directory */
    struct config_place place;
};

enum queue_kind { QUEUE_EMBEDDED };

struct config_provider {
    const struct provider_ops *ops;
    struct provider_config open; /* what ops->open takes: every setting, the common ones too */
    /* The common settings, read. */
    struct span timeout;
    uint64_t in_flight;
    uint64_t rate; /* a second; 0: no limit of ours */
    struct config_place place;
};

/* Conditions: an empty list matches everything, a list any of its members. */
struct config_names {
    const struct str *list;
    uint32_t count;
};

struct config_match {
    struct config_names app, bundle_id, category;
    struct config_names country; /* ISO 3166-1 alpha-2, upper case */
};

struct config_route {
    enum kind kind;
    struct config_match match;
    const struct config_choice {
        uint32_t provider; /* index into config.providers */
        uint32_t weight;   /* 0 for all of a rule: in order */
    } * choices;
    uint32_t choice_count; /* >= 1 */
    struct config_place place;
};

struct config_retry {
    struct span first, max;
    uint64_t attempts;
};

struct config {
    struct arena arena;
    const char *path; /* of the file */
    const struct config_listener *listeners;
    uint32_t listener_count; /* >= 1 */
    struct str public_url;   /* without a slash at its end; absent if none is configured */
    struct str root_key;
    struct config_roles roles;
    struct config_store store;
    enum queue_kind queue;
    struct config_retention retention;
    struct config_limits limits;
    const struct config_provider *providers;
    uint32_t provider_count;
    const struct config_route *routes; /* the first that matches wins */
    uint32_t route_count;
    struct config_retry retry[PRIORITY_COUNT];
};

/* What is wrong, and what to do about it; no secrets in either. */
struct config_fault {
    struct config_place place; /* line 0: the file as a whole */
    struct str what;
    struct str remedy; /* absent if `what` says it all */
};

struct config_faults {
    struct arena arena;
    struct config_fault *list; /* in the order of the file */
    uint32_t count;            /* at most CONFIG_FAULTS_MAX are kept */
};

void config_faults_init(struct config_faults *faults);
void config_faults_done(struct config_faults *faults);

/* ERR_INPUT with at least one fault; ERR_MEMORY without any. Each provider is opened once, for what
 * only its driver can tell, and closed again. */
enum err config_load(const char *path, struct config_faults *faults, struct config **ret) must_use;
/* The same from a text; `path` is only kept. */
enum err config_parse(struct str text, const char *path, struct config_faults *faults,
                      struct config **ret) must_use;
void config_free(struct config *config); /* NULL is allowed */

/* Adds a fault found later: a provider that does not open, a certificate without its key. */
void config_fault_add(struct config_faults *faults, struct config_place place, struct str remedy,
                      const char *what, ...) printf_like(4, 5);
