/* test/campaign/fake.c - see fake.h.
 *
 *     fake push|sms|mail --log FILE [--cert FILE --key FILE] [--seed N]
 *
 * Prints "port N control M" when it listens; ends when its input does.
 */
#include "fake.h"
#include "base/err.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t now_us(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static uint64_t hash_of(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325ull; /* FNV-1a */
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3ull;
    return hash ? hash : 1;
}

static uint32_t *slot_of(struct counts *counts, uint64_t hash)
{
    size_t at = (size_t)hash & (counts->cap - 1);
    while (counts->hashes[at] && counts->hashes[at] != hash)
        at = (at + 1) & (counts->cap - 1);
    counts->used += counts->hashes[at] == 0;
    counts->hashes[at] = hash;
    return &counts->values[at];
}

/* One more of this address; how many there have been before. */
static uint32_t count_address(struct counts *counts, const char *address)
{
    if (counts->used * 2 >= counts->cap) {
        struct counts grown = {.cap = counts->cap ? counts->cap * 2 : 1024};
        grown.hashes = calloc(grown.cap, sizeof *grown.hashes);
        grown.values = calloc(grown.cap, sizeof *grown.values);
        must(grown.hashes && grown.values);
        for (size_t i = 0; i < counts->cap; i++)
            if (counts->hashes[i])
                *slot_of(&grown, counts->hashes[i]) = counts->values[i];
        free(counts->hashes);
        free(counts->values);
        *counts = grown;
    }
    return (*slot_of(counts, hash_of(address)))++;
}

struct act fake_draw(struct fake *fake, const char *address)
{
    uint32_t before = count_address(&fake->counts, address);
    unsigned d = (unsigned)rng_below(&fake->rng, 1000);
    for (unsigned i = 0; i < fake->act_count; i++) {
        struct act *act = &fake->acts[i];
        if (strncmp(address, act->prefix, strlen(act->prefix)) != 0)
            continue;
        if ((act->times && act->taken >= act->times) || (act->first && before >= act->first))
            continue;
        if (d >= act->share) {
            d -= act->share;
            continue;
        }
        act->taken++;
        return *act;
    }
    return (struct act){.what = WHAT_ok};
}

void peer_init(struct peer *peer, struct fake *fake)
{
    *peer = (struct peer){.fake = fake, .number = ++fake->connections};
    list_init(&peer->laters);
    fake->open++;
}

static void later_free(struct fake *fake, struct later *later)
{
    heap_remove(&fake->laters, &later->node);
    list_remove(&later->of_peer);
    free(later);
}

void peer_gone(struct peer *peer)
{
    peer->fake->open--;
    while (!list_empty(&peer->laters)) {
        struct later *later = list_of(peer->laters.next, struct later, of_peer);
        (void)fprintf(peer->fake->log, "X\t%lld\t%llu\n", (long long)now_us(),
                      (unsigned long long)later->seq);
        later_free(peer->fake, later);
    }
}

void fake_undo(struct later *later)
{
    struct peer *peer = later->pipe->session;
    (void)fprintf(peer->fake->log, "U\t%lld\t%llu\n", (long long)now_us(),
                  (unsigned long long)later->seq);
    later_free(peer->fake, later);
}

static void log_escaped(FILE *log, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c == '\t' || c == '\n' || c == '\r' || c == '\\')
            (void)fprintf(log, "\\%c", c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : '\\');
        else
            (void)putc(c, log);
    }
}

static void on_timer(uv_timer_t *timer);

static void arm(struct fake *fake)
{
    struct heap_node *first = heap_first(&fake->laters);
    if (!first)
        return;
    int64_t wait_ms = (first->key - now_us() + 999) / 1000;
    must(uv_timer_start(&fake->timer, on_timer, wait_ms > 0 ? (uint64_t)wait_ms : 0, 0) == 0);
}

