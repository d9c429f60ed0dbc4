/* Reading bytes at an offset, wherever they live: a file, memory, an object by ranged GETs. */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct io_reader {
	/* Exactly len bytes from offset, or false. May block. */
	bool (*read_at)(void *ctx, uint64_t offset, void *data, size_t len, struct err *e);
	void *ctx;
	uint64_t size_bytes;
	const char *name; /* for messages; borrowed */
	const int *
		sealed_fd; /* NULL, or of a file that is just this and that nobody will write to again */
};

/* Bounds-checked: reading past size_bytes is ERR_DATA and never reaches the reader. */
bool io_read_at(const struct io_reader *r, uint64_t offset, void *data, size_t len, struct err *e);

/* Over a file descriptor that stays the caller's; size by fstat(2). *fd must outlive the reader. */
bool io_reader_from_fd(struct io_reader *r, int *fd, const char *name, struct err *e);

/* The same for a file that nobody will write to again: whoever reads it may as well take the file itself. */
bool io_reader_from_sealed_fd(struct io_reader *r, int *fd, const char *name, struct err *e);

/* Over memory that stays the caller's. */
struct io_memory {
	const uint8_t *data;
	size_t len;
};
void io_reader_from_memory(struct io_reader *r, struct io_memory *m, const char *name);

#endif
