/* model/ids.c - minting ids, and spelling them so that they tell no app about another. */
#include "model/ids.h"
#include "base/map.h"

enum { NODE_BITS = 10, SEQUENCE_BITS = 12, LOW_BITS = NODE_BITS + SEQUENCE_BITS, TIME_BITS = 41 };
enum { ID_DIGITS = 13, ORDINAL_DIGITS = 7, SEQ_DIGITS = 4 };
enum { HALF_BITS = LOW_BITS / 2, ROUNDS = 4 };

#define EPOCH_MS     INT64_C(1735689600000) /* 2025-01-01T00:00:00Z */
#define TIME_MAX     ((INT64_C(1) << TIME_BITS) - 1)
#define SEQUENCE_MAX ((1 << SEQUENCE_BITS) - 1)

int64_t id_floor(struct wall at)
{
    int64_t ms = at.ms < EPOCH_MS ? 0 : at.ms - EPOCH_MS;
    return (ms > TIME_MAX ? TIME_MAX : ms) << LOW_BITS;
}

struct wall id_time(int64_t id)
{
    return (struct wall){(id >> LOW_BITS) + EPOCH_MS};
}

/* `last` may be another node's; a sequence that is used up borrows the next millisecond. */
int64_t ids_mint(struct ids *ids, struct wall now)
{
    int64_t node = (int64_t)ids->node << SEQUENCE_BITS;
    int64_t id = id_floor(now) | node;
    if (id <= ids->last) {
        int64_t last = ids->last;
        bool own = ((last >> SEQUENCE_BITS) & ((1 << NODE_BITS) - 1)) == ids->node;
        id = ((last >> LOW_BITS) << LOW_BITS) | node;
        if (own && (last & SEQUENCE_MAX) < SEQUENCE_MAX)
            id = last + 1;
        else if (id <= last)
            id += INT64_C(1) << LOW_BITS;
        must(id > last);
    }
    ids->last = id;
    return id;
}

/* A Feistel network over the low bits. The time goes into every round, so that the permutation is
 * another one each millisecond: sequence 0 does not look alike twice. */
static int64_t permute(const uint64_t secret[2], int64_t id, bool back)
{
    const uint32_t mask = (1u << HALF_BITS) - 1;
    uint32_t left = (uint32_t)(id >> HALF_BITS) & mask, right = (uint32_t)id & mask;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t round = back ? ROUNDS - 1 - i : i;
        uint32_t half = back ? left : right;
        uint64_t input[2] = {(uint64_t)(id >> LOW_BITS), (uint64_t)round << 32 | half};
        uint32_t mixed = (uint32_t)siphash13(secret, input, sizeof input) & mask;
        if (back) {
            left = right ^ mixed;
            right = half;
        } else {
            right = left ^ mixed;
            left = half;
        }
    }
    return (id >> LOW_BITS) << LOW_BITS | (int64_t)left << HALF_BITS | (int64_t)right;
}

static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

static size_t put(char *into, size_t at, uint64_t value, size_t count)
{
    for (size_t i = count; i-- > 0; value >>= 5)
        into[at + i] = digits[value & 31];
    must(value == 0);
    return at + count;
}

/* Exactly `count` digits that hold no more than `max`. */
static bool take(struct str *text, size_t count, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;
    if (text->len < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *found = memchr(digits, text->at[i], sizeof digits - 1);
        if (!found || value > max >> 5)
            return false;
        value = value << 5 | (uint64_t)(found - digits);
    }
    *text = str_slice(*text, count, text->len);
    *ret = value;
    return value <= max;
}

static size_t put_id(const struct ids *ids, const char *prefix, int64_t id, char *into)
{
    must(id >= 0);
    memcpy(into, prefix, 4);
    return put(into, 4, (uint64_t)permute(ids->secret, id, false), ID_DIGITS);
}

static struct str finish(char *into, size_t len)
{
    must(len < ID_TEXT_SIZE);
    into[len] = '\0';
    return (struct str){into, len};
}

struct str ntf_format(const struct ids *ids, int64_t id, char into[ID_TEXT_SIZE])
{
    return finish(into, put_id(ids, "ntf_", id, into));
}

struct str dlv_format(const struct ids *ids, struct delivery_key key, char into[ID_TEXT_SIZE])
{
    size_t len = put_id(ids, "dlv_", key.notification, into);
    return finish(into, put(into, len, key.ordinal, ORDINAL_DIGITS));
}

struct str evt_format(const struct ids *ids, struct delivery_key key, uint32_t seq,
                      char into[ID_TEXT_SIZE])
{
    size_t len = put_id(ids, "evt_", key.notification, into);
    len = put(into, len, key.ordinal, ORDINAL_DIGITS);
    return finish(into, put(into, len, seq, SEQ_DIGITS));
}

static bool take_id(const struct ids *ids, struct str *text, struct str prefix, int64_t *ret)
{
    uint64_t outside;
    if (!str_starts(*text, prefix))
        return false;
    *text = str_slice(*text, prefix.len, text->len);
    if (!take(text, ID_DIGITS, INT64_MAX, &outside))
        return false;
    *ret = permute(ids->secret, (int64_t)outside, true);
    return true;
}

bool ntf_parse(const struct ids *ids, struct str text, int64_t *ret)
{
    int64_t id;
    if (!take_id(ids, &text, STR("ntf_"), &id) || text.len)
        return false;
    *ret = id;
    return true;
}

bool dlv_parse(const struct ids *ids, struct str text, struct delivery_key *ret)
{
    int64_t id;
    uint64_t ordinal;
    if (!take_id(ids, &text, STR("dlv_"), &id) ||
        !take(&text, ORDINAL_DIGITS, UINT32_MAX, &ordinal) || text.len)
        return false;
    *ret = (struct delivery_key){.notification = id, .ordinal = (uint32_t)ordinal};
    return true;
}
