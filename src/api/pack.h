/* api/pack.h - from a draft, and what was found for it, to the bundle that the ledger accepts. */
#pragma once
#include "api/draft.h"
#include "flow/bundle.h"

struct template_entry;

struct packing {
    const struct draft *draft;
    struct str request; /* the JSON text that the draft is a view of */
    struct str traceparent;
    uint32_t app;
    enum mode mode;
    struct wall now;
    const struct category *category;
    const struct template *template; /* named or inline */
    uint32_t template_version;       /* 0: inline */
    struct str pins;                 /* inline: the versions of its partials */
    bool uses_attributes;
    const struct template *(*partial)(void *ctx, struct str name);
    void *partial_ctx;
    const struct recipient *const *recipients; /* of the entries that name a user, in order */
    const bool *suppressed;                    /* of those with e-mail or phone, in order */
    struct arena *arena;                       /* for what is needed only here */
    struct faults *faults;
};

/* A bundle that owns all its strings. ERR_INPUT: a strict template lacks a variable, `faults` has
 * it; ERR_LIMIT: too many deliveries; ERR_MEMORY. */
enum err pack_bundle(const struct packing *packing, struct bundle **ret, struct why *why) must_use;
