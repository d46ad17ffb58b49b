/* net/smtp_hello.c - see smtp_hello.h. */
#include "net/smtp_hello.h"
#include "codec/base64.h"

enum { SECRET_BYTES_MAX = 4096 };

static void note_mechanisms(struct smtp_hello *hello, struct str list)
{
    while (list.at) {
        struct str name = str_cut(&list, ' ');
        hello->plain = hello->plain || str_eq_nocase(name, STR("PLAIN"));
        hello->login = hello->login || str_eq_nocase(name, STR("LOGIN"));
    }
}

void smtp_hello_line(struct smtp_hello *hello, struct str line)
{
    while (line.len && (line.at[line.len - 1] == '\n' || line.at[line.len - 1] == '\r'))
        line.len--;
    if (line.len < 4)
        return;
    struct str rest = str_slice(line, 4, line.len);
    struct str word = str_cut(&rest, ' ');
    if (str_eq_nocase(word, STR("STARTTLS")))
        hello->starttls = true;
    else if (str_eq_nocase(word, STR("PIPELINING")))
        hello->pipelining = true;
    else if (str_eq_nocase(word, STR("SIZE")))
        hello->size = true;
    else if (str_eq_nocase(word, STR("8BITMIME")))
        hello->eight_bit = true;
    else if (str_eq_nocase(word, STR("AUTH")))
        note_mechanisms(hello, rest);
}

static void add_secret(struct buf *out, struct str secret)
{
    base64_add(out, secret);
    buf_add(out, STR("\r\n"));
}

bool smtp_hello_auth(struct smtp_hello *hello, const struct link_login *login, struct buf *out)
{
    if (!hello->plain && !hello->login)
        return false;
    if (!hello->plain) {
        buf_add(out, STR("AUTH LOGIN\r\n"));
        return true;
    }
    struct buf both;
    buf_init(&both, SECRET_BYTES_MAX);
    if (!buf_reserve(&both, login->user.len + login->password.len + 2))
        return false;
    buf_add_char(&both, '\0');
    buf_add(&both, login->user);
    buf_add_char(&both, '\0');
    buf_add(&both, login->password);
    buf_add(out, STR("AUTH PLAIN "));
    add_secret(out, buf_str(&both));
    wipe(both.at, both.len);
    buf_done(&both);
    return true;
}

bool smtp_hello_continue(struct smtp_hello *hello, const struct link_login *login, struct buf *out)
{
    if (hello->plain || hello->challenges == 2)
        return false;
    add_secret(out, hello->challenges++ ? login->password : login->user);
    return true;
}

bool smtp_is_eight_bit(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] >= 0x80)
            return true;
    return false;
}
