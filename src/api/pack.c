/* api/pack.c - see pack.h. */
#include "api/pack.h"
#include "core/plan.h"
#include "core/template.h"
#include "model/limits.h"

/* The request's text is copied into the bundle once; what points into it is moved along. */
struct mover {
    struct str from, to;
    struct arena *arena;
};

static struct str move(struct mover *mover, struct str s)
{
    uintptr_t at = (uintptr_t)s.at, from = (uintptr_t)mover->from.at;
    if (s.at && at >= from && at + s.len <= from + mover->from.len)
        return (struct str){mover->to.at + (at - from), s.len};
    return arena_copy(mover->arena, s);
}

/* ------------------------------------------------------------------------- strict templates ----
 */

static unsigned channels_of(const struct category *settings)
{
    unsigned channels = 0;
    for (uint32_t i = 0; i < settings->channel_count; i++)
        channels |= 1u << settings->channels[i];
    return channels;
}

static enum err check_entry(const struct packing *packing, unsigned channels, uint32_t i)
{
    const struct draft_entry *entry = &packing->draft->entries[i];
    struct template_scope scope = {
        .data = packing->draft->data,
        .overlay = entry->data,
        .user_id = entry->user_id,
        .partial = packing->partial,
        .partial_ctx = packing->partial_ctx,
    };
    struct spot to = {.name = STR("to")}, item = {.up = &to, .index = i};
    struct spot own = {.up = &item, .name = STR("data")}, common = {.name = STR("data")};
    struct why why;
    if (!entry->user_id.at)
        channels |= 1u << kind_channel(entry->target.kind);
    enum err err = template_check_data(packing->template, channels, &scope, &why);
    if (err == ERR_INPUT)
        spot_fault(entry->data ? &own : &common, packing->faults, "%s", why.text);
    return err == ERR_INPUT ? OK : err;
}

/* Entries without data of their own all read the same: one of them speaks for the rest. */
static enum err check_strict(const struct packing *packing, const struct category *settings)
{
    bool common_checked = false;
    enum err err = OK;
    for (uint32_t i = 0; !err && i < packing->draft->entry_count; i++) {
        const struct draft_entry *entry = &packing->draft->entries[i];
        if (!entry->data && entry->user_id.at && common_checked)
            continue;
        common_checked = common_checked || (!entry->data && entry->user_id.at);
        err = check_entry(packing, channels_of(settings), i);
    }
    return err ? err : packing->faults->count ? ERR_INPUT : OK;
}

/* -------------------------------------------------------------------------------- planning ---- */

static struct plan_entry *plan_entries(const struct packing *packing, struct mover *mover)
{
    const struct draft *draft = packing->draft;
    struct plan_entry *list = arena_array(packing->arena, struct plan_entry, draft->entry_count);
    uint32_t users = 0, addresses = 0;
    for (uint32_t i = 0; list && i < draft->entry_count; i++) {
        const struct draft_entry *from = &draft->entries[i];
        struct plan_entry *entry = &list[i];
        if (from->user_id.at) {
            entry->user_id = move(mover, from->user_id);
            entry->recipient = packing->recipients[users++];
            continue;
        }
        entry->kind = from->target.kind;
        entry->address = move(mover, from->target.address);
        entry->bundle_id = move(mover, from->target.bundle_id);
        entry->p256dh = move(mover, from->target.p256dh);
        entry->auth = move(mover, from->target.auth);
        entry->sandbox = from->target.sandbox;
        if (kind_channel(entry->kind) != CHANNEL_PUSH)
            entry->suppressed = packing->suppressed[addresses++];
    }
    return list;
}

static enum err plan_bundle(const struct packing *packing, const struct category *settings,
                            struct mover *mover, struct bundle *bundle, struct why *why)
{
    struct plan plan = {
        .entries = plan_entries(packing, mover),
        .entry_count = packing->draft->entry_count,
        .channels = settings->channels,
        .channel_count = settings->channel_count,
        .category = settings,
        .strategy = settings->strategy,
        .wants_attributes = packing->uses_attributes,
    };
    if (!plan.entries)
        return why_set(why, ERR_MEMORY, "no memory for the recipients");
    for (int channel = 0; channel < CHANNEL_COUNT; channel++)
        plan.has_content[channel] = template_has(packing->template, (enum channel)channel);
    return plan_deliveries(&plan, &bundle->arena, &bundle->deliveries,
                           &bundle->notification.delivery_count, why);
}

/* What later planning needs to know; with strategy `all` there is none. */
static void fill_strategy(const struct packing *packing, const struct category *settings,
                          struct notification *ret)
{
    ret->strategy = settings->strategy;
    if (ret->strategy != STRATEGY_FIRST)
        return;
    ret->wants_attributes = packing->uses_attributes;
    for (uint32_t i = 0; i < settings->channel_count; i++)
        if (template_has(packing->template, settings->channels[i]))
            ret->channels[ret->channel_count++] = settings->channels[i];
}

static void fill_notification(const struct packing *packing, const struct category *settings,
                              struct mover *mover, struct notification *ret)
{
    const struct draft *draft = packing->draft;
    *ret = (struct notification){
        .app = packing->app,
        .mode = packing->mode,
        .priority = settings->priority,
        .guarantee = settings->guarantee,
        .expires_at = wall_add(packing->now, settings->ttl),
        .category = move(mover, draft->category),
        .template_name = move(mover, draft->template_name),
        .template_version = packing->template_version,
        .partials = move(mover, packing->pins),
        .collapse_key = move(mover, draft->collapse_key),
        .event_id = move(mover, draft->event_id),
        .traceparent = move(mover, packing->traceparent),
        .request = mover->to,
    };
    fill_strategy(packing, settings, ret);
}

enum err pack_bundle(const struct packing *packing, struct bundle **ret, struct why *why)
{
    struct category settings = *packing->category;
    settings_over(&packing->draft->settings, &settings);
    if (template_is_strict(packing->template)) {
        enum err err = check_strict(packing, &settings);
        if (err)
            return why_set(why, err, "the data lacks a variable");
    }
    struct bundle *bundle = bundle_new(BUNDLE_BYTES_MAX);
    if (!bundle)
        return why_set(why, ERR_MEMORY, "no memory for the notification");
    struct mover mover = {
        .from = packing->request,
        .to = arena_copy(&bundle->arena, packing->request),
        .arena = &bundle->arena,
    };
    enum err err = ERR_MEMORY;
    if (mover.to.at) {
        fill_notification(packing, &settings, &mover, &bundle->notification);
        err = plan_bundle(packing, &settings, &mover, bundle, why);
    }
    if (!err && bundle->arena.failed)
        err = why_set(why, ERR_MEMORY, "no memory for the notification");
    if (err) {
        bundle_free(bundle);
        return err;
    }
    *ret = bundle;
    return OK;
}
