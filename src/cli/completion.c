/* cli/completion.c - the completions of bash, zsh and fish, written from cli.def. */
#include "cli/usage.h"

/* The first words of commands, or the second ones behind `first`. */
static void words_print(struct str first, FILE *out)
{
    struct str last = STR_NONE;
    for (enum command c = 0; c < COMMAND_COUNT; c++) {
        struct str rest = str_of(command_rows[c].words), word = str_cut(&rest, ' ');
        if (first.at && (!rest.at || !str_eq(first, word)))
            continue;
        struct str shown = first.at ? rest : word;
        if (!str_eq(shown, last))
            fprintf(out, "%s%.*s", last.at ? " " : "", STR_ARG(shown));
        last = shown;
    }
}

static void options_print(enum command command, FILE *out)
{
    const char *separator = "";
    for (enum option option = 0; option < OPTION_COUNT; option++)
        if (command_takes(command, option)) {
            fprintf(out, "%s--%s", separator, option_rows[option].name);
            separator = " ";
        }
}

/* bash, and zsh by its bashcompinit. */
static void bash_print(FILE *out)
{
    fputs("_bongsu() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words=\n"
          "    case $before in\n"
          "    --config|-c|--ca) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
          "    --channel) COMPREPLY=($(compgen -W 'push sms email' -- \"$word\")); return ;;\n"
          "    --priority) COMPREPLY=($(compgen -W 'critical high normal low' -- \"$word\")); "
          "return ;;\n"
          "    --mode) COMPREPLY=($(compgen -W 'live test' -- \"$word\")); return ;;\n"
          "    esac\n"
          "    case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n",
          out);
    for (enum command c = 0; c < COMMAND_COUNT; c++) {
        bool two = strchr(command_rows[c].words, ' ');
        fprintf(out, "    \"%s%s\"*) words='", command_rows[c].words, two ? "" : " ");
        options_print(c, out);
        fputs("' ;;\n", out);
    }
    fputs("    esac\n    if ((COMP_CWORD == 1)); then words='", out);
    words_print(STR_NONE, out);
    fputs("'\n    elif ((COMP_CWORD == 2)); then\n        case ${COMP_WORDS[1]} in\n", out);
    struct str last = STR_NONE;
    for (enum command c = 0; c < COMMAND_COUNT; c++) {
        struct str rest = str_of(command_rows[c].words), first = str_cut(&rest, ' ');
        if (!rest.at || str_eq(first, last))
            continue;
        fprintf(out, "        %.*s) words='", STR_ARG(first));
        words_print(first, out);
        fputs("' ;;\n", out);
        last = first;
    }
    fputs("        esac\n    fi\n"
          "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
          "    [[ ${COMP_WORDS[1]} == template && $word != -* ]] && "
          "COMPREPLY+=($(compgen -f -- \"$word\"))\n"
          "    return 0\n}\n"
          "complete -F _bongsu bongsu\n",
          out);
}

static void fish_quoted(const char *text, FILE *out)
{
    fputc('\'', out);
    for (; *text; text++)
        if (*text == '\'' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    fputc('\'', out);
}

static void fish_command(enum command command, FILE *out)
{
    const struct command_row *row = &command_rows[command];
    struct str rest = str_of(row->words), first = str_cut(&rest, ' ');
    if (rest.at)
        fprintf(out,
                "complete -c bongsu -f -n '__fish_seen_subcommand_from %.*s; and not "
                "__fish_seen_subcommand_from %.*s' -a %.*s -d ",
                STR_ARG(first), STR_ARG(rest), STR_ARG(rest));
    else
        fprintf(out, "complete -c bongsu -f -n __fish_use_subcommand -a %s -d ", row->words);
    fish_quoted(row->text, out);
    fputc('\n', out);
    for (enum option option = 0; option < OPTION_COUNT; option++) {
        const struct option_row *known = &option_rows[option];
        if (!command_takes(command, option))
            continue;
        fprintf(out, "complete -c bongsu -n '__fish_seen_subcommand_from %.*s%s%.*s' -l %s",
                STR_ARG(first), rest.at ? "; and __fish_seen_subcommand_from " : "", STR_ARG(rest),
                known->name);
        if (known->letter)
            fprintf(out, " -s %c", known->letter);
        fputs(known->value ? " -r -d " : " -d ", out);
        fish_quoted(known->text, out);
        fputc('\n', out);
    }
}

static void fish_print(FILE *out)
{
    struct str last = STR_NONE;
    for (enum command c = 0; c < COMMAND_COUNT; c++) {
        struct str rest = str_of(command_rows[c].words), first = str_cut(&rest, ' ');
        if (rest.at && !str_eq(first, last)) {
            fprintf(out, "complete -c bongsu -f -n __fish_use_subcommand -a %.*s\n",
                    STR_ARG(first));
            last = first;
        }
        fish_command(c, out);
    }
}

bool completion_print(struct str shell, FILE *out)
{
    if (str_eq(shell, STR("bash"))) {
        bash_print(out);
    } else if (str_eq(shell, STR("zsh"))) {
        fputs("#compdef bongsu\nautoload -U +X bashcompinit && bashcompinit\n", out);
        bash_print(out);
        fputs("_bash_complete -F _bongsu\n", out); /* this first time, too */
    } else if (str_eq(shell, STR("fish"))) {
        fish_print(out);
    } else {
        return false;
    }
    return true;
}
