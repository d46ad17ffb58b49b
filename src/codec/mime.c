/* codec/mime.c - see mime.h. */
#include "codec/mime.h"
#include "base/utf8.h"
#include "codec/base64.h"
#include "model/limits.h"
#include <stdio.h>

enum {
    LINE_MAX_LEN = 76, /* RFC 2045 section 6.7; RFC 2047 section 2 for lines with encoded-words */
    WORD_MAX = 75      /* RFC 2047 section 2 */
};

#define WORD_OPEN  "=?UTF-8?B?"
#define WORD_CLOSE "?="

/* A header being written: knows its column, so that it can fold. */
struct line {
    struct buf *out;
    size_t column;
};

static void line_add(struct line *line, struct str text)
{
    buf_add(line->out, text);
    line->column += text.len;
}

/* Adds a token behind a space, on a new line if it would pass the edge of this one. */
static void line_add_token(struct line *line, struct str token)
{
    if (line->column + 1 + token.len > LINE_MAX_LEN) {
        buf_add(line->out, STR("\r\n"));
        line->column = 0;
    }
    line_add(line, STR(" "));
    line_add(line, token);
}

static struct line header_begin(struct buf *out, struct str name)
{
    struct line line = {.out = out};
    line_add(&line, name);
    line_add(&line, STR(":"));
    return line;
}

static void header_add(struct buf *out, struct str name, struct str value)
{
    struct line line = header_begin(out, name);
    line_add_token(&line, value);
    buf_add(out, STR("\r\n"));
}

/* As much of the text as fits one encoded-word of `room` characters; whole characters only. */
static struct str word_take(struct str *rest, size_t room)
{
    size_t fixed = sizeof WORD_OPEN - 1 + sizeof WORD_CLOSE - 1;
    size_t bytes_max = room > fixed ? (room - fixed) / 4 * 3 : 0, len = 0;
    while (len < rest->len) {
        size_t sequence = utf8_sequence(rest->at + len, rest->len - len);
        if (len + sequence > bytes_max)
            break;
        len += sequence;
    }
    struct str taken = str_slice(*rest, 0, len);
    *rest = str_slice(*rest, len, rest->len);
    return taken;
}

/* Text that is not ASCII, as encoded-words; white space between two of them is not shown. */
static void line_add_words(struct line *line, struct str text)
{
    while (text.len) {
        size_t room = line->column + 1 < LINE_MAX_LEN ? LINE_MAX_LEN - line->column - 1 : 0;
        struct str taken = word_take(&text, room < WORD_MAX ? room : WORD_MAX);
        if (!taken.len) { /* not a character more on this line */
            taken = word_take(&text, WORD_MAX);
            buf_add(line->out, STR("\r\n"));
            line->column = 0;
        }
        size_t before = line->out->len;
        buf_add(line->out, STR(" " WORD_OPEN));
        base64_add(line->out, taken);
        buf_add(line->out, STR(WORD_CLOSE));
        line->column += line->out->len - before;
    }
}

/* Whether text can stand as it is: printable ASCII, in words that fit a line, single spaces (a
 * fold must not lose any), and nothing that would be read as an encoded-word. */
static bool is_plain(struct str text)
{
    size_t run = 0;
    if (memmem(text.at ? text.at : "", text.len, "=?", 2))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == ' ' && (i == 0 || i + 1 == text.len || text.at[i - 1] == ' '))
            return false;
        run = text.at[i] == ' ' ? 0 : run + 1;
        if (text.at[i] < ' ' || text.at[i] > '~' || run >= LINE_MAX_LEN - 1)
            return false;
    }
    return true;
}

static void line_add_text(struct line *line, struct str text)
{
    if (!is_plain(text)) {
        line_add_words(line, text);
        return;
    }
    while (text.at)
        line_add_token(line, str_cut(&text, ' '));
}

/* "\"Shop, Ltd\"": RFC 5322's quoted-string, in one piece. */
static void line_add_quoted(struct line *line, struct str text)
{
    size_t before = line->out->len;
    buf_add(line->out, STR(" \""));
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"' || text.at[i] == '\\')
            buf_add_char(line->out, '\\');
        buf_add_char(line->out, text.at[i]);
    }
    buf_add_char(line->out, '"');
    line->column += line->out->len - before;
}

/* Atoms and spaces alone need no quotes. */
static bool is_phrase(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (strchr("()<>[]:;@\\,.\"", text.at[i]))
            return false;
    return true;
}

static void add_from(struct buf *out, const struct mailbox *from)
{
    char angle[EMAIL_LEN_MAX + 3];
    struct line line = header_begin(out, STR("From"));
    if (!from->name.len) {
        line_add_token(&line, from->address);
    } else {
        if (is_plain(from->name) && is_phrase(from->name))
            line_add_text(&line, from->name);
        else if (is_plain(from->name) && from->name.len < LINE_MAX_LEN / 2)
            line_add_quoted(&line, from->name);
        else
            line_add_words(&line, from->name);
        snprintf(angle, sizeof angle, "<%.*s>", STR_ARG(from->address));
        line_add_token(&line, str_of(angle));
    }
    buf_add(out, STR("\r\n"));
}

