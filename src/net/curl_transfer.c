/* net/curl_transfer.c - options, callbacks and conclusions of one transfer; see curl_transfer.h. */
#include "net/curl_transfer.h"
#include "model/limits.h"
#include "net/pin.h"
#include <arpa/inet.h>
#include <netinet/in.h>

/* libcurl's callbacks. */

static bool may_connect(struct transfer *transfer, const struct sockaddr *address)
{
    const struct request *request = transfer->out.call->request;
    bool tls = transfer->origin.scheme == SCHEME_HTTPS;
    if (!request->subscriber_chosen || pin_allows(address, request->pins_allowed, tls))
        return true;
    transfer->refused = true;
    return false;
}

static curl_socket_t open_socket(void *self, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = self;
    (void)purpose;
    if (!may_connect(transfer, &address->addr))
        return CURL_SOCKET_BAD;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

/* The address of a connection that was opened for somebody else. */
static bool may_reuse(struct transfer *transfer, const char *text)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return may_connect(transfer, (const struct sockaddr *)&v4);
    if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        return may_connect(transfer, (const struct sockaddr *)&v6);
    return !transfer->out.call->request->subscriber_chosen;
}

static int before_request(void *self, char *remote, char *local, int remote_port, int local_port)
{
    struct transfer *transfer = self;
    (void)local, (void)remote_port, (void)local_port;
    if (transfer->about_to_send || transfer->refused || !may_reuse(transfer, remote))
        return CURL_PREREQFUNC_ABORT;
    transfer->about_to_send = true;
    transfer->out.call->begun = true;
    transfer->out.begun_at = clock_now(transfer->clock).mono;
    return CURL_PREREQFUNC_OK;
}

static size_t give_body(char *into, size_t size, size_t count, void *self)
{
    struct transfer *transfer = self;
    struct str body = transfer->out.call->request->body;
    size_t left = body.len - transfer->given;
    size_t take = left < size * count ? left : size * count;
    if (take)
        memcpy(into, body.at + transfer->given, take);
    transfer->given += take;
    return take;
}

static void take_line(struct transfer *transfer, struct str line)
{
    while (line.len && (line.at[line.len - 1] == '\n' || line.at[line.len - 1] == '\r'))
        line.len--;
    struct str value = line;
    struct str name = str_cut(&value, ':');
    if (str_starts(line, STR("HTTP/")) && line.len >= 12)
        gather_status(&transfer->gather, str_slice(line, 9, 12));
    else if (line.len == 0)
        gather_headers_end(&transfer->gather);
    else if (value.at)
        gather_header(&transfer->gather, name, str_trim(value));
}

static size_t take_header(char *at, size_t size, size_t count, void *self)
{
    take_line(self, (struct str){at, size * count});
    return size * count;
}

static size_t take_body(char *at, size_t size, size_t count, void *self)
{
    struct transfer *transfer = self;
    if (gather_body(&transfer->gather, (struct str){at, size * count}))
        return size * count;
    transfer->truncated = true;
    return 0;
}

/* Options. A failed one is remembered, so that the list reads as a list. */

struct options {
    CURL *easy;
    bool failed;
};

#define option(options, name, value)                                                               \
    ((options)->failed |= curl_easy_setopt((options)->easy, (name), (value)) != CURLE_OK)

static void append(struct options *options, struct curl_slist **list, const char *text)
{
    struct curl_slist *grown = text ? curl_slist_append(*list, text) : NULL;
    if (grown)
        *list = grown;
    else
        options->failed = true;
}

static long milliseconds(struct mono from, struct mono to)
{
    int64_t ms = mono_since(from, to).us / 1000;
    return ms < 1 ? 1 : ms > 86400000 ? 86400000 : (long)ms;
}

