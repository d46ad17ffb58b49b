/* conf/nearest.h - the name that a mistyped one was probably meant to be. Pure. */
#pragma once
#include "base/str.h"

enum { NEAREST_LIST_SIZE = 240 };

struct nearest {
    struct str word;
    struct str best;
    unsigned distance;            /* of the best; edits */
    char text[NEAREST_LIST_SIZE]; /* of all that were offered */
};

void nearest_init(struct nearest *nearest, struct str word);
void nearest_offer(struct nearest *nearest, struct str name);
/* `did you mean "x"?`, or else `known are: a, b, c`. Written into `nearest`, and valid with it. */
const char *nearest_remedy(struct nearest *nearest);
