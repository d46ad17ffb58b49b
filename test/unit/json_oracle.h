/* jansson's opinion of a JSON text, behind names of its own: jansson and base/json.h share names in
 * their headers and in the linker's table, so it is loaded at run time and seen only here. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t;

enum oracle_type {
    ORACLE_OBJECT,
    ORACLE_ARRAY,
    ORACLE_STRING,
    ORACLE_INTEGER,
    ORACLE_REAL,
    ORACLE_TRUE,
    ORACLE_FALSE,
    ORACLE_NULL
};

struct oracle {
    const struct json_t *root; /* NULL if refused */
    bool out_of_range;         /* refused for a number that int64 or double cannot hold */
    char why[160];
};

/* Before anything else. False: no jansson on this machine. */
bool oracle_open(void);
struct oracle oracle_parse(const char *text, size_t len);
void oracle_free(struct oracle *oracle);

enum oracle_type oracle_type(const struct json_t *value);
size_t oracle_size(const struct json_t *value); /* of an object or array; bytes of a string */
const struct json_t *oracle_item(const struct json_t *array, size_t index);
const struct json_t *oracle_member(const struct json_t *object, const char *name, size_t len);
const char *oracle_string(const struct json_t *value);
int64_t oracle_integer(const struct json_t *value);
double oracle_real(const struct json_t *value);
