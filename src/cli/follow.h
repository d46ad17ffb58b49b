/* cli/follow.h - a notification, its deliveries and their timeline, as tables. */
#pragma once
#include "base/time.h"
#include "cli/call.h"

/* Polls until every delivery has ended, or for `most`. *ret is the last answer; EX_TEMPFAIL, having
 * said so, if it was not done by then. */
int follow_until_done(struct cli *cli, struct str id, struct span most, const struct json **ret);
/* 0 if every delivery was sent, delivered, opened or clicked; 1 if one was not. */
int follow_result(const struct json *notification);

int follow_print_deliveries(struct cli *cli, struct str id);
/* What happened to each of its deliveries, in the order it happened. */
int follow_print_timeline(struct cli *cli, struct str id);
