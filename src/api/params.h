/* api/params.h - query parameters that filter lists. Each: false if it is wrong, and the call is
 * answered (400); an absent one leaves *ret as it was.
 */
#pragma once
#include "api/call.h"

bool param_wall(struct call *call, struct str name, struct wall *ret);
bool param_state(struct call *call, bool *ret_given, enum state *ret);
bool param_channel(struct call *call, bool *ret_given, enum channel *ret);
