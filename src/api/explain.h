/* api/explain.h - one sentence in plain English: what became of a delivery, or what it waits for.
 *
 * For whoever answers a customer: it says who stopped it and when, and names no address. Pure.
 */
#pragma once
#include "ops/blocked.h"
#include "port/store.h"

struct explain_question {
    const struct delivery_view *view;
    const struct notification *notification;
    const struct event *events; /* all that are stored */
    uint32_t event_count;
    const struct blocked *blocked; /* what holds its lane; NULL: nothing does */
    bool tell_all;                 /* with the reasons and providers of `blocked` */
    struct wall now;
};

/* In `arena`; absent if that is full. */
struct str explain(const struct explain_question *question, struct arena *arena);
