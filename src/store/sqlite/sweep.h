/* store/sqlite/sweep.h - removing what is over, a few rows at a time. Internal to the sweep. */
#pragma once
#include "store/sqlite/rows.h"
#include "store/sqlite/writer.h"

/* Removes a notification: its row at once, the rows that hang on it now or, where they are many,
 * by later steps. An idempotency answer that is still young is kept apart. Returns the rows. */
uint32_t remove_notification(struct writer *writer, const struct notification_head *head,
                             struct wall now);
/* Rows of notifications removed before; `rows` at most. */
uint32_t erase_rest(struct writer *writer, uint32_t rows);
/* What belongs to deleted apps; *more if another step finds work. */
uint32_t sweep_gone_apps(struct writer *writer, struct wall now, uint32_t rows, bool *more);
