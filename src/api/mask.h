/* api/mask.h - addresses and tokens as they may be shown: enough to recognise, not to use. Pure. */
#pragma once
#include "base/arena.h"
#include "model/names.h"

/* "anna@shop.example" a***@shop.example, "+4915112345678" +4***78, a token abcd***wxyz (at most a
 * third of it), an endpoint its origin and its last four. Absent stays absent. */
struct str mask_address(struct arena *arena, enum kind kind, struct str address);
