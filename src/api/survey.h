/* api/survey.h - what the ledger and every courier say at one moment, for what needs both.
 *
 * Asked side by side; nothing of it waits for work. Everything found lives until the call ends.
 */
#pragma once
#include "api/call.h"
#include "flow/report.h"
#include "flow/steering.h"

enum { COURIERS_MAX = 16 };

struct survey {
    struct call *call;
    void (*done)(struct survey *survey);
    void *owner;              /* the asker's */
    const struct job *queues; /* JOB_QUEUES of `app` */
    const struct provider_report **providers;
    uint32_t provider_count;
    /* Its own. */
    struct job *job;
    struct report reports[COURIERS_MAX];
    struct arena arenas[COURIERS_MAX]; /* of these: couriers write at the same time */
    uint32_t waiting;
};

/* `done` is called once all have answered; if one could not, the call has been answered (503). The
 * figures of lanes are those of `app` (0: all). */
void survey_begin(struct call *call, uint32_t app, void (*done)(struct survey *survey),
                  void *owner);
/* The provider of that name, or NULL. */
const struct provider_report *survey_provider(const struct survey *survey, struct str name);
