/* net/h1_chunk.c - see h1_chunk.h. */
#include "net/h1_chunk.h"
#include "net/h1_head.h"

static const struct refusal bad_size = {400, "a chunk's size is malformed"};
static const struct refusal bad_end = {400, "a chunk's data does not end with CRLF"};
static const struct refusal bad_line = {400, "a line of the chunked body is malformed"};
static const struct refusal long_line = {400, "a line of the chunked body is too long"};
static const struct refusal long_trailer = {431, "the trailer is larger than this server takes"};
static const struct refusal bad_trailer = {400, "the trailer has a field that it must not have"};

void h1_chunk_init(struct h1_chunk *chunk)
{
    chunk->state = CHUNK_SIZE;
    chunk->left = 0;
    chunk->trailer_bytes = 0;
    chunk->line_len = 0;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The line's bytes are printable already: what follows ';' must begin with a name. */
static bool extensions_valid(struct str extensions)
{
    bool quoted = false, escaped = false;
    for (size_t i = 0; i < extensions.len; i++) {
        char c = extensions.at[i];
        if (escaped)
            escaped = false;
        else if (quoted && c == '\\')
            escaped = true;
        else if (c == '"')
            quoted = !quoted;
    }
    struct str name = str_trim(extensions);
    return !quoted && name.len && name.at[0] != ';' && name.at[0] != '=' && name.at[0] != '"';
}

static const struct refusal *end_size(struct h1_chunk *chunk)
{
    uint64_t size = 0;
    size_t at = 0;
    for (; at < chunk->line_len && hex_digit(chunk->line[at]) >= 0; at++) {
        if (at == 16)
            return &bad_size;
        size = size * 16 + (uint64_t)hex_digit(chunk->line[at]);
    }
    if (at == 0)
        return &bad_size;
    if (at < chunk->line_len &&
        (chunk->line[at] != ';' ||
         !extensions_valid((struct str){chunk->line + at + 1, chunk->line_len - at - 1})))
        return &bad_size;
    chunk->left = size;
    chunk->state = size ? CHUNK_DATA : CHUNK_TRAILER;
    return NULL;
}

/* Fields that would say something about this message's framing or way come too late here. */
static const struct refusal *end_trailer(struct h1_chunk *chunk)
{
    static const struct str forbidden[] = {STR_INIT("content-length"),    STR_INIT("host"),
                                           STR_INIT("transfer-encoding"), STR_INIT("connection"),
                                           STR_INIT("authorization"),     STR_INIT("expect")};
    struct header field;
    if (chunk->line_len == 0) {
        chunk->state = CHUNK_DONE;
        return NULL;
    }
    const struct refusal *wrong = h1_field_parse(chunk->line, chunk->line_len, &field);
    for (size_t i = 0; !wrong && i < sizeof forbidden / sizeof *forbidden; i++)
        if (str_eq(field.name, forbidden[i]))
            wrong = &bad_trailer;
    return wrong;
}

/* One byte of a line; the line's last byte before LF must be its only CR. */
static const struct refusal *line_byte(struct h1_chunk *chunk, char c)
{
    bool ended = chunk->line_len && chunk->line[chunk->line_len - 1] == '\r';
    if (chunk->state == CHUNK_TRAILER && ++chunk->trailer_bytes > TRAILER_BYTES_MAX)
        return &long_trailer;
    if (ended != (c == '\n'))
        return &bad_line;
    if (ended) {
        chunk->line_len--;
        const struct refusal *wrong =
            chunk->state == CHUNK_SIZE ? end_size(chunk) : end_trailer(chunk);
        chunk->line_len = 0;
        return wrong;
    }
    if ((unsigned char)c < ' ' && c != '\t' && c != '\r')
        return &bad_line;
    if (c == 0x7f)
        return &bad_line;
    if (chunk->line_len == CHUNK_LINE_MAX)
        return &long_line;
    chunk->line[chunk->line_len++] = c;
    return NULL;
}

static const struct refusal *data_end_byte(struct h1_chunk *chunk, char c)
{
    if (c != (chunk->line_len ? '\n' : '\r'))
        return &bad_end;
    chunk->line_len++;
    if (chunk->line_len == 2) {
        chunk->line_len = 0;
        chunk->state = CHUNK_SIZE;
    }
    return NULL;
}

size_t h1_chunk_take(struct h1_chunk *chunk, const char *at, size_t len, struct str *ret_data,
                     const struct refusal **ret_wrong)
{
    *ret_data = STR_NONE;
    *ret_wrong = NULL;
    size_t i = 0;
    while (i < len && !*ret_wrong && chunk->state != CHUNK_DONE && chunk->state != CHUNK_DATA) {
        char c = at[i++];
        *ret_wrong = chunk->state == CHUNK_DATA_END ? data_end_byte(chunk, c) : line_byte(chunk, c);
    }
    if (chunk->state == CHUNK_DATA && i < len) {
        size_t piece = len - i < chunk->left ? len - i : (size_t)chunk->left;
        *ret_data = (struct str){at + i, piece};
        i += piece;
        chunk->left -= piece;
        if (chunk->left == 0)
            chunk->state = CHUNK_DATA_END;
    }
    return i;
}
