/* cli/cli.h - the part of the command line that needs no server's code: everything but `serve` and
 * `check`, which main.c answers itself. */
#pragma once
#include "cli/args.h"
#include <stdio.h>

/* Runs the command and returns its exit code. Requires none of COMMAND_SERVE, COMMAND_CHECK,
 * COMMAND_STORE_VERIFY and COMMAND_STORE_MIGRATE, unless --help is given. */
int cli_run(const struct args *args, const char *version, FILE *out, FILE *err);
