/* runtime/notes_file.h - the notes of model/note.h in a file that is mapped shared.
 *
 * What is written there is in the kernel's page cache and outlives the process, whatever ends it,
 * but not the machine: notes of another boot (/proc/sys/kernel/random/boot_id) are not believed.
 * Threads: any, one at a time; the notes themselves as note.h says.
 */
#pragma once
#include "model/note.h"

struct notes_file;

/* What the last process left behind in this directory; nothing is known if there is no file, or it
 * cannot be believed. ERR_MEMORY: the arena. */
enum err notes_file_read(const char *directory, struct arena *arena,
                         struct crash_notes *ret) must_use;
/* Makes a new one, its place on the disk allocated; the old one goes in any case. Nobody else may
 * have the directory: behind the store's lock. ERR_IO, ERR_FULL, ERR_MEMORY: go on without. */
enum err notes_file_open(const char *directory, const struct crash_notes *found,
                         struct notes_file **ret, struct why *why) must_use;
struct notes *notes_file_notes(struct notes_file *file);
/* NULL is allowed. */
void notes_file_close(struct notes_file *file);
