#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define SCRATCH_PREFIX    "firn-scratch-"
#define UNFINISHED_PREFIX "firn-new-"

bool file_read(const char *path, uint64_t max_bytes, struct buf *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t total = 0;
	bool ok = false;

	if (fd < 0)
		return err_set_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno,
				     "could not open file \"%s\"", path);
	for (;;) {
		uint8_t *at = buf_reserve(out, 65536);
		ssize_t n;

		if (!at) {
			err_no_memory(e);
			break;
		}
		n = read(fd, at, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_set_errno(e, ERR_IO, errno, "could not read file \"%s\"", path);
			break;
		}
		if (n == 0) {
			ok = true;
			break;
		}
		out->len += (size_t)n;
		total += (uint64_t)n;
		if (total > max_bytes) {
			err_set(e, ERR_DATA, "file \"%s\" is larger than %llu bytes", path,
				(unsigned long long)max_bytes);
			break;
		}
	}
	close(fd);
	return ok;
}

bool file_fsync_path(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = true;

	if (fd < 0)
		return err_set_errno(e, ERR_IO, errno, "could not open \"%s\"", path);
	if (fsync(fd) != 0)
		ok = err_set_errno(e, ERR_IO, errno, "could not sync \"%s\"", path);
	close(fd);
	return ok;
}

int file_open_read(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err_set_errno(e, ERR_IO, errno, "could not open file \"%s\"", path);
	return fd;
}

bool file_pread_all(int fd, void *data, size_t len, uint64_t offset, const char *name,
		    struct err *e)
{
	uint8_t *at = data;

	while (len > 0) {
		ssize_t n = pread(fd, at, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(e, ERR_IO, errno, "could not read \"%s\"", name);
		if (n == 0)
			return err_set(e, ERR_DATA, "\"%s\" ends too early", name);
		at += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return true;
}

bool file_write_all(int fd, const void *data, size_t len, const char *name, struct err *e)
{
	const uint8_t *at = data;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(e, ERR_IO, errno, "could not write \"%s\"", name);
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/* The folder that holds path, fsynced, so that a rename in it survives power loss. */
static bool fsync_parent(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? mem_strndup(path, slash == path ? 1 : (size_t)(slash - path), e)
			  : mem_strdup(".", e);
	bool ok;

	if (!dir)
		return false;
	ok = file_fsync_path(dir, e);
	free(dir);
	return ok;
}

bool file_write_atomic(const char *path, const void *data, size_t len, struct err *e)
{
	struct buf tmp = BUF_INIT;
	bool ok = false;
	int fd = -1;

	buf_printf(&tmp, "%s.tmp-XXXXXX", path);
	if (!buf_ok(&tmp, e))
		goto out;
	buf_str(&tmp);
	fd = mkostemp((char *)tmp.data, O_CLOEXEC);
	if (fd < 0) {
		err_set_errno(e, ERR_IO, errno, "could not create file \"%s\"", buf_str(&tmp));
		goto out;
	}
	ok = file_write_all(fd, data, len, buf_str(&tmp), e);
	if (ok && fsync(fd) != 0)
		ok = err_set_errno(e, ERR_IO, errno, "could not sync file \"%s\"", buf_str(&tmp));
	if (close(fd) != 0 && ok)
		ok = err_set_errno(e, ERR_IO, errno, "could not close file \"%s\"", buf_str(&tmp));
	if (ok && rename(buf_str(&tmp), path) != 0)
		ok = err_set_errno(e, ERR_IO, errno, "could not rename file \"%s\" to \"%s\"",
				   buf_str(&tmp), path);
	if (!ok)
		unlink(buf_str(&tmp));
	else
		ok = fsync_parent(path, e);
out:
	buf_release(&tmp);
	return ok;
}

bool file_make_dirs(const char *path, struct err *e)
{
	char *copy = mem_strdup(path, e);
	bool ok = true;

	if (!copy)
		return false;
	for (char *at = copy + 1; ok; at++) {
		char saved = *at;

		if (saved != '/' && saved != '\0')
			continue;
		*at = '\0';
		if (mkdir(copy, 0700) != 0 && errno != EEXIST)
			ok = err_set_errno(e, ERR_IO, errno, "could not create folder \"%s\"",
					   copy);
		*at = saved;
		if (!saved)
			break;
	}
	free(copy);
	return ok;
}

uint64_t file_folder_bytes(const char *path, size_t entries_max)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	uint64_t bytes = 0;
	struct stat st;

	while (dir && entries_max-- > 0 && (entry = readdir(dir)) != NULL)
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			bytes += (uint64_t)st.st_size;
	if (dir)
		closedir(dir);
	return bytes;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

bool file_remove_tree(const char *path, struct err *e)
{
	if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
		return err_set_errno(e, ERR_IO, errno, "could not remove folder \"%s\"", path);
	return true;
}

struct scratch {
	char *path;
	int lock_fd;
};

/* A folder has its final name only once it is locked. Under the other it belongs to someone who is just making it, or
 * who died just then, as one does whose lock file is gone to one who is just removing it: an hour decides. */
static bool owner_is_gone(int parent_fd, const char *name)
{
	struct stat st;
	int fd = -1, dir_fd;
	bool gone;

	if (!str_starts_with(name, SCRATCH_PREFIX) && !str_starts_with(name, UNFINISHED_PREFIX))
		return false;
	dir_fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir_fd < 0)
		return false;
	if (str_starts_with(name, SCRATCH_PREFIX))
		fd = openat(dir_fd, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0) {
		gone = flock(fd, LOCK_EX | LOCK_NB) == 0;
		close(fd);
	} else {
		gone = fstat(dir_fd, &st) == 0 && time(NULL) - st.st_mtime > 3600;
	}
	close(dir_fd);
	return gone;
}

static void sweep(const char *parent)
{
	DIR *dir = opendir(parent);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)) != NULL) {
		struct buf path = BUF_INIT;
		struct err ignored;

		if (!owner_is_gone(dirfd(dir), entry->d_name))
			continue;
		buf_printf(&path, "%s/%s", parent, entry->d_name);
		if (buf_ok(&path, &ignored))
			file_remove_tree(buf_str(&path), &ignored);
		buf_release(&path);
	}
	closedir(dir);
}

