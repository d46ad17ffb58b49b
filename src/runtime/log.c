/* runtime/log.c - see log.h. */
#include "runtime/log.h"
#include "base/buf.h"
#include "base/json.h"
#include <stdio.h>
#include <unistd.h>

static const char *level_name(enum log_level level)
{
    return level == LOG_INFO ? "info" : level == LOG_WARN ? "warn" : "error";
}

/* Cuts the next key=value or key="quoted value" off `*rest`. */
static bool take_pair(struct str *rest, struct str *ret_key, struct str *ret_value)
{
    while (rest->len && rest->at[0] == ' ')
        *rest = str_slice(*rest, 1, rest->len);
    if (!rest->len)
        return false;
    *ret_key = str_cut(rest, '=');
    if (rest->len && rest->at[0] == '"') {
        *rest = str_slice(*rest, 1, rest->len);
        *ret_value = str_cut(rest, '"');
    } else {
        *ret_value = str_cut(rest, ' ');
    }
    return true;
}

static void write_json(struct buf *out, struct str line)
{
    struct json_out json = json_out_to(out);
    struct str key, value;
    json_open(&json, '{');
    while (take_pair(&line, &key, &value)) {
        json_name(&json, key);
        json_str(&json, value.at ? value : STR(""));
    }
    json_close(&json, '}');
}

void log_write(const struct log *log, enum log_level level, const char *format, ...)
{
    char line[LOG_LINE_MAX], at[WALL_TEXT_SIZE];
    if (!log || log->fd < 0)
        return;
    wall_format(clock_now(&log->clock).wall, at);
    int head = snprintf(line, sizeof line, "at=%s level=%s ", at, level_name(level));
    must(head > 0);
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line + head, sizeof line - (size_t)head, format, args);
    va_end(args);
    must(len >= 0);
    size_t all =
        (size_t)head + (size_t)len < sizeof line ? (size_t)head + (size_t)len : sizeof line - 1;
    for (size_t i = 0; i < all; i++)
        if ((unsigned char)line[i] < ' ')
            line[i] = ' '; /* one line, whatever an outsider's words contained */
    struct buf out;
    buf_init(&out, (size_t)LOG_LINE_MAX * 8);
    if (log->format == LOG_JSON)
        write_json(&out, (struct str){line, all});
    else
        buf_add_bytes(&out, line, all);
    buf_add_char(&out, '\n');
    if (!out.failed && write(log->fd, out.at, out.len) < 0) {
        /* Nobody reads the log: there is nobody to tell. */
    }
    buf_done(&out);
}
