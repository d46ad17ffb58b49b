/* flow/intake_state.h - what the files of the intake share; for them alone. */
#pragma once
#include "flow/directory.h"
#include "flow/intake.h"

struct intake {
    struct intake_config config;
    struct directory directory;
    struct library *library;
    struct admission admission;
    uint32_t under_way; /* queries and jobs that have not come back */
    void (*drained)(void *self);
    void *drained_self;
};
