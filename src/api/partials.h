/* api/partials.h - the templates that a template or content includes: found, pinned, resolved.
 *
 * What a text includes is pinned by name and version when it is accepted, so that it renders the
 * same for ever; what those include in turn, they have pinned themselves.
 */
#pragma once
#include "flow/intake.h"

/* Names of the templates included, but for `self` (absent: content), as references to their latest
 * versions. ERR_LIMIT over TEMPLATE_PARTIALS_MAX, ERR_MEMORY. */
enum err partials_of(const struct template *template, struct str self, struct arena *arena,
                     struct template_ref **ret, uint32_t *ret_count) must_use;

/* Found ones: a stretch of a lookup's results. */
struct partials {
    const struct template_ref *refs;
    const struct template_entry *const *entries; /* NULL: there is no such template */
    uint32_t count;
};

/* The name of the first that was not found; absent if all were. */
struct str partials_missing(const struct partials *partials);
/* {"name":version,...}; absent for none, or without memory (the arena says which). */
struct str partials_pins(const struct partials *partials, struct arena *arena);
bool partials_use_attributes(const struct partials *partials);
/* The resolver for struct template_scope; `partials` is a const struct partials. */
const struct template *partials_resolve(void *partials, struct str name);