/* Locks the folder, and only then gives it the name by which others judge it by its lock. */
static bool lock_and_name(struct scratch *s, const char *parent, struct err *e)
{
	struct buf path = BUF_INIT;
	char *named;
	bool ok = false;

	buf_printf(&path, "%s/lock", s->path);
	if (!buf_ok(&path, e))
		goto out;
	s->lock_fd = open(buf_str(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0 || flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		err_set_errno(e, ERR_IO, errno, "could not lock \"%s\"", buf_str(&path));
		goto out;
	}
	buf_clear(&path);
	buf_printf(&path, "%s/" SCRATCH_PREFIX "%s", parent,
		   s->path + strlen(parent) + strlen("/" UNFINISHED_PREFIX));
	named = buf_take(&path, e);
	if (!named)
		goto out;
	ok = rename(s->path, named) == 0 ||
	     err_set_errno(e, ERR_IO, errno, "could not rename \"%s\"", s->path);
	if (ok) {
		free(s->path);
		s->path = named;
	} else {
		free(named);
	}
out:
	buf_release(&path);
	return ok;
}

struct scratch *scratch_open(const char *parent, struct err *e)
{
	struct scratch *s = NULL;
	struct buf path = BUF_INIT;

	if (!file_make_dirs(parent, e))
		return NULL;
	sweep(parent);
	s = mem_new(1, sizeof(*s), e);
	if (!s)
		return NULL;
	s->lock_fd = -1;
	buf_printf(&path, "%s/" UNFINISHED_PREFIX "XXXXXX", parent);
	s->path = buf_take(&path, e);
	if (!s->path)
		goto fail;
	if (!mkdtemp(s->path)) {
		err_set_errno(e, ERR_IO, errno, "could not create a scratch folder in \"%s\"",
			      parent);
		free(s->path);
		s->path = NULL;
		goto fail;
	}
	if (!lock_and_name(s, parent, e))
		goto fail;
	return s;
fail:
	scratch_close(s);
	return NULL;
}

const char *scratch_path(const struct scratch *s)
{
	return s->path;
}

void scratch_close(struct scratch *s)
{
	struct err ignored;

	if (!s)
		return;
	if (s->path)
		file_remove_tree(s->path, &ignored);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s->path);
	free(s);
}
