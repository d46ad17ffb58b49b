/* codec/cidr.c - see cidr.h. */
#include "codec/cidr.h"
#include <arpa/inet.h>

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

enum { MAPPED_BITS = 8 * sizeof mapped };

/* *ret_bits: how many the written form has. */
static bool parse_address(struct str text, unsigned char *ret, unsigned *ret_bits)
{
    char copy[INET6_ADDRSTRLEN];
    if (!str_copy(text, copy, sizeof copy) || strlen(copy) != text.len)
        return false;
    if (inet_pton(AF_INET, copy, ret + sizeof mapped) == 1) {
        memcpy(ret, mapped, sizeof mapped);
        *ret_bits = 32;
        return true;
    }
    *ret_bits = 128;
    return inet_pton(AF_INET6, copy, ret) == 1;
}

static bool same_prefix(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    if (memcmp(a, b, bits / 8) != 0)
        return false;
    return bits % 8 == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8) == 0;
}

bool cidr_parse(struct str text, struct cidr *ret)
{
    struct cidr cidr = {{0}, 0};
    struct str bits_text = text;
    unsigned width;
    uint64_t bits;
    if (!parse_address(str_cut(&bits_text, '/'), cidr.address, &width))
        return false;
    bits = width;
    if (bits_text.at && (!str_to_u64(bits_text, &bits) || bits > width))
        return false;
    cidr.bits = (unsigned)bits + (width == 32 ? MAPPED_BITS : 0);
    for (unsigned i = cidr.bits; i < 128; i++)
        if (cidr.address[i / 8] >> (7 - i % 8) & 1)
            return false;
    *ret = cidr;
    return true;
}

bool cidr_has(const struct cidr *network, struct str host)
{
    unsigned char address[16] = {0};
    unsigned width;
    if (host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
        host = str_slice(host, 1, host.len - 1);
    return parse_address(host, address, &width) &&
           same_prefix(network->address, address, network->bits);
}

bool cidr_next(struct str *rest, struct cidr *ret, bool *ret_bad)
{
    while (rest->at) {
        struct str one = str_trim(str_cut(rest, ','));
        if (!one.len)
            continue;
        if (cidr_parse(one, ret))
            return true;
        *ret_bad = true;
        return false;
    }
    return false;
}
