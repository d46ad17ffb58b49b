/* core/mustache_tree.h - what the compiler of templates hands to the renderer; for these two only.
 *
 * One array of nodes in the order of the text; a section is followed by its body.
 */
#pragma once
#include "core/mustache.h"

enum node_kind { NODE_TEXT, NODE_VARIABLE, NODE_SECTION, NODE_INVERTED, NODE_PARTIAL };

struct node {
    enum node_kind kind;
    bool line_start; /* stands at the start of a line of the template: indentation comes before */
    bool raw;        /* variable: never escaped */
    bool standalone; /* partial: alone on its line, `indent` before each line of it */
    uint32_t end;    /* section: index of the first node behind the body */
    uint32_t step_count;
    const struct str *steps; /* variable, section: the segments of a dotted name; none is "." */
    struct str text;         /* text; else the name as written */
    struct str indent;
};

struct mustache {
    const struct node *nodes;
    uint32_t count;
};
