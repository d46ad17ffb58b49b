/* test/campaign/fake_control.c - a fake's control port: one command a line (fake.h). */
#include "base/err.h"
#include "fake.h"
#include <stdlib.h>
#include <string.h>

struct line {
    char text[2048];
    size_t len;
};

static enum what what_of(const char *name)
{
#define X(known)                                                                                   \
    if (!strcmp(name, #known))                                                                     \
        return WHAT_##known;
    WHATS(X)
#undef X
    return WHAT_COUNT;
}

static bool read_act(struct act *act, const char *name, const char *value)
{
    uint64_t number = strtoull(value, NULL, 10);
    if (!strcmp(name, "what"))
        return (act->what = what_of(value)) != WHAT_COUNT;
    if (!strcmp(name, "word"))
        return str_copy(str_of(value), act->word, sizeof act->word);
    if (!strcmp(name, "retry"))
        return str_copy(str_of(value), act->retry, sizeof act->retry);
    if (!strcmp(name, "for"))
        return str_copy(str_of(value), act->prefix, sizeof act->prefix);
    if (!strcmp(name, "at"))
        return str_copy(str_of(value), act->at, sizeof act->at);
    if (!strcmp(name, "share"))
        act->share = (unsigned)number;
    else if (!strcmp(name, "status"))
        act->status = (int)number;
    else if (!strcmp(name, "ms"))
        act->ms = (unsigned)number;
    else if (!strcmp(name, "times"))
        act->times = number;
    else if (!strcmp(name, "first"))
        act->first = number;
    else
        return false;
    return true;
}

static bool read_set(struct fake *fake, const char *name, const char *value)
{
    const struct {
        const char *name;
        unsigned *number;
    } rows[] = {{"latency_min", &fake->latency_min},
                {"latency_max", &fake->latency_max},
                {"streams", &fake->streams},
                {"window", &fake->window},
                {"stall", &fake->stall}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(rows[i].name, name)) {
            *rows[i].number = (unsigned)strtoul(value, NULL, 10);
            return true;
        }
    return false;
}

/* The fields after the command, each to its reader. */
static bool obey_fields(struct fake *fake, struct act *act, char *fields)
{
    char *rest = fields, *field;
    while ((field = strsep(&rest, "\t"))) {
        char *value = strchr(field, '=');
        if (!value)
            return false;
        *value++ = '\0';
        if (!(act ? read_act(act, field, value) : read_set(fake, field, value)))
            return false;
    }
    return true;
}

static void all_pipes(struct fake *fake, bool drop)
{
    struct list *at = fake->listener.pipes.next;
    while (at != &fake->listener.pipes) {
        struct pipe *pipe = list_of(at, struct pipe, place);
        at = at->next;
        if (drop)
            pipe_drop(pipe, true);
        else
            pipe_freeze(pipe);
    }
}

static void say_stats(struct fake *fake, struct pipe *pipe)
{
    char text[2048];
    int len = snprintf(text, sizeof text,
                       "{\"requests\":%llu,\"connections\":%llu,\"open\":%llu,\"acts\":{",
                       (unsigned long long)fake->requests, (unsigned long long)fake->connections,
                       (unsigned long long)fake->open);
#define X(name)                                                                                    \
    len += snprintf(text + len, sizeof text - (size_t)len, "\"" #name "\":%llu,",                  \
                    (unsigned long long)fake->by_what[WHAT_##name]);
    WHATS(X)
#undef X
    text[len - 1] = '}';
    len += snprintf(text + len, sizeof text - (size_t)len, "}\n");
    (void)fflush(fake->log);
    pipe_send(pipe, (struct str){text, (size_t)len});
}

static bool obey(struct fake *fake, struct pipe *pipe, char *text)
{
    char *fields = text, *command = strsep(&fields, "\t");
    if (!strcmp(command, "act")) {
        struct act act = {.share = 1000};
        if (!fields || fake->act_count == ACTS_MAX || !obey_fields(fake, &act, fields))
            return false;
        fake->acts[fake->act_count++] = act;
    } else if (!strcmp(command, "clear")) {
        fake->act_count = 0;
    } else if (!strcmp(command, "set")) {
        if (!fields || !obey_fields(fake, NULL, fields))
            return false;
        if (fake->latency_max < fake->latency_min)
            fake->latency_max = fake->latency_min;
    } else if (!strcmp(command, "deaf") || !strcmp(command, "drop")) {
        all_pipes(fake, command[1] == 'r');
    } else if (!strcmp(command, "stats")) {
        say_stats(fake, pipe);
        return true;
    } else {
        return false;
    }
    pipe_send(pipe, STR("ok\n"));
    return true;
}

static void on_open(void *self, struct pipe *pipe)
{
    (void)self;
    pipe->session = calloc(1, sizeof(struct line));
    must(pipe->session != NULL);
    pipe->free_session = free;
}

static void on_received(void *self, struct pipe *pipe, struct str bytes)
{
    struct line *line = pipe->session;
    for (size_t i = 0; i < bytes.len && !pipe->closing; i++) {
        if (bytes.at[i] != '\n') {
            must(line->len < sizeof line->text - 1);
            line->text[line->len++] = bytes.at[i];
            continue;
        }
        line->text[line->len] = '\0';
        line->len = 0;
        if (!obey(self, pipe, line->text))
            pipe_send(pipe, STR("what?\n"));
    }
}

void control_open(struct fake *fake)
{
    struct pipe_events events = {.opened = on_open, .received = on_received, .self = fake};
    listener_open(&fake->control, &fake->loop, NULL, &events);
}
