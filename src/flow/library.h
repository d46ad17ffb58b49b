/* flow/library.h - compiled template versions, loaded when first needed, with their partials.
 *
 * A version is immutable, so what is cached never goes stale; only which version is the latest may.
 * Owned by one actor (an intake, a courier), whose inbox gets the store's answers.
 */
#pragma once
#include "core/template.h"
#include "flow/cache.h"
#include "port/store.h"

struct library;

struct library_config {
    struct store *store;
    struct inbox inbox; /* of the owner, who passes answers to library_answer... */
    int message_type;   /* ...when it sees this type: query->finish does it */
    size_t bytes_max;
    uint64_t hash_key[2];
};

struct template_entry {
    struct str name;
    uint32_t version;
    const struct template *template;
    bool uses_attributes; /* it, or a template that it includes */
};

/* The resolver for struct template_scope; `partial_ctx` is the entry. */
const struct template *template_entry_partial(void *entry, struct str name);

struct library *library_new(const struct library_config *config);
void library_resize(struct library *library, size_t bytes_max);
void library_free(struct library *library); /* nothing may be pinned or loading */

/* How many answers of the store are to come. */
uint32_t library_loading(const struct library *library);

/* Finds the version (0: the latest) of the app's template. `done` gets it pinned, at once if it is
 * cached; NULL with OK: there is none; NULL with an error: it could not be read. */
void library_find(struct library *library, uint32_t app, struct str name, uint32_t version,
                  void (*done)(void *owner, enum err err, struct template_entry *entry),
                  void *owner);
void library_unpin(struct library *library, struct template_entry *entry);
/* Another version may be the latest now. */
void library_forget_latest(struct library *library, uint32_t app, struct str name);
