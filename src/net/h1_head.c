/* net/h1_head.c - see h1_head.h. */
#include "net/h1_head.h"
#include "model/limits.h"
#include "net/target.h"

static const struct refusal bare_lf = {400, "a line ends with a line feed alone"};
static const struct refusal empty_line = {400, "an empty line stands before the request"};
static const struct refusal head_too_large = {431, "the head is larger than this server takes"};
static const struct refusal target_too_long = {414, "the target is longer than this server takes"};
static const struct refusal bad_request_line = {400, "the request line is malformed"};
static const struct refusal bad_version = {505, "only HTTP/1.1, HTTP/1.0 and HTTP/2 are spoken"};
static const struct refusal bad_target = {400, "the target is malformed"};
static const struct refusal no_connect = {400, "this server is no proxy"};
static const struct refusal folded = {400, "a header field is folded over two lines"};
static const struct refusal bad_name = {400, "a header name is malformed"};
static const struct refusal bad_value = {400, "a header value has a control character"};
static const struct refusal bad_host = {400, "exactly one valid Host header is required"};
static const struct refusal other_host = {400, "the Host header differs from the target"};
static const struct refusal bad_length = {400, "exactly one decimal Content-Length is allowed"};
static const struct refusal two_lengths = {
    400, "Content-Length and Transfer-Encoding exclude each other"};
static const struct refusal bad_coding = {400, "the only transfer coding allowed is chunked, once"};
static const struct refusal other_coding = {501, "the only transfer coding known is chunked"};
static const struct refusal bad_expect = {417, "the only expectation known is 100-continue"};

/* A token's characters (RFC 9110 section 5.6.2) in lower case; 0 is none. */
static const unsigned char token_lower[256] = {
    ['!'] = '!', ['#'] = '#', ['$'] = '$', ['%'] = '%', ['&'] = '&', ['\''] = '\'', ['*'] = '*',
    ['+'] = '+', ['-'] = '-', ['.'] = '.', ['^'] = '^', ['_'] = '_', ['`'] = '`',   ['|'] = '|',
    ['~'] = '~', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4',   ['5'] = '5',
    ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9', ['A'] = 'a', ['B'] = 'b',   ['C'] = 'c',
    ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i',   ['J'] = 'j',
    ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p',   ['Q'] = 'q',
    ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w',   ['X'] = 'x',
    ['Y'] = 'y', ['Z'] = 'z', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd',   ['e'] = 'e',
    ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k',   ['l'] = 'l',
    ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r',   ['s'] = 's',
    ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y',   ['z'] = 'z',
};

bool h1_scan(struct h1_scan *scan, const char *at, size_t len, size_t *ret_len,
             const struct refusal **ret)
{
    *ret = NULL;
    size_t end = len < HEAD_BYTES_MAX ? len : HEAD_BYTES_MAX;
    while (scan->at < end) {
        const char *feed = memchr(at + scan->at, '\n', end - scan->at);
        if (!feed)
            break;
        size_t place = (size_t)(feed - at);
        if (place == scan->line || at[place - 1] != '\r') {
            *ret = &bare_lf;
            return false;
        }
        bool empty = place == scan->line + 1;
        scan->at = scan->line = place + 1;
        if (empty && scan->lines) {
            *ret_len = scan->at;
            return true;
        }
        scan->lines++;
        if (empty || scan->lines > HEADERS_MAX + 1) {
            *ret = empty ? &empty_line : &head_too_large;
            return false;
        }
    }
    scan->at = end;
    if (end == HEAD_BYTES_MAX)
        *ret = scan->lines ? &head_too_large : &target_too_long;
    return false;
}

/* The version, and whether it is ours. */
static const struct refusal *parse_version(struct str version, struct h1_head *head)
{
    if (str_eq(version, STR("HTTP/1.1")))
        return NULL;
    head->http10 = head->close = true;
    if (str_eq(version, STR("HTTP/1.0")))
        return NULL;
    bool well_formed = version.len == 8 && str_starts(version, STR("HTTP/")) &&
                       version.at[5] >= '0' && version.at[5] <= '9' && version.at[6] == '.' &&
                       version.at[7] >= '0' && version.at[7] <= '9';
    return well_formed ? &bad_version : &bad_request_line;
}

/* The forms of RFC 9112 section 3.2. An absolute-form leaves its authority in *ret_authority. */
static const struct refusal *parse_target(struct str target, struct http_request *request,
                                          struct str *ret_authority)
{
    bool absolute = target.at[0] != '/' && !str_eq(target, STR("*"));
    if (str_eq(request->method_text, STR("CONNECT")))
        return &no_connect;
    if (target.len > TARGET_LEN_MAX)
        return &target_too_long;
    if (absolute && !target_take_authority(&target, ret_authority))
        return &bad_target;
    if (absolute && !target.len)
        target = request->method == METHOD_OPTIONS ? STR("*") : STR("/");
    if (!target_split(target, &request->path, &request->query))
        return &bad_target;
    if (target.at[0] == '*' && request->method != METHOD_OPTIONS)
        return &bad_target;
    return NULL;
}

/* method SP target SP version, single spaces (RFC 9112 section 3). */
static const struct refusal *parse_request_line(struct str line, struct http_request *request,
                                                struct h1_head *head, struct str *ret_authority)
{
    size_t space = 0;
    while (space < line.len && token_lower[(unsigned char)line.at[space]])
        space++;
    if (space == 0 || space >= line.len || line.at[space] != ' ')
        return &bad_request_line;
    request->method_text = str_slice(line, 0, space);
    request->method = method_of(request->method_text);
    struct str version = str_slice(line, space + 1, line.len);
    struct str target = str_cut(&version, ' ');
    if (!version.at || !target.len)
        return &bad_request_line;
    const struct refusal *wrong = parse_version(version, head);
    return wrong ? wrong : parse_target(target, request, ret_authority);
}

