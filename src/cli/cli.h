/* cli/cli.h - the part of the command line that needs no server's code: everything but `serve` and
 * `check`, which main.c answers itself. */
#pragma once
#include "cli/args.h"
#include <stdio.h>

/* Runs the command and returns its exit code. Requires neither COMMAND_SERVE nor COMMAND_CHECK,
 * unless --help is given. */
int cli_run(const struct args *args, const char *version, FILE *out, FILE *err);
