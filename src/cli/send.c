/* cli/send.c - `send`: options become a notification; with --wait, until it is done. */
#include "cli/command.h"
#include "cli/follow.h"
#include "model/limits.h"
#include <sysexits.h>

static void member(struct json_out *out, const char *name, const char *value)
{
    if (!value)
        return;
    json_name(out, str_of(name));
    json_str(out, str_of(value));
}

static void option(struct json_out *out, const struct args *args, enum option which,
                   const char *name)
{
    member(out, name, args_value(args, which));
}

/* Recipients in the order they were given; false if there are none. */
static bool add_recipients(struct json_out *out, const struct args *args)
{
    static const struct {
        enum option option;
        const char *name;
    } kinds[] = {{OPTION_USER, "user_id"}, {OPTION_EMAIL, "email"}, {OPTION_PHONE, "phone"}};
    bool any = false;
    json_name(out, STR("to"));
    json_open(out, '[');
    for (int i = 0; i < args->option_count; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            if (args->options[i].option != kinds[k].option)
                continue;
            json_open(out, '{');
            member(out, kinds[k].name, args->options[i].value);
            json_close(out, '}');
            any = true;
        }
    json_close(out, ']');
    return any;
}

static int add_template(struct cli *cli, struct json_out *out, const char *given)
{
    struct str version = str_of(given), name = str_cut(&version, '@');
    uint64_t number;
    json_name(out, STR("template"));
    if (!version.at) {
        json_str(out, name);
        return 0;
    }
    if (!str_to_u64(version, &number) || !number || number > INT64_MAX)
        return cli_fail(cli, EX_USAGE, "--template %s: a version is a number from 1", given);
    json_open(out, '{');
    json_name(out, STR("name"));
    json_str(out, name);
    json_name(out, STR("version"));
    json_i64(out, (int64_t)number);
    json_close(out, '}');
    return 0;
}

static bool has_content(const struct args *args)
{
    static const enum option options[] = {OPTION_TITLE, OPTION_BODY,    OPTION_LINK, OPTION_TEXT,
                                          OPTION_HTML,  OPTION_SUBJECT, OPTION_FROM};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (args_has(args, options[i]))
            return true;
    return false;
}

/* A value, or with '@' before it a file's content. */
static int at_file(struct cli *cli, const char *value, struct str *ret)
{
    if (value[0] == '@')
        return cli_read_file(cli, value + 1, ret);
    *ret = str_of(value);
    return 0;
}

static int add_email(struct cli *cli, struct json_out *out)
{
    const struct args *args = cli->args;
    const char *html = args_value(args, OPTION_HTML);
    struct str text;
    int code = html ? at_file(cli, html, &text) : 0;
    json_name(out, STR("email"));
    json_open(out, '{');
    option(out, args, OPTION_FROM, "from");
    option(out, args, OPTION_SUBJECT, "subject");
    if (html && !code) {
        json_name(out, STR("html"));
        json_str(out, text);
    }
    option(out, args, OPTION_TEXT, "text");
    json_close(out, '}');
    return code;
}

static int add_content(struct cli *cli, struct json_out *out)
{
    const struct args *args = cli->args;
    bool push =
        args_has(args, OPTION_TITLE) || args_has(args, OPTION_BODY) || args_has(args, OPTION_LINK);
    bool email = args_has(args, OPTION_SUBJECT) || args_has(args, OPTION_HTML) ||
                 args_has(args, OPTION_FROM);
    int code = 0;
    json_name(out, STR("content"));
    json_open(out, '{');
    if (push) {
        json_name(out, STR("push"));
        json_open(out, '{');
        option(out, args, OPTION_TITLE, "title");
        option(out, args, OPTION_BODY, "body");
        option(out, args, OPTION_LINK, "url");
        json_close(out, '}');
    }
    if (args_has(args, OPTION_TEXT)) {
        json_name(out, STR("sms"));
        json_open(out, '{');
        option(out, args, OPTION_TEXT, "text");
        json_close(out, '}');
    }
    if (email)
        code = add_email(cli, out);
    json_close(out, '}');
    return code;
}

