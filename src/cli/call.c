/* cli/call.c - see call.h. */
#include "cli/call.h"
#include "cli/problem.h"
#include "model/limits.h"
#include <errno.h>
#include <sysexits.h>

int cli_fail(struct cli *cli, int code, const char *format, ...)
{
    va_list args;
    fputs("bongsu: ", cli->err);
    va_start(args, format);
    vfprintf(cli->err, format, args);
    va_end(args);
    fputc('\n', cli->err);
    return code;
}

int cli_memory(struct cli *cli)
{
    return cli_fail(cli, EX_OSERR, "out of memory");
}

int cli_open(struct cli *cli, const struct args *args, FILE *out, FILE *err)
{
    struct why why;
    *cli = (struct cli){.args = args, .out = out, .err = err};
    arena_init(&cli->arena, CLI_ARENA_BYTES_MAX);
    if (credentials_load(args_value(args, OPTION_URL), &cli->arena, &cli->credentials, &why) ||
        client_open(&cli->credentials, args_value(args, OPTION_CA), &cli->client, &why))
        return cli_fail(cli, EX_CONFIG, "%s", why.text);
    return 0;
}

void cli_close(struct cli *cli)
{
    client_close(cli->client);
    credentials_wipe(&cli->credentials);
    arena_done(&cli->arena);
}

struct str json_text(const struct json *object, const char *name)
{
    const struct json *value = json_get(object, str_of(name));
    if (!value || value->type == JSON_NULL)
        return STR_NONE;
    return value->type == JSON_STRING ? value->text : value->raw;
}

static enum err parse(struct cli *cli, struct str text, const struct json **ret,
                      struct json_fault *fault)
{
    const struct json_limits limits = {.depth_max = JSON_DEPTH_MAX, .values_max = 10000000};
    return json_parse(text, &limits, &cli->arena, ret, fault);
}

int cli_check_json(struct cli *cli, struct str text, const char *what, const struct json **ret)
{
    struct json_fault fault = {0};
    enum err err = parse(cli, text, ret, &fault);
    if (err == ERR_MEMORY)
        return cli_memory(cli);
    if (err)
        return cli_fail(cli, EX_DATAERR, "%s: line %u, column %u: %s", what, fault.line,
                        fault.column, fault.why.text);
    return 0;
}

bool cli_raw(struct cli *cli, const struct json *answer)
{
    if (!args_has(cli->args, OPTION_JSON))
        return false;
    if (answer)
        fprintf(cli->out, "%.*s\n", STR_ARG(answer->raw));
    return true;
}

static int call_as(struct cli *cli, enum client_as as, const char *method, struct str path,
                   struct str body, const struct json **ret)
{
    struct answer answer;
    struct json_fault fault;
    struct why why;
    *ret = NULL;
    if (!path.at)
        return cli_memory(cli);
    enum err err = client_call(cli->client, as, method, path, body, &cli->arena, &answer, &why);
    if (err)
        return cli_fail(cli, err == ERR_IO ? EX_UNAVAILABLE : EX_OSERR, "%s", why.text);
    err = answer.body.len ? parse(cli, answer.body, ret, &fault) : OK;
    if (err == ERR_MEMORY)
        return cli_memory(cli);
    if (answer.status >= 300)
        return problem_print(answer.status, err ? NULL : *ret, answer.retry_after, cli->err);
    if (err)
        return cli_fail(cli, EX_PROTOCOL, "the answer is not JSON: is %.*s a Bongsu server?",
                        STR_ARG(cli->credentials.url));
    return 0;
}

int cli_call_anyone(struct cli *cli, const char *method, struct str path, const struct json **ret)
{
    return call_as(cli, CLIENT_ANYONE, method, path, STR_NONE, ret);
}

int cli_call_root(struct cli *cli, const char *method, struct str path, struct str body,
                  const struct json **ret)
{
    if (!cli->credentials.root_key.len)
        return cli_fail(cli, EX_NOPERM, "this needs the root key: set BONGSU_ROOT_KEY");
    return call_as(cli, CLIENT_ROOT, method, path, body, ret);
}