/* One octet of quoted-printable that may not stand for itself. */
static size_t qp_escape(unsigned char c, char into[3])
{
    static const char digits[] = "0123456789ABCDEF";
    into[0] = '=';
    into[1] = digits[c >> 4];
    into[2] = digits[c & 15];
    return 3;
}

/* RFC 2045 section 6.7. LF, CRLF and a lone CR are line ends. */
static void add_quoted_printable(struct buf *out, struct str text)
{
    size_t column = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i], next = i + 1 < text.len ? text.at[i + 1] : '\n', piece[3] = {c};
        if (c == '\r' && i + 1 < text.len && next == '\n')
            continue;
        if (c == '\r' || c == '\n') {
            buf_add(out, STR("\r\n"));
            column = 0;
            continue;
        }
        bool blank = c == ' ' || c == '\t';
        bool last = next == '\n' || next == '\r';
        bool literal = (c > ' ' && c <= '~' && c != '=') || (blank && !last);
        size_t len = literal ? 1 : qp_escape((unsigned char)c, piece);
        if (column + len > LINE_MAX_LEN - 1) {
            buf_add(out, STR("=\r\n"));
            column = 0;
        }
        buf_add_bytes(out, piece, len);
        column += len;
    }
    buf_add(out, STR("\r\n"));
}

static void add_part(struct buf *out, struct str type, struct str text)
{
    header_add(out, STR("Content-Type"), type);
    header_add(out, STR("Content-Transfer-Encoding"), STR("quoted-printable"));
    buf_add(out, STR("\r\n"));
    add_quoted_printable(out, text);
}

#define TEXT_TYPE STR("text/plain; charset=utf-8")
#define HTML_TYPE STR("text/html; charset=utf-8")

/* "=_" stands nowhere in quoted-printable, so that no boundary can occur in a part. */
static void add_body(struct buf *out, const struct mail *mail)
{
    if (!mail->html.at || !mail->text.at) {
        if (mail->html.at)
            add_part(out, HTML_TYPE, mail->html);
        else
            add_part(out, TEXT_TYPE, mail->text);
        return;
    }
    struct line line = header_begin(out, STR("Content-Type"));
    line_add_token(&line, STR("multipart/alternative;"));
    buf_printf(out, "\r\n boundary=\"=_%.*s\"\r\n", STR_ARG(mail->id));
    buf_printf(out, "\r\n--=_%.*s\r\n", STR_ARG(mail->id));
    add_part(out, TEXT_TYPE, mail->text);
    buf_printf(out, "--=_%.*s\r\n", STR_ARG(mail->id));
    add_part(out, HTML_TYPE, mail->html);
    buf_printf(out, "--=_%.*s--\r\n", STR_ARG(mail->id));
}

static bool is_id(struct str id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return false;
    }
    return id.len > 0 && id.len <= 60;
}

static bool has_line_end(struct str text)
{
    return str_has(text, '\r') || str_has(text, '\n') || str_has(text, '\0');
}

static enum err check(const struct mail *mail, struct why *why)
{
    if (!mailbox_address_ok(mail->from.address))
        return why_set(why, ERR_INPUT, "the sender is no mail address: set `from`");
    if (!mailbox_address_ok(mail->to))
        return why_set(why, ERR_INPUT, "the recipient is no mail address of RFC 5321 in ASCII");
    if (has_line_end(mail->from.name) || has_line_end(mail->subject))
        return why_set(why, ERR_INPUT,
                       "a line end or NUL in %s: take it out of the template or its data",
                       has_line_end(mail->subject) ? "the subject" : "the sender's name");
    if (!mail->text.at && !mail->html.at)
        return why_set(why, ERR_INPUT, "an e-mail without text and html: the template needs one");
    if (!str_is_utf8(mail->from.name) || !str_is_utf8(mail->subject) || !str_is_utf8(mail->text) ||
        !str_is_utf8(mail->html))
        return why_set(why, ERR_INPUT, "an e-mail must be UTF-8");
    if (!is_id(mail->id))
        return why_set(why, ERR_INPUT, "the reference of an e-mail cannot stand in a Message-ID");
    return OK;
}

enum err mail_compose(const struct mail *mail, struct buf *out, struct why *why)
{
    char date[MAIL_DATE_SIZE];
    enum err err = check(mail, why);
    if (err)
        return err;
    wall_format_mail(mail->date, date);
    header_add(out, STR("Date"), str_of(date));
    add_from(out, &mail->from);
    header_add(out, STR("To"), mail->to);
    if (mail->subject.at) {
        struct line line = header_begin(out, STR("Subject"));
        line_add_text(&line, mail->subject);
        buf_add(out, STR("\r\n"));
    }
    buf_printf(out, "Message-ID: <%.*s@%.*s>\r\n", STR_ARG(mail->id),
               STR_ARG(mailbox_domain(mail->from.address)));
    header_add(out, STR("MIME-Version"), STR("1.0"));
    header_add(out, STR("Auto-Submitted"), STR("auto-generated"));
    add_body(out, mail);
    if (out->failed)
        return why_set(why, ERR_LIMIT, "an e-mail of more than %zu bytes", out->max);
    return OK;
}
