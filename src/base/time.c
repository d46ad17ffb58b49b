/* base/time.c - see time.h. The civil calendar is the proleptic Gregorian one. */
#include "base/time.h"
#include "base/err.h"
#include <stdio.h>

enum { MS_DAY = 86400000 };

struct civil {
    int64_t year;
    unsigned month, day; /* from 1 */
};

/* Days since 1970-01-01, by eras of 400 years (146,097 days) that begin on 1 March. */
static int64_t days_of(struct civil c)
{
    int64_t year = c.year - (c.month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t in_era = year - era * 400;
    int64_t in_year =
        (153 * ((int64_t)c.month + (c.month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)c.day - 1;
    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static struct civil civil_of(int64_t days)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t in_era = days - era * 146097;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * in_year + 2) / 153;
    return (struct civil){
        .year = year + era * 400 + (month >= 10),
        .month = (unsigned)(month < 10 ? month + 3 : month - 9),
        .day = (unsigned)(in_year - (153 * month + 2) / 5 + 1),
    };
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static unsigned days_in(int64_t year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

void wall_format(struct wall at, char into[WALL_TEXT_SIZE])
{
    int64_t days = floor_div(at.ms, MS_DAY);
    unsigned ms = (unsigned)(at.ms - days * MS_DAY);
    struct civil c = civil_of(days);
    must(c.year >= 0 && c.year <= 9999);
    int len =
        snprintf(into, WALL_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)c.year,
                 c.month, c.day, ms / 3600000 % 24, ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
    must(len == WALL_TEXT_SIZE - 1);
}

/* Takes exactly `count` digits off the front. */
static bool take_digits(struct str *s, unsigned count, unsigned *ret)
{
    uint64_t value;
    if (s->len < count || !str_to_u64((struct str){s->at, count}, &value))
        return false;
    *s = str_slice(*s, count, s->len);
    *ret = (unsigned)value;
    return true;
}

static bool take_char(struct str *s, char c)
{
    if (!s->len || s->at[0] != c)
        return false;
    *s = str_slice(*s, 1, s->len);
    return true;
}

static bool clock_valid(unsigned hour, unsigned minute, unsigned second)
{
    return hour < 24 && minute < 60 && second < 61; /* 60: a leap second */
}

static bool date_valid(unsigned year, unsigned month, unsigned day)
{
    return month >= 1 && month <= 12 && day >= 1 && day <= days_in(year, month);
}

static struct wall wall_of(unsigned year, unsigned month, unsigned day, unsigned second_of_day)
{
    return (struct wall){days_of((struct civil){year, month, day}) * MS_DAY +
                         (int64_t)second_of_day * 1000};
}

static bool take_fraction(struct str *s, unsigned *ret_ms)
{
    unsigned scale = 100;
    *ret_ms = 0;
    if (!take_char(s, '.'))
        return true;
    unsigned digit;
    if (!s->len || !take_digits(s, 1, &digit))
        return false;
    for (;;) {
        *ret_ms += digit * scale;
        scale /= 10;
        if (!s->len || s->at[0] < '0' || s->at[0] > '9')
            return true;
        if (!take_digits(s, 1, &digit))
            return false;
    }
}

static bool take_offset(struct str *s, int *ret_minutes)
{
    *ret_minutes = 0;
    if (take_char(s, 'Z') || take_char(s, 'z'))
        return true;
    bool minus = s->len && s->at[0] == '-';
    unsigned hours, minutes;
    if (!take_char(s, minus ? '-' : '+') || !take_digits(s, 2, &hours) || !take_char(s, ':') ||
        !take_digits(s, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ret_minutes = (int)(hours * 60 + minutes) * (minus ? -1 : 1);
    return true;
}

bool wall_parse(struct str s, struct wall *ret)
{
    unsigned year, month, day, hour, minute, second, ms;
    int offset;
    if (!take_digits(&s, 4, &year) || !take_char(&s, '-') || !take_digits(&s, 2, &month) ||
        !take_char(&s, '-') || !take_digits(&s, 2, &day))
        return false;
    if (!take_char(&s, 'T') && !take_char(&s, 't') && !take_char(&s, ' '))
        return false;
    if (!take_digits(&s, 2, &hour) || !take_char(&s, ':') || !take_digits(&s, 2, &minute) ||
        !take_char(&s, ':') || !take_digits(&s, 2, &second) || !take_fraction(&s, &ms) ||
        !take_offset(&s, &offset) || s.len)
        return false;
    if (!date_valid(year, month, day) || !clock_valid(hour, minute, second))
        return false;
    struct wall at = wall_of(year, month, day, hour * 3600 + minute * 60 + second);
    *ret = (struct wall){at.ms + ms - (int64_t)offset * 60000};
    return ret->ms >= wall_of(0, 1, 1, 0).ms && ret->ms < wall_of(9999, 12, 31, 0).ms + MS_DAY;
}

static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char day_names[7][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};

static bool take_month(struct str *s, unsigned *ret)
{
    for (unsigned i = 0; i < 12; i++)
        if (str_starts(*s, str_of(month_names[i]))) {
            *s = str_slice(*s, 3, s->len);
            *ret = i + 1;
            return true;
        }
    return false;
}

static bool take_clock(struct str *s, unsigned *ret_second)
{
    unsigned hour, minute, second;
    if (!take_digits(s, 2, &hour) || !take_char(s, ':') || !take_digits(s, 2, &minute) ||
        !take_char(s, ':') || !take_digits(s, 2, &second) || !clock_valid(hour, minute, second))
        return false;
    *ret_second = hour * 3600 + minute * 60 + second;
    return true;
}

/* "06 Nov 1994 08:49:37 GMT", or with hyphens and two digits of the year (RFC 850). */
static bool parse_date1(struct str s, bool old, struct wall *ret)
{
    char separator = old ? '-' : ' ';
    unsigned year, month, day, second;
    if (!take_digits(&s, 2, &day) || !take_char(&s, separator) || !take_month(&s, &month) ||
        !take_char(&s, separator) || !take_digits(&s, old ? 2 : 4, &year) || !take_char(&s, ' ') ||
        !take_clock(&s, &second) || !str_eq(s, STR(" GMT")))
        return false;
    if (old)
        year += year < 70 ? 2000 : 1900;
    if (!date_valid(year, month, day))
        return false;
    *ret = wall_of(year, month, day, second);
    return true;
}

/* "Nov  6 08:49:37 1994" (asctime). */
static bool parse_asctime(struct str s, struct wall *ret)
{
    unsigned year, month, day, second;
    if (!take_month(&s, &month) || !take_char(&s, ' '))
        return false;
    bool padded = take_char(&s, ' ');
    if (!take_digits(&s, padded ? 1 : 2, &day) || !take_char(&s, ' ') || !take_clock(&s, &second) ||
        !take_char(&s, ' ') || !take_digits(&s, 4, &year) || s.len || !date_valid(year, month, day))
        return false;
    *ret = wall_of(year, month, day, second);
    return true;
}

bool wall_parse_http(struct str s, struct wall *ret)
{
    struct str rest = s;
    struct str name = str_cut(&rest, ',');
    if (!rest.at) {
        struct str after = s;
        (void)str_cut(&after, ' ');
        return after.at && parse_asctime(after, ret);
    }
    return take_char(&rest, ' ') && parse_date1(rest, name.len > 3, ret);
}

static void format_date(struct wall at, const char *zone, char *into, size_t size)
{
    int64_t days = floor_div(at.ms, MS_DAY);
    unsigned second = (unsigned)((at.ms - days * MS_DAY) / 1000);
    struct civil c = civil_of(days);
    must(c.year >= 0 && c.year <= 9999);
    int64_t weekday = days % 7 < 0 ? days % 7 + 7 : days % 7;
    int len = snprintf(into, size, "%s, %02u %s %04u %02u:%02u:%02u %s", day_names[weekday], c.day,
                       month_names[c.month - 1], (unsigned)c.year, second / 3600, second / 60 % 60,
                       second % 60, zone);
    must(len > 0 && (size_t)len < size);
}

void wall_format_http(struct wall at, char into[HTTP_DATE_SIZE])
{
    format_date(at, "GMT", into, HTTP_DATE_SIZE);
}

void wall_format_mail(struct wall at, char into[MAIL_DATE_SIZE])
{
    format_date(at, "+0000", into, MAIL_DATE_SIZE);
}

bool span_parse(struct str text, struct span *ret)
{
    static const struct {
        struct str unit;
        int64_t us;
    } units[] = {
        {STR_INIT("ms"), 1000},      {STR_INIT("s"), 1000000},     {STR_INIT("m"), 60000000},
        {STR_INIT("h"), 3600000000}, {STR_INIT("d"), 86400000000},
    };
    size_t digits = 0;
    while (digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9')
        digits++;
    int64_t number;
    if (!str_to_i64(str_slice(text, 0, digits), &number))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (str_eq(str_slice(text, digits, text.len), units[i].unit))
            return !__builtin_mul_overflow(number, units[i].us, &ret->us);
    return false;
}
