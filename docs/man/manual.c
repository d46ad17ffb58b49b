/* docs/man/manual.c - writes a manual page: copies a page, and puts in what tables already say.
 *
 * manual PAGE: to standard output. A line `.\" @commands@` becomes the commands and their options
 * (cli/cli.def), `.\" @keys SECTION@` the keys of a section (conf/config.def), `.\" @retry@` the
 * retry defaults, `.\" @drivers@` each driver's settings (provider/providers.def).
 */
#include "cli/args.h"
#include "model/names.h"
#include "port/provider.h"
#include <stdio.h>

struct key {
    const char *section, *name, *fallback, *text;
    bool required;
};

static const struct key keys[] = {
#define ROW(section, key, type, of, member, fallback, min, max, text)                              \
    {#section, key, fallback, text, false},
#define PART(section, key, read, required, text) {#section, key, NULL, text, required},
#include "conf/config.def"
};

static const struct {
    const char *priority, *first, *max, *attempts;
} retries[] = {
#define RETRY_DEFAULT(priority, first, max, attempts) {#priority, first, max, attempts},
#include "conf/config.def"
};

/* Text for roff: a backslash and a leading dot or quote would be read as its own. */
static void put(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text; text++)
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else
            putchar(*text);
}

static void put_commands(void)
{
    for (enum command c = 0; c < COMMAND_COUNT; c++) {
        const struct command_row *row = &command_rows[c];
        printf(".SS bongsu %s %s\n", row->words, row->operands);
        put(row->text);
        puts(".");
        for (enum option option = 0; option < OPTION_COUNT; option++) {
            const struct option_row *known = &option_rows[option];
            if (!command_takes(c, option) || option == OPTION_HELP || option == OPTION_URL ||
                option == OPTION_JSON || option == OPTION_CA)
                continue;
            fputs(".TP\n.B ", stdout);
            if (known->letter)
                printf("\\-%c, ", known->letter);
            printf("\\-\\-");
            put(known->name);
            if (known->value)
                printf(" \\fI%s\\fR", known->value);
            putchar('\n');
            put(known->text);
            puts(".");
        }
    }
}

static void put_keys(struct str section)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (!str_eq(str_of(keys[i].section), section))
            continue;
        printf(".TP\n.B %s\n", keys[i].name);
        put(keys[i].text);
        if (keys[i].required)
            fputs(" Required.", stdout);
        if (keys[i].fallback)
            printf(" Default: %s.", keys[i].fallback);
        putchar('\n');
    }
}

static void put_retries(void)
{
    for (size_t i = 0; i < sizeof retries / sizeof *retries; i++)
        printf(".TP\n.B %.*s\nfirst %s, max %s, attempts %s\n",
               STR_ARG(priority_name((enum priority)i)), retries[i].first, retries[i].max,
               retries[i].attempts);
}

static void put_drivers(void)
{
    size_t count;
    const struct provider_ops *const *all = provider_all(&count);
    for (size_t i = 0; i < count; i++) {
        printf(".TP\n.B %.*s\nServes", STR_ARG(all[i]->driver));
        const char *before = " ";
        for (unsigned kind = 0; kind < KIND_COUNT; kind++)
            if (all[i]->kinds & 1u << kind) {
                printf("%s%.*s", before, STR_ARG(kind_name((enum kind)kind)));
                before = ", ";
            }
        puts(".");
        for (const struct setting_def *def = all[i]->settings; def && def->name.at; def++)
            printf("\\fB%.*s\\fR%s%s%s\n", STR_ARG(def->name),
                   def->required || def->secret ? " (" : "", def->required ? "required" : "",
                   def->secret     ? def->required ? ", secret)" : "secret)"
                   : def->required ? ")"
                                   : "");
    }
}

static void put_line(const char *line)
{
    static const char mark[] = ".\\\" @";
    struct str rest = str_of(line);
    if (strncmp(line, mark, sizeof mark - 1) != 0) {
        fputs(line, stdout);
        return;
    }
    rest = str_slice(rest, sizeof mark - 1, rest.len);
    struct str name = str_cut(&rest, '@');
    if (str_eq(name, STR("commands")))
        put_commands();
    else if (str_eq(name, STR("retry")))
        put_retries();
    else if (str_eq(name, STR("drivers")))
        put_drivers();
    else if (str_starts(name, STR("keys ")))
        put_keys(str_slice(name, 5, name.len));
}

int main(int argc, char **argv)
{
    char line[4096];
    FILE *page = argc == 2 ? fopen(argv[1], "re") : NULL;
    if (!page) {
        fputs("usage: manual PAGE\n", stderr);
        return 1;
    }
    while (fgets(line, sizeof line, page))
        put_line(line);
    fclose(page);
    return fflush(stdout) ? 1 : 0;
}
