/* runtime/log.h - one line a decision, key=value, to a file descriptor.
 *
 * Lines are written whole with one write(2), so that threads do not mix. Values with spaces are
 * quoted by whoever writes them (LOG_TEXT does); no payload, token or secret ever stands in one.
 * With LOG_JSON the same line comes out as a JSON object of strings.
 */
#pragma once
#include "base/err.h"
#include "base/str.h"
#include "port/clock.h"

enum log_format { LOG_TEXT, LOG_JSON };
enum log_level { LOG_INFO, LOG_WARN, LOG_ERROR };

struct log {
    int fd; /* -1: nothing is written */
    enum log_format format;
    struct clock clock;
};

enum { LOG_LINE_MAX = 1024 };

/* `format` gives "key=value key=\"two words\" ...", the first of which says `what` it is. */
void log_write(const struct log *log, enum log_level level, const char *format, ...)
    printf_like(3, 4);
