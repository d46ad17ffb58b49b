/* api/page.h - lists: ?limit= and ?cursor= in, {"data":[...],"next_cursor":...} out. */
#pragma once
#include "api/call.h"

/* Reads both into the query. False: answered, 400. */
bool page_read(struct call *call, struct query *query);
/* Writes the head of the list, up to its first item. */
void page_open(struct json_out *out);
/* Writes its end, with the cursor if query->more. */
void page_close(struct call *call, struct json_out *out, const struct query *query);
/* The same under the list's own path, for a first page that another answer carries. */
void page_close_for(struct call *call, struct str path, struct json_out *out,
                    const struct query *query);
