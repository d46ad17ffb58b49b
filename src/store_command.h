/* store_command.h - `bongsu store ...`: done here if no server has the store open, else asked of
 * it.
 */
#pragma once
#include "cli/args.h"
#include "conf/config.h"
#include <stdio.h>

/* An exit code of sysexits.h; `verify` returns 1 if it finds a fault. */
int store_command(const struct args *args, const struct config *config, FILE *out, FILE *err);
