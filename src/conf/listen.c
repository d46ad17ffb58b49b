/* conf/listen.c - the sections `listen` and `tls`: addresses, and certificates for https. */
#include "conf/section.h"
#include "model/limits.h"
#include <arpa/inet.h>

#define ADDRESS_REMEDY "write ADDRESS:PORT with a numeric address, like 0.0.0.0:8080 or [::]:8080"

static bool is_numeric(struct str host)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];
    return str_copy(host, text, sizeof text) &&
           (inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1);
}

bool listen_parse(struct str text, struct str *ret_host, uint16_t *ret_port)
{
    size_t colon = text.len;
    while (colon && text.at[colon - 1] != ':')
        colon--;
    uint64_t port;
    if (!colon || !str_to_u64(str_slice(text, colon, text.len), &port) || port > UINT16_MAX)
        return false;
    struct str host = str_slice(text, 0, colon - 1);
    bool brackets = host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']';
    if (brackets)
        host = str_slice(host, 1, host.len - 1);
    if (!brackets && str_eq(host, STR("localhost")))
        host = STR("127.0.0.1");
    if (!is_numeric(host) || brackets != str_has(host, ':'))
        return false;
    *ret_host = host;
    *ret_port = (uint16_t)port;
    return true;
}

/* 127.0.0.0/8 (RFC 1122 section 3.2.1.3) and ::1 (RFC 4291 section 2.5.3), also mapped. */
bool listen_is_loopback(struct str host)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr four;
    struct in6_addr six;
    if (!str_copy(host, text, sizeof text))
        return false;
    if (inet_pton(AF_INET, text, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, text, &six) != 1)
        return false;
    return IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127);
}

void read_address(struct reader *reader, struct yaml_node *node, void *into)
{
    struct config_listener *listener = into;
    struct str text, host;
    if (!node_text(reader, node, &text))
        return;
    text = arena_copy(&reader->config->arena, text);
    if (!listen_parse(text, &host, &listener->port)) {
        node_fault(reader, node, ADDRESS_REMEDY, "\"%.*s\" is no address to listen on",
                   STR_ARG(text));
        return;
    }
    listener->address = text;
    listener->host = host;
    listener->loopback = listen_is_loopback(host);
}

void read_cert(struct reader *reader, struct yaml_node *node, void *into)
{
    struct config_listener *listener = into;
    if (!file_read(reader, node, CA_BYTES_MAX, &listener->cert))
        return;
    listener->cert_path = arena_copy(&reader->config->arena, node->text);
    if (!memmem(listener->cert.at, listener->cert.len, "-----BEGIN CERTIFICATE-----", 27))
        node_fault(reader, node, "name a PEM file with the certificate first, then its chain",
                   "no PEM certificate in %.*s", STR_ARG(node->text));
}

void read_key(struct reader *reader, struct yaml_node *node, void *into)
{
    struct config_listener *listener = into;
    if (!file_read(reader, node, SECRET_BYTES_MAX, &listener->key))
        return;
    listener->key_path = arena_copy(&reader->config->arena, node->text);
    if (!memmem(listener->key.at, listener->key.len, "PRIVATE KEY-----", 16))
        node_fault(reader, node, "name a PEM file with the private key, without a passphrase",
                   "no PEM private key in %.*s", STR_ARG(node->text));
}

void read_tls(struct reader *reader, struct yaml_node *node, void *into)
{
    struct config_listener *listener = into;
    listener->tls = section_read(reader, SECTION_TLS, node, NULL, listener);
}

void read_listen(struct reader *reader, struct yaml_node *node, void *into)
{
    struct config *config = into;
    uint32_t count = node_count(node);
    if (!count || count > LISTENERS_MAX) {
        node_fault(reader, node, "name from 1 to 16 addresses", "%u addresses to listen on", count);
        return;
    }
    struct config_listener *list = arena_array(&config->arena, struct config_listener, count);
    if (!list)
        return;
    for (uint32_t i = 0; i < count; i++) {
        struct yaml_node *item = node_at(node, i);
        list[i].place = place_of(item);
        if (item->type == YAML_MAP)
            section_read(reader, SECTION_LISTENER, item, NULL, &list[i]);
        else
            read_address(reader, item, &list[i]);
        if (!list[i].host.at)
            continue;
        reader->exposed |= !list[i].loopback;
        for (uint32_t j = 0; j < i; j++)
            if (list[i].port && str_eq(list[i].address, list[j].address))
                node_fault(reader, item, "keep one of them", "\"%.*s\" stands here twice",
                           STR_ARG(list[i].address));
    }
    config->listeners = list;
    config->listener_count = count;
}
