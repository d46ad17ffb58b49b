/* core/template.h - one compiled version of a template, or the content of one notification.
 *
 * Compiled from the JSON that the API takes:
 *   {"push": {"title","body","url","image","data":{}}, "sms": {"text"},
 *    "email": {"from","subject","html","text"}, "locales": {"ko": {"push": {..}, ..}}, "strict"}
 * Every text is Mustache (core/mustache.h); email.html is escaped, all else is plain. There is at
 * least one channel. push needs a title, a body or data; sms its text; email a subject, and html or
 * text (`from` may be left to the provider's default).
 *
 * Locale: `ko-KR` falls back to `ko` and then to the template itself (RFC 4647 section 3.4). A
 * locale's channel lies over the template's member by member: what it leaves out (often url, from,
 * data) is taken from the next in the chain; `data` counts as one member. A locale may only have
 * channels that the template itself has.
 *
 * In scope, the innermost first: the members of `data`; then `data` itself, `user` (id, locale,
 * attributes) and `unsubscribe_url`. So {{order.id}} and {{data.order.id}} are the same, and a
 * member of the data named `user` hides the user.
 *
 * A partial {{>name}} stands for the same text (email.html in email.html, push.data.k in
 * push.data.k) of the template `name`, in the same locale; nothing if it has none.
 *
 * Ownership: a template owns all it was compiled from. Immutable: any threads may render it at the
 * same time.
 */
#pragma once
#include "model/content.h"
#include "model/fault.h"
#include "model/names.h"

struct template;

/* Members of the source that are wrong are added to `faults`, all of them, and give ERR_INPUT; or
 * ERR_MEMORY. `with_locales`: a template; without: the content of a notification. `pointer`: where
 * `source` stands in the document. */
enum err template_compile(const struct json *source, bool with_locales, struct str pointer,
                          struct faults *faults, struct template **ret) must_use;
void template_free(struct template *template);
size_t template_bytes(const struct template *template); /* of memory, for a cache's budget */

bool template_has(const struct template *template, enum channel channel);
bool template_is_strict(const struct template *template);
/* Whether `user` is mentioned, in any locale. Ask the partials, too. */
bool template_uses_attributes(const struct template *template);
/* Names of the templates it includes, each once: start with *at == 0; absent at the end. */
struct str template_partial(const struct template *template, uint32_t *at);

/* What a rendering may read. Nothing is kept. */
struct template_scope {
    struct str locale;          /* absent: the template's own */
    const struct json *data;    /* common to all recipients; an object or NULL */
    const struct json *overlay; /* the recipient's own: its members replace those of `data` */
    struct str user_id;         /* absent: a direct address, and no `user` in scope */
    struct str user_locale;
    const struct json *attributes; /* the user's, or NULL */
    struct str unsubscribe_url;
    /* The template of that name, or NULL; valid until the rendering is over. May be NULL. */
    const struct template *(*partial)(void *ctx, struct str name);
    void *partial_ctx;
};

/* What one channel comes to, in `arena`. A member that the template lacks is absent; one that
 * renders to nothing is empty. ERR_INPUT: a strict template uses a variable that is not there, or
 * partials are nested too deeply; ERR_LIMIT: a text over RENDERED_BYTES_MAX or too much work;
 * ERR_MISSING: no such channel; ERR_MEMORY. */
enum err template_render(const struct template *template, enum channel channel,
                         const struct template_scope *scope, struct arena *arena,
                         struct content *ret, struct why *why) must_use;

/* For intake: OK unless the template is strict and one of `channels` (bits 1 << channel), in any
 * locale, uses a variable that the data lacks; then ERR_INPUT and `why` names it. Variables below
 * `user`, and `unsubscribe_url`, are not asked for: they are not the data's. */
enum err template_check_data(const struct template *template, unsigned channels,
                             const struct template_scope *scope, struct why *why) must_use;
