/* model/http.c - see http.h. */
#include "model/http.h"

struct str http_header(const struct http_request *request, struct str name)
{
    for (uint32_t i = 0; i < request->header_count; i++)
        if (str_eq(request->headers[i].name, name))
            return request->headers[i].value;
    return STR_NONE;
}
