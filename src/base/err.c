/* base/err.c - see err.h. */
#include "base/err.h"
#include <stdio.h>
#include <stdlib.h>

enum err why_set(struct why *why, enum err err, const char *format, ...)
{
    if (why) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(why->text, sizeof why->text, format, args);
        va_end(args);
    }
    return err;
}

const char *err_name(enum err err)
{
    static const char *const names[] = {
        [OK] = "ok",
        [ERR_MEMORY] = "memory",
        [ERR_INPUT] = "input",
        [ERR_LIMIT] = "limit",
        [ERR_MISSING] = "missing",
        [ERR_CONFLICT] = "conflict",
        [ERR_DENIED] = "denied",
        [ERR_IO] = "io",
        [ERR_FULL] = "full",
        [ERR_TIMEOUT] = "timeout",
        [ERR_CLOSED] = "closed",
        [ERR_CORRUPT] = "corrupt",
        [ERR_CRYPTO] = "crypto",
        [ERR_UNSUPPORTED] = "unsupported",
    };
    must((size_t)err < sizeof names / sizeof *names);
    return names[err];
}

void must_failed(const char *condition, const char *file, int line)
{
    (void)fprintf(stderr, "level=fatal what=bug file=%s line=%d must=\"%s\"\n", file, line,
                  condition);
    abort();
}
