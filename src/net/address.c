/* net/address.c - parse and print what a socket is bound to; see address.h. */
#include "net/address.h"
#include <arpa/inet.h>
#include <stdio.h>

enum err address_of(struct str host, uint16_t port, struct address *ret, struct why *why)
{
    struct address address = {0};
    char text[INET6_ADDRSTRLEN];
    if (str_eq(host, STR("localhost")))
        host = STR("127.0.0.1");
    if (!str_has(host, '\0') && str_copy(host, text, sizeof text)) {
        if (inet_pton(AF_INET, text, &address.v4.sin_addr) == 1)
            address.v4.sin_family = AF_INET;
        else if (inet_pton(AF_INET6, text, &address.v6.sin6_addr) == 1)
            address.v6.sin6_family = AF_INET6;
    }
    if (address.any.sa_family == 0)
        return why_set(why, ERR_INPUT, "\"%.*s\" is no IP address", STR_ARG(host));
    address_set_port(&address, port);
    *ret = address;
    return OK;
}

/* Splits at the last colon; takes brackets off, which an IPv6 address must have. */
static bool split(struct str text, struct str *ret_host, struct str *ret_port)
{
    size_t colon = text.len;
    while (colon > 0 && text.at[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return false;
    struct str host = str_slice(text, 0, colon - 1);
    if (str_starts(host, STR("[")) && str_ends(host, STR("]")) && host.len > 2)
        host = str_slice(host, 1, host.len - 1);
    else if (str_has(host, ':'))
        return false;
    *ret_host = host;
    *ret_port = str_slice(text, colon, text.len);
    return true;
}

enum err address_parse(struct str text, struct address *ret, struct why *why)
{
    struct str host, port;
    uint64_t number;
    if (!split(text, &host, &port))
        return why_set(why, ERR_INPUT, "\"%.*s\" is no address (127.0.0.1:8080, [::1]:8080)",
                       STR_ARG(text));
    if (port.len > 5 || !str_to_u64(port, &number) || number > UINT16_MAX)
        return why_set(why, ERR_INPUT, "\"%.*s\" is no port (0 to 65535)", STR_ARG(port));
    return address_of(host, (uint16_t)number, ret, why);
}

void address_format(const struct address *address, char into[ADDRESS_TEXT_SIZE])
{
    char host[INET6_ADDRSTRLEN] = "";
    bool v6 = address->any.sa_family == AF_INET6;
    const void *at = v6 ? (const void *)&address->v6.sin6_addr : &address->v4.sin_addr;
    must(inet_ntop(address->any.sa_family, at, host, sizeof host) != NULL);
    int len = snprintf(into, ADDRESS_TEXT_SIZE, v6 ? "[%s]:%u" : "%s:%u", host,
                       (unsigned)address_port(address));
    must(len > 0 && len < ADDRESS_TEXT_SIZE);
}

socklen_t address_len(const struct address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
}

uint16_t address_port(const struct address *address)
{
    return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port);
}

void address_set_port(struct address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET6)
        address->v6.sin6_port = htons(port);
    else
        address->v4.sin_port = htons(port);
}

bool address_is_loopback(const struct address *address)
{
    if (address->any.sa_family == AF_INET)
        return ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
    const struct in6_addr *v6 = &address->v6.sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
}
