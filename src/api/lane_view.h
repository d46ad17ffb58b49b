/* api/lane_view.h - what holds a lane, as JSON: for queues and for deliveries. */
#pragma once
#include "api/survey.h"
#include "base/json.h"
#include "ops/blocked.h"

/* What the survey knows of this lane, to be asked of ops/blocked.h. */
struct blocked_question lane_question(const struct survey *survey, unsigned lane);
/* The member `blocked`, null without one. Reasons and providers are told if `all`. */
void view_blocked(struct json_out *out, const struct blocked *blocked, bool all);
/* A pause or a move: {"reason","by","since","expires_at"}, and "from", "to" of a move. */
void view_steer(struct json_out *out, const struct steer *steer, bool all);