static int add_data(struct cli *cli, struct json_out *out, const char *given)
{
    const struct json *value;
    struct str text;
    int code = str_eq(str_of(given), STR("-")) ? cli_read_file(cli, "-", &text)
                                               : at_file(cli, given, &text);
    if (!code)
        code = cli_check_json(cli, text, "--data", &value);
    if (code)
        return code;
    json_name(out, STR("data"));
    json_raw(out, value->raw);
    return 0;
}

static void add_channels(struct json_out *out, const struct args *args)
{
    if (!args_has(args, OPTION_CHANNEL))
        return;
    json_name(out, STR("channels"));
    json_open(out, '[');
    for (int i = 0; i < args->option_count; i++)
        if (args->options[i].option == OPTION_CHANNEL)
            json_str(out, str_of(args->options[i].value));
    json_close(out, ']');
}

static int make_body(struct cli *cli, struct json_out *out)
{
    const struct args *args = cli->args;
    const char *template = args_value(args, OPTION_TEMPLATE), *data = args_value(args, OPTION_DATA);
    if (template && has_content(args))
        return cli_fail(cli, EX_USAGE, "either --template or the content itself, not both");
    if (!template && !has_content(args))
        return cli_fail(cli, EX_USAGE,
                        "nothing to send: give --template, --title and --body, "
                        "--text, or --subject and --html");
    json_open(out, '{');
    if (!add_recipients(out, args))
        return cli_fail(cli, EX_USAGE, "nobody to send to: give --user, --email or --phone");
    int code = template ? add_template(cli, out, template) : add_content(cli, out);
    if (!code && data)
        code = add_data(cli, out, data);
    add_channels(out, args);
    option(out, args, OPTION_CATEGORY, "category");
    option(out, args, OPTION_EVENT_ID, "event_id");
    option(out, args, OPTION_TTL, "ttl");
    option(out, args, OPTION_PRIORITY, "priority");
    option(out, args, OPTION_GUARANTEE, "guarantee");
    option(out, args, OPTION_STRATEGY, "strategy");
    option(out, args, OPTION_COLLAPSE_KEY, "collapse_key");
    json_close(out, '}');
    return code;
}

static int wait_for(struct cli *cli, struct str id)
{
    struct span most = span_s(CLI_WAIT_S);
    const char *given = args_value(cli->args, OPTION_TIMEOUT);
    const struct json *last = NULL;
    if (given && !span_parse(str_of(given), &most))
        return cli_fail(cli, EX_USAGE, "--timeout %s: write it like 30s or 5m", given);
    int code = follow_until_done(cli, id, most, &last);
    if (!last)
        return code;
    if (cli_raw(cli, last))
        return code ? code : follow_result(last);
    int printed = follow_print_timeline(cli, id);
    return code ? code : printed ? printed : follow_result(last);
}

int command_send(struct cli *cli)
{
    const struct json *answer;
    struct buf body;
    buf_init(&body, 2 * CLI_INPUT_BYTES_MAX);
    struct json_out out = json_out_to(&body);
    int code = make_body(cli, &out);
    if (!code)
        code = body.failed
                   ? cli_memory(cli)
                   : cli_call(cli, "POST", STR("/v1/notifications"), buf_str(&body), &answer);
    buf_done(&body);
    if (code)
        return code;
    struct str id = json_text(answer, "id"), count = json_text(answer, "deliveries");
    bool wait = args_has(cli->args, OPTION_WAIT);
    if (!(wait && args_has(cli->args, OPTION_JSON)) && !cli_raw(cli, answer)) {
        text_print(id, cli->out);
        if (count.len)
            fprintf(cli->out, " accepted, deliveries: %.*s", STR_ARG(count));
        fputc('\n', cli->out);
        fflush(cli->out);
    }
    return wait ? wait_for(cli, id) : 0;
}
