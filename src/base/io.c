#include "base/io.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

bool io_read_at(const struct io_reader *r, uint64_t offset, void *data, size_t len, struct err *e)
{
	if (offset > r->size_bytes || len > r->size_bytes - offset)
		return err_set(e, ERR_DATA, "\"%s\" ends before byte %llu", r->name,
			       (unsigned long long)(offset + len));
	return r->read_at(r->ctx, offset, data, len, e);
}

static bool fd_read_at(void *ctx, uint64_t offset, void *data, size_t len, struct err *e)
{
	return file_pread_all(*(int *)ctx, data, len, offset, "file", e);
}

bool io_reader_from_fd(struct io_reader *r, int *fd, const char *name, struct err *e)
{
	struct stat st;

	if (fstat(*fd, &st) != 0)
		return err_set_errno(e, ERR_IO, errno, "could not read the size of \"%s\"", name);
	*r = (struct io_reader){
		.read_at = fd_read_at, .ctx = fd, .size_bytes = (uint64_t)st.st_size, .name = name
	};
	return true;
}

bool io_reader_from_sealed_fd(struct io_reader *r, int *fd, const char *name, struct err *e)
{
	if (!io_reader_from_fd(r, fd, name, e))
		return false;
	r->sealed_fd = fd;
	return true;
}

static bool memory_read_at(void *ctx, uint64_t offset, void *data, size_t len, struct err *e)
{
	const struct io_memory *m = ctx;

	(void)e;
	memcpy(data, m->data + offset, len);
	return true;
}

void io_reader_from_memory(struct io_reader *r, struct io_memory *m, const char *name)
{
	*r = (struct io_reader){
		.read_at = memory_read_at, .ctx = m, .size_bytes = m->len, .name = name
	};
}
