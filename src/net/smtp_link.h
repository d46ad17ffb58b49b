/* net/smtp_link.h - a mail session of a pool: conduit and session.
 *
 * smtps:// is TLS from the first byte, smtp:// as the login says. It closes after SMTP_IDLE_CLOSE_S
 * without a mail, and after SMTP_MAILS_MAX.
 */
#pragma once
#include "net/link.h"

enum err smtp_link_start(const struct link_config *config, struct now now, struct link **ret,
                         struct why *why) must_use;
