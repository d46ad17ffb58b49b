/* store/sqlite/group.h - one commit group, one transaction. Internal; the writer's thread. */
#pragma once
#include "store/sqlite/writer.h"

/* Runs the ops and commits; fills fate, why and took. Nothing of a refused group stays. */
void group_run(struct writer *writer, struct group *group);
/* A step of the indexes in a transaction of its own, when sweeps have left them behind. */
void group_tend(struct writer *writer);
