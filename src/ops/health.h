/* ops/health.h - what /healthz and /readyz say. Pure. */
#pragma once
#include "base/json.h"

/* Alive: the thread that answers answers. */
void health_alive(struct json_out *out, struct str version);
/* Ready to take traffic. */
void health_ready(struct json_out *out);
