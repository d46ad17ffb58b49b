/* check.h - what a configuration promises beyond its own text: that its certificates open, and its
 * store can be reached. */
#pragma once
#include "conf/config.h"
#include <stdio.h>

/* Adds a fault for each that does not; OK if there is none. Opens and closes again, calls nobody.
 */
enum err check_config(const struct config *config, struct config_faults *faults) must_use;
enum { CHECK_TEXT_MAX = 4096 + 3 * WHY_MAX };
/* FILE:LINE:COLUMN: what; remedy. */
void check_format(const char *path, const struct config_fault *fault, char into[CHECK_TEXT_MAX]);
/* One line a fault: FILE:LINE:COLUMN: what; remedy. */
void check_print(const char *path, const struct config_faults *faults, FILE *out);