static bool value_char(unsigned char c)
{
    return (c >= ' ' && c != 0x7f) || c == '\t';
}

/* Eight bytes at a time, since values are most of a head. */
static bool value_valid(const char *at, size_t len)
{
    const uint64_t ones = 0x0101010101010101u, high = ones * 0x80;
    for (; len >= 8; at += 8, len -= 8) {
        uint64_t eight, control, deleted;
        memcpy(&eight, at, 8);
        control = (eight - ones * ' ') & ~eight & high; /* any byte < 0x20 */
        deleted = eight ^ (ones * 0x7f);
        deleted = (deleted - ones) & ~deleted & high; /* any byte == 0x7f */
        if (!(control | deleted))
            continue;
        for (size_t i = 0; i < 8; i++)
            if (!value_char((unsigned char)at[i]))
                return false;
    }
    for (; len; at++, len--)
        if (!value_char((unsigned char)*at))
            return false;
    return true;
}

const struct refusal *h1_field_parse(char *at, size_t len, struct header *ret)
{
    size_t colon = 0;
    unsigned char lower;
    while (colon < len && (lower = token_lower[(unsigned char)at[colon]]))
        at[colon++] = (char)lower;
    if (colon == 0 && len && (at[0] == ' ' || at[0] == '\t'))
        return &folded;
    if (colon == 0 || colon == len || at[colon] != ':')
        return &bad_name;
    ret->name = (struct str){at, colon};
    ret->value = str_trim((struct str){at + colon + 1, len - colon - 1});
    return value_valid(ret->value.at, ret->value.len) ? NULL : &bad_value;
}

/* The fields that say where this message ends, and where it goes. */
struct framing {
    struct str host, length, coding;
    uint32_t hosts, lengths, codings;
    bool close, keep_alive;
    bool expects, expects_other;
};

static void note_connection(struct str value, struct framing *framing)
{
    struct str rest = value;
    while (rest.at) {
        struct str option = str_trim(str_cut(&rest, ','));
        framing->close = framing->close || str_eq_nocase(option, STR("close"));
        framing->keep_alive = framing->keep_alive || str_eq_nocase(option, STR("keep-alive"));
    }
}

static void note(const struct header *field, struct framing *framing)
{
    switch (field->name.len) {
    case 4:
        if (str_eq(field->name, STR("host"))) {
            framing->host = field->value;
            framing->hosts++;
        }
        break;
    case 6:
        if (str_eq(field->name, STR("expect"))) {
            bool known = str_eq_nocase(field->value, STR("100-continue"));
            framing->expects = framing->expects || known;
            framing->expects_other = framing->expects_other || !known;
        }
        break;
    case 10:
        if (str_eq(field->name, STR("connection")))
            note_connection(field->value, framing);
        break;
    case 14:
        if (str_eq(field->name, STR("content-length"))) {
            framing->length = field->value;
            framing->lengths++;
        }
        break;
    case 17:
        if (str_eq(field->name, STR("transfer-encoding"))) {
            framing->coding = field->value;
            framing->codings++;
        }
        break;
    default:
        break;
    }
}

static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!token_lower[(unsigned char)s.at[i]])
            return false;
    return s.len > 0;
}

/* RFC 9112 sections 6.1 to 6.3, without any of their repairs. */
static const struct refusal *judge_length(const struct framing *framing, struct h1_head *head)
{
    if (framing->codings && framing->lengths)
        return &two_lengths;
    if (framing->lengths > 1 || (framing->lengths && !str_to_u64(framing->length, &head->length)))
        return &bad_length;
    if (!framing->codings)
        return NULL;
    if (framing->codings > 1 || head->http10)
        return &bad_coding;
    head->chunked = str_eq_nocase(framing->coding, STR("chunked"));
    if (!head->chunked)
        return is_token(framing->coding) ? &other_coding : &bad_coding;
    return NULL;
}

static const struct refusal *judge(const struct framing *framing, struct str authority,
                                   struct h1_head *head)
{
    if (framing->hosts > 1 || (!framing->hosts && !head->http10) ||
        (framing->hosts && !authority_valid(framing->host)))
        return &bad_host;
    if (authority.at && framing->hosts && !str_eq_nocase(authority, framing->host))
        return &other_host;
    const struct refusal *wrong = judge_length(framing, head);
    if (wrong)
        return wrong;
    if (!head->http10 && framing->expects_other)
        return &bad_expect;
    head->expects = framing->expects && !head->http10;
    head->close = framing->close || (head->http10 && !framing->keep_alive);
    return NULL;
}

const struct refusal *h1_head_parse(char *at, size_t len, struct header *headers,
                                    uint32_t header_cap, struct http_request *request,
                                    struct h1_head *ret)
{
    struct framing framing = {0};
    struct str authority = STR_NONE;
    const struct refusal *wrong = NULL;
    *ret = (struct h1_head){0};
    request->headers = headers;
    request->header_count = 0;
    bool first = true;
    for (char *end = at + len; !wrong && at + 2 < end; first = false) {
        char *feed = memchr(at, '\n', (size_t)(end - at));
        size_t line = (size_t)(feed - at) - 1; /* h1_scan has seen a CR before each LF */
        if (first) {
            wrong = parse_request_line((struct str){at, line}, request, ret, &authority);
        } else {
            must(request->header_count < header_cap);
            struct header *field = &headers[request->header_count];
            wrong = h1_field_parse(at, line, field);
            if (!wrong) {
                note(field, &framing);
                request->header_count++;
            }
        }
        at = feed + 1;
    }
    return wrong ? wrong : judge(&framing, authority, ret);
}
