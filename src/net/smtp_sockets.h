/* net/smtp_sockets.h - the open sockets of libcurl's SMTP sessions.
 *
 * libcurl says QUIT and waits for the answer, blocking, before it closes a session that stands. On
 * an event loop nothing may wait for a peer, so a session whose end is decided is shut down first:
 * QUIT then fails at once.
 */
#pragma once

enum { SMTP_SOCKETS_MAX = 512 };

struct smtp_sockets {
    int fds[SMTP_SOCKETS_MAX];
    unsigned count;
};

void smtp_sockets_add(struct smtp_sockets *sockets, int fd); /* not past the maximum */
void smtp_sockets_remove(struct smtp_sockets *sockets, int fd);
/* Shuts the one with this local port down, or nothing if it is 0. */
void smtp_sockets_shut(const struct smtp_sockets *sockets, int local_port);
void smtp_sockets_shut_all(const struct smtp_sockets *sockets);
