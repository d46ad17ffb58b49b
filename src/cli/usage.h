/* cli/usage.h - what --help says, and the shells' completions: cli.def as text. */
#pragma once
#include "cli/args.h"
#include <stdio.h>

void usage_all(FILE *out);
void usage_command(enum command command, FILE *out);
/* False if there is no such shell: bash, zsh and fish are known. */
bool completion_print(struct str shell, FILE *out);
