/* core/template_tree.h - a compiled template inside; for template.c and template_render.c only.
 */
#pragma once
#include "core/mustache.h"
#include "core/template.h"

/* X(SLOT, channel, "member", offset of the rendered text in struct content): every text that a
 * template may have, save those below push.data. */
#define TEMPLATE_SLOTS(X)                                                                          \
    X(SLOT_TITLE, CHANNEL_PUSH, "title", title)                                                    \
    X(SLOT_BODY, CHANNEL_PUSH, "body", body)                                                       \
    X(SLOT_URL, CHANNEL_PUSH, "url", url)                                                          \
    X(SLOT_IMAGE, CHANNEL_PUSH, "image", image)                                                    \
    X(SLOT_SMS_TEXT, CHANNEL_SMS, "text", text)                                                    \
    X(SLOT_FROM, CHANNEL_EMAIL, "from", from)                                                      \
    X(SLOT_SUBJECT, CHANNEL_EMAIL, "subject", subject)                                             \
    X(SLOT_HTML, CHANNEL_EMAIL, "html", html)                                                      \
    X(SLOT_EMAIL_TEXT, CHANNEL_EMAIL, "text", text)

#define SLOT_ENUM(slot, channel, member, field) slot,
enum slot { TEMPLATE_SLOTS(SLOT_ENUM) SLOT_COUNT };

/* The texts of one locale, or of the template itself. NULL: it has none. */
struct variant {
    struct str locale;
    const struct mustache *texts[SLOT_COUNT];
    bool has_data;
    uint32_t data_count;
    const struct str *data_names;
    const struct mustache *const *data_texts;
};

struct template
{
    struct arena arena; /* owns all the rest, and the texts */
    struct variant base;
    struct variant *locales;
    uint32_t locale_count;
    bool channels[CHANNEL_COUNT];
    bool strict, uses_user;
    const struct str *partials;
    uint32_t partial_count;
};
