/* model/fault.c - see fault.h. */
#include "model/fault.h"
#include "base/buf.h"
#include "model/limits.h"
#include <stdio.h>

void faults_init(struct faults *faults, struct arena *arena)
{
    *faults = (struct faults){.arena = arena};
}

void fault_add(struct faults *faults, struct str pointer, const char *format, ...)
{
    if (!faults->list)
        faults->list = arena_array(faults->arena, struct fault, FAULTS_MAX);
    if (faults->count++ >= FAULTS_MAX || !faults->list)
        return;
    char text[WHY_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    must(len >= 0);
    size_t kept = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    while ((size_t)len != kept && kept && ((unsigned char)text[kept] & 0xc0) == 0x80)
        kept--; /* never cut inside a UTF-8 sequence */
    faults->list[faults->count - 1] = (struct fault){
        .pointer = arena_copy(faults->arena, pointer),
        .detail = arena_copy(faults->arena, (struct str){text, kept}),
    };
}

struct str pointer_member(struct arena *arena, struct str pointer, struct str name)
{
    size_t room = pointer.len + 1 + 2 * name.len;
    char *at = arena_take(arena, room);
    if (!at)
        return pointer;
    if (pointer.len)
        memcpy(at, pointer.at, pointer.len);
    size_t len = pointer.len;
    at[len++] = '/';
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (c == '~' || c == '/') {
            at[len++] = '~';
            c = c == '~' ? '0' : '1';
        }
        at[len++] = c;
    }
    return (struct str){at, len};
}

struct str pointer_item(struct arena *arena, struct str pointer, uint32_t index)
{
    struct str deeper = arena_printf(arena, "%.*s/%u", STR_ARG(pointer), index);
    return deeper.at ? deeper : pointer;
}

uint32_t faults_listed(const struct faults *faults)
{
    return faults->count < FAULTS_MAX ? faults->count : (uint32_t)FAULTS_MAX;
}
