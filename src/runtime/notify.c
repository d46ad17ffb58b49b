/* runtime/notify.c - see notify.h. */
#include "runtime/notify.h"
#include "base/str.h"
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify_supervisor(const char *state)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct str path = str_of(getenv("NOTIFY_SOCKET"));
    if (!path.len || !str_copy(path, to.sun_path, sizeof to.sun_path))
        return;
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0'; /* an abstract socket */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len);
    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, len) < 0) {
        /* A service manager that does not listen is not worth failing for. */
    }
    (void)close(fd);
}
