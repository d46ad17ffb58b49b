/* store/sqlite/view.c - what a notification's deliveries add up to now. */
#include "store/sqlite/view.h"
#include "store/sqlite/writer.h"

/* What does not depend on strings: where it stands and whether it is open. */
static struct delivery_view view(struct db *db, const struct notification_head *head,
                                 const struct delivery *delivery, bool cancelled,
                                 struct arena *arena)
{
    struct delivery_key key = {head->id, delivery->ordinal};
    int64_t place = place_of(lane_of(delivery->kind, head->priority), head->app);
    struct standing standing = load_standing(db, key, delivery_facts(delivery), arena);
    if (!standing.next_seq)
        standing.reason = delivery->reason;
    struct open_work open = load_open_work(db, key, place, &standing, head->accepted_at);
    return view_of(delivery, head->id, &standing, &open, cancelled);
}

bool show_delivery(struct reader *reader, const struct stored_notification *stored,
                   uint32_t ordinal, bool cancelled, struct arena *arena, struct delivery_view *ret)
{
    struct notification_head head = {
        .id = stored->notification.id,
        .app = stored->notification.app,
        .priority = stored->notification.priority,
        .accepted_at = stored->accepted_at,
    };
    struct delivery delivery;
    if (!load_delivery(&reader->db, stored, ordinal, arena, &delivery))
        return false;
    *ret = view(&reader->db, &head, &delivery, cancelled, arena);
    return true;
}

enum state view_state(struct reader *reader, const struct notification_head *head, uint32_t ordinal,
                      bool cancelled)
{
    int64_t facts = 0;
    if (!load_facts(&reader->db, head, ordinal, &facts))
        return STATE_QUEUED; /* its notification is just being removed */
    struct delivery delivery = {
        .ordinal = ordinal, .kind = facts_kind(facts), .state = facts_state(facts)};
    return view(&reader->db, head, &delivery, cancelled, NULL).state;
}

void show_notification(struct reader *reader, const struct stored_notification *stored,
                       struct notification_view *ret)
{
    *ret = (struct notification_view){
        .notification = stored->notification,
        .cancelled = is_cancelled(&reader->db, stored->notification.id),
    };
    ret->following = stored->notification.strategy == STRATEGY_FIRST && !ret->cancelled &&
                     is_following(&reader->db, stored->notification.id);
    struct notification_head head;
    if (!load_head(&reader->db, stored->notification.id, &head))
        return;
    for (uint32_t i = 0; i < head.deliveries; i++) {
        ret->counts[view_state(reader, &head, i, ret->cancelled)]++;
        reader_breathe(reader);
    }
}
