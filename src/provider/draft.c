/* provider/draft.c - see draft.h. */
#include "provider/draft.h"
#include "codec/mime.h"
#include "model/limits.h"

enum { MAIL_BYTES_MAX = 8 * RENDERED_BYTES_MAX }; /* two texts, at most three times as long */

void draft_header(struct request *request, struct str name, struct str value)
{
    must(request->header_count < REQUEST_HEADERS_MAX);
    request->headers[request->header_count++] = (struct header){name, value};
}

struct str draft_take(struct arena *arena, struct buf *buf)
{
    struct str taken = STR_NONE;
    if (buf->failed)
        arena->failed = true;
    else
        taken = arena_copy(arena, buf->len ? buf_str(buf) : STR(""));
    buf_done(buf);
    return taken;
}

enum err draft_finish(const struct arena *arena, struct why *why)
{
    return arena->failed ? why_set(why, ERR_MEMORY, "no memory to compose a request") : OK;
}

int64_t draft_ttl_s(const struct parcel *parcel, int64_t max)
{
    int64_t expires = parcel->expires_at.ms, now = parcel->now.ms;
    if (expires <= now)
        return expires == 0 ? max : 0;
    int64_t left = (expires - now) / 1000;
    return left < max ? left : max;
}

struct str draft_collapse(const struct parcel *parcel)
{
    struct str key = parcel->notification->collapse_key;
    return key.len ? key : parcel->delivery_id;
}

bool draft_is_word(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] > '~')
            return false;
    return text.len > 0;
}

bool draft_push_shows(const struct content *content)
{
    return content->title.len || content->body.len;
}

enum err draft_push_check(const struct parcel *parcel, struct why *why)
{
    const struct content *content = parcel->content;
    if (!parcel->delivery->address.len)
        return why_set(why, ERR_INPUT, "the device has no token");
    if (!draft_push_shows(content) && !(content->data && content->data->count))
        return why_set(why, ERR_INPUT,
                       "the push content is empty: give it a title, a body or data");
    return OK;
}

size_t draft_push_bytes(const struct content *content)
{
    size_t bytes = content->title.len + content->body.len + content->url.len + content->image.len;
    for (uint32_t i = 0; content->data && i < content->data->count; i++)
        bytes += content->data->names[i].len + content->data->items[i].text.len;
    return bytes;
}

void draft_data(struct json_out *out, const struct content *content, const struct str *besides)
{
    if (!content->data)
        return;
    for (uint32_t i = 0; i < content->data->count; i++) {
        const struct str *name = besides;
        while (name->at && !str_eq(*name, content->data->names[i]))
            name++;
        if (name->at)
            continue;
        json_name(out, content->data->names[i]);
        json_str(out, content->data->items[i].text);
    }
}

static void member(struct json_out *out, struct str name, struct str value)
{
    if (!value.at)
        return;
    json_name(out, name);
    json_str(out, value);
}

void draft_push_json(struct json_out *out, const struct content *content)
{
    static const struct str none[] = {{NULL, 0}};
    json_open(out, '{');
    member(out, STR("title"), content->title);
    member(out, STR("body"), content->body);
    member(out, STR("url"), content->url);
    member(out, STR("image"), content->image);
    if (content->data && content->data->count) {
        json_name(out, STR("data"));
        json_open(out, '{');
        draft_data(out, content, none);
        json_close(out, '}');
    }
    json_close(out, '}');
}

enum err draft_sms_check(const struct parcel *parcel, size_t max, struct why *why)
{
    struct str text = parcel->content->text;
    size_t count = 0;
    if (!parcel->delivery->address.len)
        return why_set(why, ERR_INPUT, "the recipient has no phone number");
    if (!text.len)
        return why_set(why, ERR_INPUT, "the SMS is empty: its template gives no text");
    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.at[i] & 0xc0) != 0x80;
    if (count > max)
        return why_set(why, ERR_LIMIT, "the SMS has %zu characters, the provider takes %zu", count,
                       max);
    return OK;
}

enum err draft_mail(const struct parcel *parcel, struct str fallback, struct arena *arena,
                    struct str *ret_message, struct mailbox *ret_from, struct why *why)
{
    const struct content *content = parcel->content;
    struct str sender = content->from.len ? content->from : fallback;
    struct buf message;
    struct mail mail = {.to = parcel->delivery->address,
                        .subject = content->subject,
                        .text = content->text.len ? content->text : STR_NONE,
                        .html = content->html.len ? content->html : STR_NONE,
                        .id = parcel->delivery_id,
                        .date = parcel->now};
    if (!sender.len)
        return why_set(why, ERR_INPUT,
                       "the e-mail has no sender: give its template `from`, or the provider");
    enum err err = mailbox_parse(sender, arena, &mail.from, why);
    if (err)
        return err;
    buf_init(&message, MAIL_BYTES_MAX);
    err = mail_compose(&mail, &message, why);
    if (err) {
        buf_done(&message);
        return err;
    }
    *ret_message = draft_take(arena, &message);
    *ret_from = mail.from;
    return draft_finish(arena, why);
}
