/* api/openapi.c - see openapi.h. */
#include "api/openapi.h"

/* The document's bytes, as scripts/embed wrote them. */
static const char document[] = {
#include "api/openapi.json.inc"
};

struct str openapi_json(void)
{
    return (struct str){document, sizeof document};
}
