/* net/pin.c - see pin.h. */
#include "net/pin.h"
#include <arpa/inet.h>
#include <netinet/in.h>

enum { NETWORK_TEXT_SIZE = INET6_ADDRSTRLEN };

/* An address as 16 bytes: IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2). */
struct bits {
    unsigned char at[16];
};

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool to_bits(const struct sockaddr *address, struct bits *ret)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        memcpy(ret->at, mapped, sizeof mapped);
        memcpy(ret->at + 12, &v4->sin_addr, 4);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
        memcpy(ret->at, &v6->sin6_addr, 16);
        return true;
    }
    return false;
}

static bool text_to_bits(const char *text, struct bits *ret)
{
    memcpy(ret->at, mapped, sizeof mapped);
    return inet_pton(AF_INET, text, ret->at + 12) == 1 || inet_pton(AF_INET6, text, ret->at) == 1;
}

static bool within(const struct bits *a, const struct bits *network, unsigned len)
{
    unsigned whole = len / 8, rest = len % 8;
    if (memcmp(a->at, network->at, whole) != 0)
        return false;
    return !rest || (a->at[whole] ^ network->at[whole]) >> (8 - rest) == 0;
}

/* IPv4: the IANA registry's rows that are not globally reachable, multicast and class E. */
static const struct {
    uint32_t network;
    unsigned len;
} refused_v4[] = {
    {0x00000000, 8},  /* this network */
    {0x0a000000, 8},  /* private */
    {0x64400000, 10}, /* shared by carriers (RFC 6598) */
    {0x7f000000, 8},  /* loopback */
    {0xa9fe0000, 16}, /* link-local, and the metadata of clouds */
    {0xac100000, 12}, /* private */
    {0xc0000000, 24}, /* protocol assignments */
    {0xc0000200, 24}, /* documentation */
    {0xc0586300, 24}, /* 6to4 relays, retired (RFC 7526) */
    {0xc0a80000, 16}, /* private */
    {0xc6120000, 15}, /* benchmarks */
    {0xc6336400, 24}, /* documentation */
    {0xcb007100, 24}, /* documentation */
    {0xe0000000, 4},  /* multicast */
    {0xf0000000, 4},  /* reserved, and broadcast */
};

static bool v4_is_public(const unsigned char at[4])
{
    uint32_t a = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    for (size_t i = 0; i < sizeof refused_v4 / sizeof refused_v4[0]; i++)
        if ((a ^ refused_v4[i].network) >> (32 - refused_v4[i].len) == 0)
            return false;
    return true;
}

static bool starts(const struct bits *a, const char *network, unsigned len)
{
    struct bits bits;
    return inet_pton(AF_INET6, network, bits.at) == 1 && within(a, &bits, len);
}

static bool bits_are_public(const struct bits *a)
{
    if (memcmp(a->at, mapped, sizeof mapped) == 0)
        return v4_is_public(a->at + 12);
    if (starts(a, "64:ff9b::", 96)) /* NAT64 (RFC 6052) */
        return v4_is_public(a->at + 12);
    if (starts(a, "2002::", 16)) /* 6to4 (RFC 3056) */
        return v4_is_public(a->at + 2);
    return starts(a, "2000::", 3) && !starts(a, "2001::", 23) &&     /* Teredo, ORCHID, ... */
           !starts(a, "2001:db8::", 32) && !starts(a, "3fff::", 20); /* documentation */
}

bool pin_is_public(const struct sockaddr *address)
{
    struct bits bits;
    return to_bits(address, &bits) && bits_are_public(&bits);
}

static bool network_parse(struct str text, struct bits *ret, unsigned *ret_len)
{
    char number[NETWORK_TEXT_SIZE];
    uint64_t len;
    struct str base = str_cut(&text, '/');
    if (!str_copy(base, number, sizeof number) || !text_to_bits(number, ret))
        return false;
    bool v4 = !strchr(number, ':');
    if (!text.at)
        len = v4 ? 32 : 128;
    else if (!str_to_u64(text, &len) || len > (v4 ? 32 : 128))
        return false;
    *ret_len = (unsigned)len + (v4 ? 96 : 0);
    return true;
}

bool pin_is_within(const struct sockaddr *address, struct str networks)
{
    struct bits bits, network;
    unsigned len;
    if (!to_bits(address, &bits))
        return false;
    while (networks.at) {
        struct str one = str_trim(str_cut(&networks, ','));
        if (network_parse(one, &network, &len) && within(&bits, &network, len))
            return true;
    }
    return false;
}

bool pin_allows(const struct sockaddr *address, struct str allowed, bool tls)
{
    return pin_is_within(address, allowed) || (tls && pin_is_public(address));
}
