/* codec/mailbox.h - an e-mail address with an optional name: "Shop <no-reply@shop.example>".
 *
 * RFC 5322 section 3.4, narrowed to what submission servers take without extensions: the local
 * part is a dot-atom, the domain ASCII letters, digits, '-' and '.'. Pure; any thread.
 */
#pragma once
#include "base/arena.h"

struct mailbox {
    struct str name;    /* unquoted; empty: none */
    struct str address; /* local@domain, without brackets */
};

/* "a@b", "<a@b>", "Name <a@b>", "\"Na, me\" <a@b>"; the name may be any UTF-8 without controls.
 * ERR_INPUT with the remedy, ERR_MEMORY. */
enum err mailbox_parse(struct str text, struct arena *arena, struct mailbox *ret,
                       struct why *why) must_use;
/* A bare address that can stand in an SMTP envelope: RFC 5321 lengths, no controls, no spaces. */
bool mailbox_address_ok(struct str address);
struct str mailbox_domain(struct str address); /* what stands behind the '@' */
