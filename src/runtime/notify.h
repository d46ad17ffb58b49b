/* runtime/notify.h - tells the service manager how the node is (sd_notify(3), without libsystemd).
 */
#pragma once

/* Sends `state` ("READY=1") to $NOTIFY_SOCKET; nothing if there is none. */
void notify_supervisor(const char *state);
