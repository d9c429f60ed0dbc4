/* Files: whole reads, atomic durable writes, folders, and scratch folders that the next run cleans up. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Appends the whole file to out. ERR_NOT_FOUND when it is not there, ERR_IO otherwise; ERR_DATA above max_bytes. */
bool file_read(const char *path, uint64_t max_bytes, struct buf *out, struct err *e);

/* Writes path whole or not at all: temporary file beside it, fsync, rename, fsync of the folder. */
bool file_write_atomic(const char *path, const void *data, size_t len, struct err *e);

/* mkdir -p with mode 0700 for what it makes. An existing folder is fine. */
bool file_make_dirs(const char *path, struct err *e);

bool file_fsync_path(const char *path, struct err *e); /* file or folder */

/* A descriptor for reading that the caller closes; -1 and e set (ERR_IO) on failure. */
int file_open_read(const char *path, struct err *e);

/* All of len bytes at offset, EINTR and short counts handled. Reading past the end is ERR_DATA. */
bool file_pread_all(int fd, void *data, size_t len, uint64_t offset, const char *name,
		    struct err *e);
bool file_write_all(int fd, const void *data, size_t len, const char *name, struct err *e);

/* Bytes of the regular files right in the folder, of so many of its entries at most. What cannot be read counts 0. */
uint64_t file_folder_bytes(const char *path, size_t entries_max);

/* Folder and everything in it. Symbolic links are removed, never followed. A missing folder is fine. */
bool file_remove_tree(const char *path, struct err *e);

/*
 * A folder of one process, locked by flock(2) for as long as it lives, so that whoever comes later knows
 * which of its siblings belong to the dead.
 */
struct scratch;

/* Makes parent (if need be) and a fresh locked folder in it, and removes siblings whose owners are gone. */
struct scratch *scratch_open(const char *parent, struct err *e);
const char *scratch_path(const struct scratch *s);
/* Removes the folder and its contents. NULL is fine. */
void scratch_close(struct scratch *s);

#endif
