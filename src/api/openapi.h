/* api/openapi.h - the contract as OpenAPI 3.1: src/api/openapi.json, embedded at build. */
#pragma once
#include "base/str.h"

struct str openapi_json(void);
