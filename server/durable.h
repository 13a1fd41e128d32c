/*
 * durable.h - a small file that is there whole, before a crash and after it.
 *
 * What the daemon keeps for itself lies in one folder (settings_state_dir()). A file
 * is written beside its place, forced to the disk and renamed over the old one, so
 * a reader sees either the old or the new. One writer at a time for each file; blocks
 * on the disk.
 */
#ifndef SERVER_DURABLE_H
#define SERVER_DURABLE_H

#include <stddef.h>

/*
 * The folder is this process's as long as the descriptor is open, so that no other
 * daemon writes over what this one has saved. Returns the descriptor, or a negative
 * errno with "folder: why" in error[size]; -EADDRINUSE: another has it.
 */
int durable_own(const char *folder, char *error, size_t size);

enum durable_outcome {
	DURABLE_SAVED,	   /* it is on the disk */
	DURABLE_UNCHANGED, /* the file is as it was */
	DURABLE_UNSURE, /* the new one is in its place, but may not survive a crash */
};

/*
 * Replaces folder/name, mode 0600. Returns DURABLE_SAVED, or else another outcome
 * with "path: why" in error[size].
 */
enum durable_outcome durable_write(const char *folder, const char *name,
    const void *data, size_t len, char *error, size_t size);

/* For people: "saved", "the file is as it was", ... */
const char *durable_outcome_text(enum durable_outcome outcome);

#endif
