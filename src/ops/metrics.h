/* ops/metrics.h - what a node counts, as Prometheus reads it (text exposition format 0.0.4).
 *
 * Names, types and help stand in metrics.def: one table for the page and for the test that every
 * row is shown. Counters begin with the process. Pure but for the process's own memory and CPU
 * time, which the caller asks for.
 */
#pragma once
#include "base/buf.h"
#include "core/admission.h"
#include "flow/job.h"
#include "flow/report.h"

/* What is counted at the API, of one thread. */
struct metrics_api {
    uint64_t answers[6]; /* by status / 100 */
    uint64_t unauthenticated;
    uint64_t notifications, batches;
    uint64_t shed; /* notifications turned away before they were read */
    uint32_t open;
};

struct metrics {
    struct str version;
    const struct ledger_stats *ledger;
    const struct lane_report *lanes; /* LANE_COUNT of them */
    const bool *blocked;             /* the same: ops/blocked.h, but for what is only due later */
    const struct provider_report *const *providers;
    uint32_t provider_count;
    struct wall now;
    const struct store_metrics *store;
    const struct metrics_api *api;
    const struct admission *admission;
    uint64_t resident_bytes;
    double cpu_seconds;
};

void metrics_write(const struct metrics *metrics, struct buf *out);
/* Resident memory and CPU time of this process; zeros if the system does not say. */
void metrics_process(uint64_t *ret_resident_bytes, double *ret_cpu_seconds);