static void give(struct later *later)
{
    struct peer *peer = later->pipe->session;
    struct fake *fake = peer->fake;
    if (later->act.what == WHAT_hang)
        return; /* until the connection goes */
    if (!later->pipe->deaf) {
        list_remove(&later->of_peer);
        fake->role->answer(later);
        free(later);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct fake *fake = timer->data;
    struct heap_node *first;
    while ((first = heap_first(&fake->laters)) && first->key <= now_us()) {
        heap_remove(&fake->laters, first);
        give(list_of(first, struct later, node));
    }
    arm(fake);
}

void fake_take(struct fake *fake, struct peer *peer, struct pipe *pipe, int64_t stream,
               const struct act *act, const char *address, const char *auth, const char *extra,
               struct str body)
{
    static const char *const names[] = {
#define X(name) #name,
        WHATS(X)
#undef X
    };
    unsigned span = fake->latency_max - fake->latency_min + 1;
    unsigned ms = act->now ? 0 : fake->latency_min + (unsigned)rng_below(&fake->rng, span);
    struct later *later = calloc(1, sizeof *later);
    must(later != NULL);
    *later = (struct later){.pipe = pipe, .stream = stream, .seq = ++fake->seq, .act = *act};
    fake->requests++;
    fake->by_what[act->what]++;
    (void)fprintf(fake->log, "R\t%lld\t%llu\t%llu\t%lld\t%s\t%s\t%s\t%s", (long long)now_us(),
                  (unsigned long long)later->seq, (unsigned long long)peer->number,
                  (long long)stream, address, auth, extra, names[act->what]);
    if (act->what == WHAT_status)
        (void)fprintf(fake->log, ":%d:%s:%s", act->status, act->word, act->retry);
    (void)fprintf(fake->log, "\t%u\t", ms);
    log_escaped(fake->log, body);
    (void)putc('\n', fake->log);
    heap_node_init(&later->node);
    list_add_last(&peer->laters, &later->of_peer);
    if (ms == 0) {
        give(later);
        return;
    }
    must(heap_put(&fake->laters, &later->node, now_us() + (int64_t)ms * 1000) == OK);
    arm(fake);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct fake *fake = prepare->data;
    (void)fflush(fake->log);
}

static void on_input(uv_stream_t *stream, ssize_t len, const uv_buf_t *from)
{
    (void)from;
    if (len < 0)
        uv_stop(stream->loop);
}

static void give_room(uv_handle_t *handle, size_t hint, uv_buf_t *ret)
{
    static char room[256];
    (void)handle, (void)hint;
    *ret = uv_buf_init(room, sizeof room);
}

static SSL_CTX *tls_of(const char *cert, const char *key)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    must(tls && cert && key);
    must(SSL_CTX_use_certificate_chain_file(tls, cert) == 1);
    must(SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) == 1);
    return tls;
}

/* "h2" alone. */
static int choose(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
                  const unsigned char *offered, unsigned offered_len, void *self)
{
    (void)ssl, (void)self;
    const unsigned char *at = memmem(offered, offered_len, "\2h2", 3);
    if (!at)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret = at + 1;
    *ret_len = 2;
    return SSL_TLSEXT_ERR_OK;
}

static void start(struct fake *fake, const char *cert, const char *key, uv_pipe_t *input)
{
    SSL_CTX *tls = fake->role->tls ? tls_of(cert, key) : NULL;
    if (tls)
        SSL_CTX_set_alpn_select_cb(tls, choose, NULL);
    struct pipe_events events = fake->role->events;
    events.self = fake;
    must(uv_loop_init(&fake->loop) == 0);
    heap_init(&fake->laters);
    must(uv_timer_init(&fake->loop, &fake->timer) == 0);
    must(uv_prepare_init(&fake->loop, &fake->prepare) == 0);
    fake->timer.data = fake->prepare.data = fake;
    must(uv_prepare_start(&fake->prepare, on_prepare) == 0);
    listener_open(&fake->listener, &fake->loop, tls, &events);
    control_open(fake);
    must(uv_pipe_init(&fake->loop, input, 0) == 0);
    must(uv_pipe_open(input, 0) == 0);
    must(uv_read_start((uv_stream_t *)input, give_room, on_input) == 0);
}

int main(int argc, char **argv)
{
    static struct fake fake = {.streams = 1000, .window = 1 << 20};
    static const struct role *const roles[] = {&push_role, &sms_role, &mail_role};
    static uv_pipe_t input;
    const char *cert = NULL, *key = NULL, *log = NULL;
    uint64_t seed = 1;
    for (size_t i = 0; i < 3 && argc > 1; i++)
        if (!strcmp(argv[1], roles[i]->name))
            fake.role = roles[i];
    for (int i = 2; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--cert"))
            cert = argv[i + 1];
        else if (!strcmp(argv[i], "--key"))
            key = argv[i + 1];
        else if (!strcmp(argv[i], "--log"))
            log = argv[i + 1];
        else if (!strcmp(argv[i], "--seed"))
            seed = strtoull(argv[i + 1], NULL, 10);
    }
    if (!fake.role || !log || !(fake.log = fopen(log, "ae")))
        return (void)fprintf(stderr, "usage: fake push|sms|mail --log FILE\n"), 64;
    (void)signal(SIGPIPE, SIG_IGN);
    fake.rng = rng_of(seed);
    start(&fake, cert, key, &input);
    (void)printf("port %u control %u\n", fake.listener.port, fake.control.port);
    (void)fflush(stdout);
    (void)uv_run(&fake.loop, UV_RUN_DEFAULT);
    (void)fclose(fake.log);
    return 0;
}
