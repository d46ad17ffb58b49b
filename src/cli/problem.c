/* cli/problem.c - see problem.h. */
#include "cli/problem.h"
#include "cli/table.h"
#include <sysexits.h>

static int code_of(int status)
{
    switch (status) {
    case 400:
    case 409:
    case 413:
    case 415:
    case 422:
        return EX_DATAERR;
    case 401:
    case 403:
        return EX_NOPERM;
    case 404:
        return EX_NOINPUT;
    case 429:
    case 503:
        return EX_TEMPFAIL;
    default:
        return status >= 500 ? EX_SOFTWARE : EX_PROTOCOL;
    }
}

static struct str member(const struct json *object, struct str name)
{
    const struct json *value = json_get(object, name);
    return json_is(value, JSON_STRING) ? value->text : STR_NONE;
}

int problem_print(int status, const struct json *problem, struct str retry_after, FILE *err)
{
    struct str title = member(problem, STR("title")), detail = member(problem, STR("detail"));
    fprintf(err, "bongsu: %d ", status);
    text_print(title.len ? title : STR("from the server"), err);
    if (detail.len) {
        fputs(": ", err);
        text_print(detail, err);
    }
    fputc('\n', err);
    const struct json *errors = json_get(problem, STR("errors"));
    for (uint32_t i = 0; json_is(errors, JSON_ARRAY) && i < errors->count; i++) {
        struct str pointer = member(&errors->items[i], STR("pointer"));
        fputs("  ", err);
        text_print(pointer.len ? pointer : STR("(the whole)"), err);
        fputs(": ", err);
        text_print(member(&errors->items[i], STR("detail")), err);
        fputc('\n', err);
    }
    if (retry_after.len) {
        fputs("  try again after ", err);
        text_print(retry_after, err);
        fputs(retry_after.at[0] >= '0' && retry_after.at[0] <= '9' ? " s\n" : "\n", err);
    }
    return code_of(status);
}
