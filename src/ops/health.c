/* ops/health.c - see health.h. */
#include "ops/health.h"

void health_alive(struct json_out *out, struct str version)
{
    json_open(out, '{');
    json_name(out, STR("status"));
    json_str(out, STR("alive"));
    json_name(out, STR("version"));
    json_str(out, version);
    json_close(out, '}');
}

void health_ready(struct json_out *out)
{
    json_open(out, '{');
    json_name(out, STR("status"));
    json_str(out, STR("ready"));
    json_close(out, '}');
}