/* An app's key acts for its own app and for no other: who names one means the root key. */
int cli_call(struct cli *cli, const char *method, struct str path, struct str body,
             const struct json **ret)
{
    bool named = args_has(cli->args, OPTION_APP);
    if (cli->credentials.root_key.len && (named || !cli->credentials.app_key.len))
        return call_as(cli, CLIENT_ROOT, method,
                       cli_with(cli, path, "app", args_value(cli->args, OPTION_APP)), body, ret);
    if (named)
        return cli_fail(cli, EX_NOPERM, "--app needs the root key: set BONGSU_ROOT_KEY");
    if (cli->credentials.app_key.len)
        return call_as(cli, CLIENT_APP, method, path, body, ret);
    return cli_fail(cli, EX_NOPERM,
                    "who are you? Set BONGSU_APP_KEY and BONGSU_APP_SECRET, or BONGSU_ROOT_KEY");
}

static bool add_items(struct cli *cli, const struct json *page, struct cli_list *list,
                      uint32_t *cap)
{
    const struct json *data = json_get(page, STR("data"));
    uint32_t more = json_is(data, JSON_ARRAY) ? data->count : 0;
    if (list->count + more > *cap) {
        uint32_t grown = (list->count + more) * 2;
        const struct json **items = arena_array(&cli->arena, const struct json *, grown);
        if (!items)
            return false;
        if (list->count)
            memcpy(items, list->items, list->count * sizeof(*items));
        list->items = items;
        *cap = grown;
    }
    for (uint32_t i = 0; i < more; i++)
        list->items[list->count++] = &data->items[i];
    return true;
}

int cli_list(struct cli *cli, bool root, struct str path, struct cli_list *ret)
{
    uint32_t cap = 0;
    struct str at = path;
    *ret = (struct cli_list){0};
    for (;;) {
        const struct json *page;
        int code = (root ? cli_call_root : cli_call)(cli, "GET", at, STR_NONE, &page);
        if (code)
            return code;
        if (!ret->first)
            ret->first = page;
        if (!add_items(cli, page, ret, &cap))
            return cli_memory(cli);
        struct str cursor = json_text(page, "next_cursor");
        if (!cursor.len || args_has(cli->args, OPTION_JSON) || ret->count >= CLI_LIST_MAX)
            return 0;
        at = cli_with(cli, path, "cursor", arena_text(&cli->arena, cursor));
    }
}

struct str cli_encoded(struct cli *cli, struct str text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = arena_take(&cli->arena, text.len * 3 + 1);
    size_t len = 0;
    if (!out)
        return STR_NONE;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            out[len++] = (char)c;
            continue;
        }
        out[len++] = '%';
        out[len++] = digits[c >> 4];
        out[len++] = digits[c & 15];
    }
    return (struct str){out, len};
}

struct str cli_with(struct cli *cli, struct str path, const char *name, const char *value)
{
    if (!value || !path.at)
        return path;
    struct str encoded = cli_encoded(cli, str_of(value));
    if (!encoded.at)
        return STR_NONE;
    return arena_printf(&cli->arena, "%.*s%c%s=%.*s", STR_ARG(path), str_has(path, '?') ? '&' : '?',
                        name, STR_ARG(encoded));
}

static int read_stream(struct cli *cli, FILE *in, const char *path, struct str *ret)
{
    struct buf text;
    buf_init(&text, CLI_INPUT_BYTES_MAX);
    while (buf_reserve(&text, 65536)) {
        size_t got = fread(text.at + text.len, 1, 65536, in);
        text.len += got;
        if (!got)
            break;
    }
    int error = ferror(in) ? errno : 0;
    *ret = arena_copy(&cli->arena, text.len ? buf_str(&text) : STR(""));
    bool large = text.failed;
    buf_done(&text);
    if (large)
        return cli_fail(cli, EX_DATAERR, "%s: over %d bytes", path, CLI_INPUT_BYTES_MAX);
    if (error)
        return cli_fail(cli, EX_IOERR, "%s: %s", path, strerror(error));
    return ret->at ? 0 : cli_memory(cli);
}

int cli_read_file(struct cli *cli, const char *path, struct str *ret)
{
    if (str_eq(str_of(path), STR("-")))
        return read_stream(cli, stdin, "standard input", ret);
    FILE *in = fopen(path, "re");
    if (!in)
        return cli_fail(cli, EX_NOINPUT, "%s: %s", path, strerror(errno));
    int code = read_stream(cli, in, path, ret);
    fclose(in);
    return code;
}
