/* api/content_view.c - see content_view.h. */
#include "api/content_view.h"
#include "api/views.h"
#include "codec/gsm7.h"

static void view_push(struct json_out *out, const struct content *content)
{
    view_str(out, STR("title"), content->title);
    view_str(out, STR("body"), content->body);
    view_str(out, STR("url"), content->url);
    view_str(out, STR("image"), content->image);
    json_name(out, STR("data"));
    json_open(out, '{');
    for (uint32_t i = 0; content->data && i < content->data->count; i++)
        view_str(out, content->data->names[i], content->data->items[i].text);
    json_close(out, '}');
}

static void view_sms(struct json_out *out, const struct content *content)
{
    struct sms_shape shape;
    view_str(out, STR("text"), content->text);
    if (!sms_measure(content->text, &shape))
        return;
    view_str(out, STR("encoding"), sms_encoding_name(shape.encoding));
    view_i64(out, STR("segments"), shape.parts);
}

static void view_email(struct json_out *out, const struct content *content)
{
    view_str(out, STR("from"), content->from);
    view_str(out, STR("subject"), content->subject);
    view_str(out, STR("html"), content->html);
    view_str(out, STR("text"), content->text);
}

void view_content(struct json_out *out, enum channel channel, const struct content *content)
{
    json_name(out, channel_name(channel));
    json_open(out, '{');
    switch (channel) {
    case CHANNEL_PUSH:
        view_push(out, content);
        break;
    case CHANNEL_SMS:
        view_sms(out, content);
        break;
    default:
        view_email(out, content);
    }
    json_close(out, '}');
}
