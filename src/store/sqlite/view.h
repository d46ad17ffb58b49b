/* store/sqlite/view.h - what a notification's deliveries add up to now. Internal to the readers. */
#pragma once
#include "store/sqlite/reader.h"
#include "store/sqlite/rows.h"

enum { DELIVERY_EVENTS_MAX = 1000 }; /* that one answer lists of a delivery */

/* False if there is no such delivery. */
bool show_delivery(struct reader *reader, const struct stored_notification *stored,
                   uint32_t ordinal, bool cancelled, struct arena *arena,
                   struct delivery_view *ret);
/* Its state alone. */
enum state view_state(struct reader *reader, const struct notification_head *head, uint32_t ordinal,
                      bool cancelled);
/* With counts; breathes. */
void show_notification(struct reader *reader, const struct stored_notification *stored,
                       struct notification_view *ret);
