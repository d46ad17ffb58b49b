/* cli/client.c - see client.h. */
#include "cli/client.h"
#include "base/buf.h"
#include "model/limits.h"
#include <curl/curl.h>
#include <stdlib.h>

struct client {
    CURL *curl;
    struct curl_slist *headers;
    const struct credentials *credentials;
    struct buf body;
    char error[CURL_ERROR_SIZE];
};

static size_t take_body(char *at, size_t size, size_t count, void *into)
{
    struct buf *body = into;
    buf_add_bytes(body, at, size * count);
    return body->failed ? 0 : size * count;
}

static bool is_loopback(struct str url)
{
    return str_starts(url, STR("http://127.")) || str_starts(url, STR("https://127.")) ||
           str_starts(url, STR("http://localhost")) || str_starts(url, STR("https://localhost")) ||
           str_starts(url, STR("http://[::1]")) || str_starts(url, STR("https://[::1]"));
}

/* What never changes between calls; false if libcurl is out of memory. */
static bool set_up(struct client *client, const char *ca)
{
    CURL *curl = client->curl;
    CURLcode bad = 0;
    bad |= curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->error);
    bad |= curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    bad |= curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    bad |= curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 5L);
    bad |= curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)CLI_CALL_TIMEOUT_S);
    bad |= curl_easy_setopt(curl, CURLOPT_USERAGENT, "bongsu");
    bad |= curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    bad |= curl_easy_setopt(curl, CURLOPT_WRITEDATA, &client->body);
    if (is_loopback(client->credentials->url))
        bad |= curl_easy_setopt(curl, CURLOPT_PROXY, "");
    if (ca)
        bad |= curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
    client->headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (client->headers && !curl_slist_append(client->headers, "Expect:"))
        bad = CURLE_OUT_OF_MEMORY;
    return !bad && client->headers;
}

enum err client_open(const struct credentials *credentials, const char *ca, struct client **ret,
                     struct why *why)
{
    struct client *client = calloc(1, sizeof *client);
    if (!client || curl_global_init(CURL_GLOBAL_DEFAULT)) {
        free(client);
        return why_set(why, ERR_MEMORY, "out of memory");
    }
    client->credentials = credentials;
    buf_init(&client->body, CLI_ANSWER_BYTES_MAX);
    client->curl = curl_easy_init();
    if (!client->curl || !set_up(client, ca)) {
        client_close(client);
        return why_set(why, ERR_MEMORY, "libcurl cannot be set up");
    }
    *ret = client;
    return OK;
}

void client_close(struct client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->curl);
    curl_slist_free_all(client->headers);
    buf_done(&client->body);
    curl_global_cleanup();
    free(client);
}

/* Basic with the app's key, or Bearer with the root key. */
static CURLcode authorize(struct client *client, enum client_as as, struct arena *arena)
{
    const struct credentials *credentials = client->credentials;
    CURL *curl = client->curl;
    CURLcode bad = curl_easy_setopt(curl, CURLOPT_HTTPAUTH,
                                    as == CLIENT_ROOT ? CURLAUTH_BEARER : CURLAUTH_BASIC);
    char *name = as == CLIENT_APP ? arena_text(arena, credentials->app_key) : NULL;
    char *secret = as == CLIENT_APP ? arena_text(arena, credentials->app_secret) : NULL;
    char *bearer = as == CLIENT_ROOT ? arena_text(arena, credentials->root_key) : NULL;
    bad |= curl_easy_setopt(curl, CURLOPT_USERNAME, name);
    bad |= curl_easy_setopt(curl, CURLOPT_PASSWORD, secret);
    bad |= curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, bearer);
    if (secret)
        wipe(secret, strlen(secret));
    if (bearer)
        wipe(bearer, strlen(bearer));
    return bad;
}

static CURLcode prepare(struct client *client, const char *method, struct str path, struct str body,
                        struct arena *arena)
{
    CURL *curl = client->curl;
    struct str url =
        arena_printf(arena, "%.*s%.*s", STR_ARG(client->credentials->url), STR_ARG(path));
    char *terminated = url.at ? arena_text(arena, url) : NULL;
    if (!terminated)
        return CURLE_OUT_OF_MEMORY;
    CURLcode bad = curl_easy_setopt(curl, CURLOPT_URL, terminated);
    bad |= curl_easy_setopt(curl, CURLOPT_HTTPHEADER, body.at ? client->headers : NULL);
    if (body.at) {
        bad |= curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        bad |= curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.at);
    } else {
        bad |= curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    }
    bad |= curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    return bad;
}

enum err client_call(struct client *client, enum client_as as, const char *method, struct str path,
                     struct str body, struct arena *arena, struct answer *ret, struct why *why)
{
    CURL *curl = client->curl;
    buf_clear(&client->body);
    client->error[0] = 0;
    CURLcode bad = prepare(client, method, path, body, arena);
    if (!bad)
        bad = authorize(client, as, arena);
    if (bad)
        return why_set(why, ERR_MEMORY, "%s", curl_easy_strerror(bad));
    bad = curl_easy_perform(curl);
    if (bad)
        return why_set(why, ERR_IO, "%.*s: %s", STR_ARG(client->credentials->url),
                       client->error[0] ? client->error : curl_easy_strerror(bad));
    long status = 0;
    struct curl_header *header;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    ret->status = (int)status;
    ret->body = arena_copy(arena, client->body.len ? buf_str(&client->body) : STR(""));
    ret->retry_after = STR_NONE;
    if (curl_easy_header(curl, "Retry-After", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
        ret->retry_after = arena_copy(arena, str_of(header->value));
    return arena->failed ? why_set(why, ERR_MEMORY, "out of memory") : OK;
}
