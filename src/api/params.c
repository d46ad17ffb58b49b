/* api/params.c - see params.h. */
#include "api/params.h"

bool param_wall(struct call *call, struct str name, struct wall *ret)
{
    struct str text = call_param(call, name);
    if (!text.at || wall_parse(text, ret))
        return true;
    call_problem(call, PROBLEM_INVALID,
                 "%.*s must be an RFC 3339 time with an offset, such as 2026-12-01T09:00:00Z",
                 STR_ARG(name));
    return false;
}

bool param_state(struct call *call, bool *ret_given, enum state *ret)
{
    struct str text = call_param(call, STR("state"));
    *ret_given = text.at != NULL;
    if (!text.at || state_parse(text, ret))
        return true;
    call_problem(call, PROBLEM_INVALID, "state is none of a delivery's states");
    return false;
}

bool param_channel(struct call *call, bool *ret_given, enum channel *ret)
{
    struct str text = call_param(call, STR("channel"));
    *ret_given = text.at != NULL;
    if (!text.at || channel_parse(text, ret))
        return true;
    call_problem(call, PROBLEM_INVALID, "channel must be one of push, sms, email");
    return false;
}
