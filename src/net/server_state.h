/* net/server_state.h - what server.c and peer.c share; nobody else includes it. */
#pragma once
#include "net/connection.h"
#include "net/server.h"

enum { READ_BYTES = 64 * 1024 };

struct listener {
    uv_poll_t poll;
    struct server *server;
    int socket;
    uint16_t port;
    struct tls_context *tls;
};

/* One accepted socket. */
struct peer {
    uv_poll_t poll;
    struct server *server;
    struct connection *connection;
    int socket;
    int events;        /* polled for now */
    struct list link;  /* of server->peers */
    struct list woken; /* of server->woken, or alone */
    bool ended;        /* it sends no more */
    bool shut;         /* we send no more */
    bool quiet;        /* nothing happened since the last sweep */
};

struct server {
    uv_loop_t *loop;
    struct clock clock;
    struct exchanges *exchanges;
    struct listener listeners[LISTENERS_MAX];
    uint32_t listener_count;
    uint32_t connections_max;
    uint32_t connections;
    uint32_t handles; /* open on the loop */
    uint64_t accepted;
    uv_timer_t sweep;
    uv_prepare_t flush;
    struct list peers;
    struct list woken; /* their handlers have answered */
    bool listening;
    bool paused; /* accepting waits for the next sweep */
    bool draining;
    bool closing;
    void (*done)(void *self);
    void *done_self;
    void (*closed)(void *self);
    void *closed_self;
    void (*log)(void *self, const char *sentence);
    void *log_self;
    struct mono log_next;
    char *input; /* READ_BYTES, for all */
};

static inline struct now server_now(const struct server *server)
{
    return clock_now(&server->clock);
}

/* server.c */
/* A handle has gone: the last one takes the server with it, the last socket ends the drain. */
void server_handle_closed(struct server *server);
void server_set_accepting(struct server *server, bool accepting);
void server_set_sweeping(struct server *server, bool sweeping);

/* peer.c */
/* Takes the socket over. False, and the socket is still the caller's, if memory is short. */
bool peer_new(struct listener *listener, int socket, struct now now);
/* Sends what there is, then waits for what the connection wants next. It may be gone afterwards. */
void peer_go_on(struct peer *peer, struct now now);
void peer_close(struct peer *peer);
/* Before the loop waits: the answers that came outside of their connection's own events. */
void peer_flush_woken(uv_prepare_t *handle);