static void set_common(struct options *options, struct transfer *transfer, struct now now)
{
    long left = milliseconds(now.mono, transfer->out.call->deadline);
    option(options, CURLOPT_PRIVATE, transfer);
    option(options, CURLOPT_ERRORBUFFER, transfer->error);
    option(options, CURLOPT_NOSIGNAL, 1L);
    option(options, CURLOPT_QUICK_EXIT, 1L); /* never wait for a resolver's thread */
    option(options, CURLOPT_TIMEOUT_MS, left);
    option(options, CURLOPT_CONNECTTIMEOUT_MS,
           left < CONNECT_TIMEOUT_MS ? left : (long)CONNECT_TIMEOUT_MS);
    option(options, CURLOPT_PROXY, ""); /* whatever the environment says */
    option(options, CURLOPT_PROTOCOLS_STR, "http,https");
    option(options, CURLOPT_FOLLOWLOCATION, 0L);
    option(options, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
    option(options, CURLOPT_TCP_KEEPALIVE, 1L);
    option(options, CURLOPT_MAXAGE_CONN, 60L);
    option(options, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    option(options, CURLOPT_OPENSOCKETDATA, transfer);
    option(options, CURLOPT_PREREQFUNCTION, before_request);
    option(options, CURLOPT_PREREQDATA, transfer);
    option(options, CURLOPT_READFUNCTION, give_body);
    option(options, CURLOPT_READDATA, transfer);
    option(options, CURLOPT_HEADERFUNCTION, take_header);
    option(options, CURLOPT_HEADERDATA, transfer);
    option(options, CURLOPT_WRITEFUNCTION, take_body);
    option(options, CURLOPT_WRITEDATA, transfer);
}

static void set_tls(struct options *options, struct str ca)
{
    option(options, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    option(options, CURLOPT_SSL_VERIFYPEER, 1L);
    option(options, CURLOPT_SSL_VERIFYHOST, 2L);
    if (ca.at) {
        struct curl_blob blob = {(void *)(uintptr_t)ca.at, ca.len, CURL_BLOB_COPY};
        option(options, CURLOPT_CAINFO_BLOB, &blob);
        option(options, CURLOPT_CAPATH, NULL); /* or its roots would count besides */
    } else if (curl_version_info(CURLVERSION_NOW)->cainfo) {
        option(options, CURLOPT_CAPATH, NULL); /* a directory keeps the parsed file uncached */
    }
}

static void set_headers(struct options *options, struct transfer *transfer)
{
    const struct request *request = transfer->out.call->request;
    bool accept = false, type = false;
    for (uint32_t i = 0; i < request->header_count; i++) {
        const struct header *header = &request->headers[i];
        struct str text =
            arena_printf(transfer->out.call->arena, header->value.len ? "%.*s: %.*s" : "%.*s;%.*s",
                         STR_ARG(header->name), STR_ARG(header->value));
        append(options, &transfer->headers, text.at);
        accept = accept || str_eq(header->name, STR("accept"));
        type = type || str_eq(header->name, STR("content-type"));
    }
    /* Without a value they are not sent: libcurl adds nothing of its own. */
    append(options, &transfer->headers, "Expect:");
    if (!accept)
        append(options, &transfer->headers, "Accept:");
    if (!type)
        append(options, &transfer->headers, "Content-Type:");
    option(options, CURLOPT_HTTPHEADER, transfer->headers);
}

static void set_http(struct options *options, struct transfer *transfer)
{
    const struct request *request = transfer->out.call->request;
    bool post = str_eq(request->method, STR("POST"));
    option(options, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    option(options, CURLOPT_PATH_AS_IS, 1L);
    if (post || request->body.len) {
        option(options, CURLOPT_POST, 1L);
        option(options, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    } else {
        option(options, CURLOPT_HTTPGET, 1L);
    }
    if (str_eq(request->method, STR("HEAD")))
        option(options, CURLOPT_NOBODY, 1L);
    else if (!post && !str_eq(request->method, STR("GET")))
        option(options, CURLOPT_CUSTOMREQUEST,
               arena_text(transfer->out.call->arena, request->method));
    if (!request->body.len)
        option(options, CURLOPT_FRESH_CONNECT, 1L);
    set_headers(options, transfer);
}

static enum err check_place(struct transfer *transfer, struct why *why)
{
    const struct request *request = transfer->out.call->request;
    if (!origin_parse(request->origin, &transfer->origin)) {
        transfer->refused = request->subscriber_chosen;
        return why_set(why, ERR_INPUT, "%s\"%.*s\" is no origin",
                       request->subscriber_chosen ? "refused endpoint: " : "",
                       STR_ARG(request->origin));
    }
    if (transfer->origin.scheme != SCHEME_HTTPS && transfer->origin.scheme != SCHEME_HTTP)
        return why_set(why, ERR_INPUT, "\"%.*s\" is not for this wire", STR_ARG(request->origin));
    return OK;
}

enum err transfer_prepare(struct transfer *transfer, CURL *easy, struct now now, struct why *why)
{
    struct exchange_call *call = transfer->out.call;
    const struct request *request = call->request;
    enum err err = check_place(transfer, why);
    if (err != OK)
        return err;
    struct options options = {.easy = easy};
    struct str url =
        arena_printf(call->arena, "%.*s%.*s", STR_ARG(request->origin), STR_ARG(request->path));
    transfer->gather = (struct gather){.arena = call->arena, .reply = &transfer->out.reply};
    transfer->easy = easy;
    options.failed = !url.at;
    option(&options, CURLOPT_URL, url.at);
    set_common(&options, transfer, now);
    set_tls(&options, request->ca);
    set_http(&options, transfer);
    if (!options.failed && !call->arena->failed)
        return OK;
    (void)transfer_release(transfer);
    return why_set(why, ERR_MEMORY, "no memory to send");
}

CURL *transfer_release(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    transfer->easy = NULL;
    if (easy)
        curl_easy_reset(easy);
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
    return easy;
}

/* Conclusions. */

static void fail(struct transfer *transfer, struct now now, const char *reason)
{
    if (transfer->refused)
        outgoing_fail(&transfer->out, EXCHANGE_UNSENT, now, "refused endpoint: %.*s %s",
                      STR_ARG(transfer->origin.host),
                      transfer->origin.scheme == SCHEME_HTTPS ? "resolves to a private address"
                                                              : "is not reached by https");
    else if (!transfer->out.call->begun)
        outgoing_fail(&transfer->out, EXCHANGE_UNSENT, now, "%s", reason);
    else
        outgoing_fail(&transfer->out, EXCHANGE_CUT, now, "%s", reason);
}

void transfer_end(struct transfer *transfer, CURLcode result, struct now now)
{
    bool answered = result == CURLE_OK || transfer->truncated;
    if (answered && transfer->out.reply.status)
        outgoing_answer(&transfer->out, now);
    else if (result == CURLE_SEND_FAIL_REWIND ||
             (result == CURLE_ABORTED_BY_CALLBACK && transfer->out.call->begun))
        fail(transfer, now, "the connection was closed without an answer");
    else
        fail(transfer, now, transfer->error[0] ? transfer->error : curl_easy_strerror(result));
}

void transfer_stop(struct transfer *transfer, struct now now, const char *reason)
{
    fail(transfer, now, reason);
}
