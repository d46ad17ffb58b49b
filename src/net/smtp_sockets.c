/* net/smtp_sockets.c - see smtp_sockets.h. */
#include "net/smtp_sockets.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

void smtp_sockets_add(struct smtp_sockets *sockets, int fd)
{
    if (sockets->count < SMTP_SOCKETS_MAX)
        sockets->fds[sockets->count++] = fd;
}

void smtp_sockets_remove(struct smtp_sockets *sockets, int fd)
{
    for (unsigned i = 0; i < sockets->count; i++)
        if (sockets->fds[i] == fd)
            sockets->fds[i] = sockets->fds[--sockets->count];
}

static int port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return 0;
    return address.ss_family == AF_INET6
               ? ntohs(((const struct sockaddr_in6 *)(const void *)&address)->sin6_port)
               : ntohs(((const struct sockaddr_in *)(const void *)&address)->sin_port);
}

void smtp_sockets_shut(const struct smtp_sockets *sockets, int local_port)
{
    for (unsigned i = 0; local_port && i < sockets->count; i++)
        if (port_of(sockets->fds[i]) == local_port)
            (void)shutdown(sockets->fds[i], SHUT_RDWR);
}

void smtp_sockets_shut_all(const struct smtp_sockets *sockets)
{
    for (unsigned i = 0; i < sockets->count; i++)
        (void)shutdown(sockets->fds[i], SHUT_RDWR);
}
