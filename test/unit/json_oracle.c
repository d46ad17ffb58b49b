/* test/unit/json_oracle.c - see json_oracle.h. */
#include "json_oracle.h"
#include <dlfcn.h>
#include <jansson.h>
#include <stdio.h>

#define CALLS(X)                                                                                   \
    X(json_loadb)                                                                                  \
    X(json_delete)                                                                                 \
    X(json_object_size)                                                                            \
    X(json_object_getn)                                                                            \
    X(json_array_size)                                                                             \
    X(json_array_get)                                                                              \
    X(json_string_value)                                                                           \
    X(json_string_length)                                                                          \
    X(json_integer_value)                                                                          \
    X(json_real_value)

#define DECLARE(name) static __typeof__(&name) call_##name;
CALLS(DECLARE)

bool oracle_open(void)
{
    void *library = dlopen("libjansson.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return false;
#define LOAD(name)                                                                                 \
    if (!(call_##name = (__typeof__(&name))(uintptr_t)dlsym(library, #name)))                      \
        return false;
    CALLS(LOAD)
    return true;
}

struct oracle oracle_parse(const char *text, size_t len)
{
    struct oracle oracle = {0};
    json_error_t error = {0};
    oracle.root = call_json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (!oracle.root) {
        oracle.out_of_range = json_error_code(&error) == json_error_numeric_overflow;
        (void)snprintf(oracle.why, sizeof oracle.why, "%s", error.text);
    }
    return oracle;
}

void oracle_free(struct oracle *oracle)
{
    if (oracle->root)
        call_json_delete((json_t *)(uintptr_t)oracle->root);
    oracle->root = NULL;
}

enum oracle_type oracle_type(const struct json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return ORACLE_OBJECT;
    case JSON_ARRAY:
        return ORACLE_ARRAY;
    case JSON_STRING:
        return ORACLE_STRING;
    case JSON_INTEGER:
        return ORACLE_INTEGER;
    case JSON_REAL:
        return ORACLE_REAL;
    case JSON_TRUE:
        return ORACLE_TRUE;
    case JSON_FALSE:
        return ORACLE_FALSE;
    case JSON_NULL:
        break;
    }
    return ORACLE_NULL;
}

size_t oracle_size(const struct json_t *value)
{
    if (json_is_object(value))
        return call_json_object_size(value);
    return json_is_array(value) ? call_json_array_size(value) : call_json_string_length(value);
}

const struct json_t *oracle_item(const struct json_t *array, size_t index)
{
    return call_json_array_get(array, index);
}

const struct json_t *oracle_member(const struct json_t *object, const char *name, size_t len)
{
    return call_json_object_getn(object, name, len);
}

const char *oracle_string(const struct json_t *value)
{
    return call_json_string_value(value);
}

int64_t oracle_integer(const struct json_t *value)
{
    return call_json_integer_value(value);
}

double oracle_real(const struct json_t *value)
{
    return call_json_real_value(value);
}
