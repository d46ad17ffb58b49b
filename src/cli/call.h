/* cli/call.h - what the commands share: one call to the server, and its answer or its problem.
 *
 * Every function that can fail says why on `err` and returns an exit code of sysexits.h; 0 is
 * success. The arena holds all that one command reads.
 */
#pragma once
#include "base/json.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/table.h"

struct cli {
    const struct args *args;
    struct arena arena;
    struct credentials credentials;
    struct client *client;
    FILE *out, *err;
};

int cli_open(struct cli *cli, const struct args *args, FILE *out, FILE *err);
void cli_close(struct cli *cli);

/* Says "bongsu: ..." and returns `code`. */
int cli_fail(struct cli *cli, int code, const char *format, ...) printf_like(3, 4);
int cli_memory(struct cli *cli);

/* As the app if its key is known, else with the root key, and then for --app. *ret is NULL if the
 * answer has no body. */
int cli_call(struct cli *cli, const char *method, struct str path, struct str body,
             const struct json **ret);
/* The same with the root key. */
int cli_call_root(struct cli *cli, const char *method, struct str path, struct str body,
                  const struct json **ret);
/* Without credentials, for what everyone may read. */
int cli_call_anyone(struct cli *cli, const char *method, struct str path, const struct json **ret);
/* Every item of a list, page by page, into one JSON array; *ret_first is the first page. */
struct cli_list {
    const struct json **items;
    uint32_t count;
    const struct json *first;
};
int cli_list(struct cli *cli, bool root, struct str path, struct cli_list *ret);

/* `text` percent-encoded for a path or a query. */
struct str cli_encoded(struct cli *cli, struct str text);
/* `path` with `name=value` behind it; absent values change nothing. */
struct str cli_with(struct cli *cli, struct str path, const char *name, const char *value);
/* A member as text: a string decoded, anything else as it was written, null and missing absent. */
struct str json_text(const struct json *object, const char *name);
/* The whole of a file, or of standard input for "-". */
int cli_read_file(struct cli *cli, const char *path, struct str *ret);
/* Checks that `text` is JSON; `what` names it in the complaint. */
int cli_check_json(struct cli *cli, struct str text, const char *what, const struct json **ret);
/* With --json: prints the answer and returns true. */
bool cli_raw(struct cli *cli, const struct json *answer);
