/* The archive in a folder. Objects are files named by their keys; a file appears under its name
 * only when it is whole and on disk. No symbolic link below the folder is ever followed. */
#include "store/store_driver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"

/* An object being written lies beside its place as ".firn-upload-<16 hex digits>-<name>". */
#define UPLOAD_PREFIX    ".firn-upload-"
#define UPLOAD_ID_DIGITS 16
/* What NAME_MAX (255) leaves for a key's component. */
#define COMPONENT_MAX (255 - (sizeof(UPLOAD_PREFIX) - 1) - UPLOAD_ID_DIGITS - 1)
#define CHUNK_BYTES   ((size_t)1 << 20)

struct file_store {
	char *root;
	int root_fd;
	char *synced; /* the folder, by key, that put has made durable up to the root; NULL: none
			 yet */
};

static enum err_code code_of(int errnum)
{
	switch (errnum) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
		return ERR_NOT_FOUND;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_DENIED;
	default:
		return ERR_IO;
	}
}

static bool component_check(const char *key, struct err *e)
{
	for (const char *at = key; at;) {
		const char *slash = strchr(at, '/');
		size_t len = slash ? (size_t)(slash - at) : strlen(at);

		if (len > COMPONENT_MAX)
			return err_set(e, ERR_DATA,
				       "object key \"%s\" has a component longer than %zu bytes",
				       key, (size_t)COMPONENT_MAX);
		if (str_starts_with(at, UPLOAD_PREFIX))
			return err_set(e, ERR_DATA,
				       "object key \"%s\" has a component of an unfinished upload",
				       key);
		at = slash ? slash + 1 : NULL;
	}
	return true;
}

static int open_folder(int at_fd, const char *name)
{
	int fd;

	do
		fd = openat(at_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return fd;
}

/* Opens folder name in parent, making it if it is not there. -1 and errno on failure. */
static int open_or_make_folder(int parent, const char *name)
{
	if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST)
		return -1;
	return open_folder(parent, name);
}

/*
 * Opens the folder that holds key, one component after the other; *name_out points to the key's
 * last component. With sync, missing folders are made, and every folder on the way is synced: also
 * one that was there already, since whoever made it a moment ago may not have got so far. -1 and e
 * set on failure.
 */
static int open_parent(struct file_store *f, const char *key, bool sync, const char **name_out,
		       struct err *e)
{
	const char *slash, *at = key;
	int fd = fcntl(f->root_fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0) {
		err_set_errno(e, ERR_IO, errno, "could not open folder \"%s\"", f->root);
		return -1;
	}
	while ((slash = strchr(at, '/')) != NULL) {
		char name[COMPONENT_MAX + 1];
		int next, saved;

		snprintf(name, sizeof(name), "%.*s", (int)(slash - at), at);
		next = sync ? open_or_make_folder(fd, name) : open_folder(fd, name);
		saved = errno;
		if (next < 0) {
			err_set_errno(e, code_of(saved), saved, "could not open folder \"%s/%.*s\"",
				      f->root, (int)(slash - key), key);
			close(fd);
			return -1;
		}
		if (sync && fsync(fd) != 0) {
			err_set_errno(e, ERR_IO, errno, "could not sync a folder of \"%s\"",
				      f->root);
			close(fd);
			close(next);
			return -1;
		}
		close(fd);
		fd = next;
		at = slash + 1;
	}
	*name_out = at;
	return fd;
}

/* The folder to put key in. Syncing the whole way once for each folder is enough: folders are never
 * removed. */
static int open_parent_to_write(struct file_store *f, const char *key, const char **name_out,
				struct err *e)
{
	const char *slash = strrchr(key, '/');
	size_t len = slash ? (size_t)(slash - key) : 0;
	bool known = f->synced && strlen(f->synced) == len && memcmp(f->synced, key, len) == 0;
	int fd;

	if (known) {
		fd = open_parent(f, key, false, name_out, e);
		if (fd >= 0 || e->code != ERR_NOT_FOUND)
			return fd;
	}
	fd = open_parent(f, key, true, name_out, e);
	if (fd < 0)
		return -1;
	free(f->synced);
	f->synced = mem_strndup(key, len, e);
	if (!f->synced) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A file of the archive for reading, with what fstat says. -1 and e set on failure. */
static int open_object(struct file_store *f, const char *key, struct stat *st, struct err *e)
{
	const char *name;
	int fd, parent;

	if (!component_check(key, e))
		return -1;
	parent = open_parent(f, key, false, &name, e);
	if (parent < 0) {
		if (e->code == ERR_NOT_FOUND)
			err_set(e, ERR_NOT_FOUND, "object \"%s\" is not in the archive", key);
		return -1;
	}
	do /* O_NONBLOCK: a named pipe of that name must not hang us. */
		fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	if (fd < 0 && code_of(errno) == ERR_NOT_FOUND)
		err_set(e, ERR_NOT_FOUND, "object \"%s\" is not in the archive", key);
	else if (fd < 0)
		err_set_errno(e, code_of(errno), errno, "could not open object \"%s\"", key);
	close(parent);
	if (fd < 0)
		return -1;
	if (fstat(fd, st) != 0) {
		err_set_errno(e, ERR_IO, errno, "could not read the size of object \"%s\"", key);
		close(fd);
		return -1;
	}
	if (!S_ISREG(st->st_mode)) {
		err_set(e, ERR_NOT_FOUND, "object \"%s\" is not in the archive", key);
		close(fd);
		return -1;
	}
	return fd;
}

static bool file_exists_error(const char *key, struct err *e)
{
	return err_set(e, ERR_EXISTS, "object \"%s\" is in the archive already", key);
}

/* A link whose answer got lost is asked for again by the client of NFS, and then says that the name is taken: by us. */
static bool is_linked(int parent, const char *tmp, const char *name)
{
	struct stat a, b;

	return fstatat(parent, tmp, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(parent, name, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* Gives the finished file its name unless that is taken. */
static bool publish(int parent, const char *tmp, const char *name, const char *key, struct err *e)
{
	if (renameat2(parent, tmp, parent, name, RENAME_NOREPLACE) == 0)
		return true;
	if (errno == EEXIST)
		return file_exists_error(key, e);
	if (errno != EINVAL && errno != ENOSYS)
		return err_set_errno(e, code_of(errno), errno, "could not rename to object \"%s\"",
				     key);
	/* The file system has no such rename (NFS): a hard link refuses to overwrite, too. */
	if (linkat(parent, tmp, parent, name, 0) != 0) {
		int link_errno = errno;

		if (!is_linked(parent, tmp, name)) {
			if (link_errno == EEXIST)
				return file_exists_error(key, e);
			err_set_errno(e, code_of(link_errno), link_errno,
				      "could not link to object \"%s\"", key);
			if (link_errno == EPERM || link_errno == EOPNOTSUPP)
				err_hint(e, "The archive's file system has neither hard links nor "
					    "a rename that does not overwrite: an object could "
					    "be lost there. Use another.");
			return false;
		}
	}
	if (unlinkat(parent, tmp, 0) != 0)
		return err_set_errno(e, ERR_IO, errno,
				     "could not remove the temporary name of object \"%s\"", key);
	return true;
}

/* Copies src to fd; the digest is compared where one is given. */
static bool write_content(int fd, const struct io_reader *src, const uint8_t *sha256,
			  const char *key, struct err *e)
{
	struct sha256 *hash = NULL;
	uint8_t digest[SHA256_BYTES];
	uint8_t *chunk = mem_new(1, CHUNK_BYTES, e);
	bool ok = false;

	if (!chunk)
		goto out;
	if (sha256 && !(hash = sha256_new(e)))
		goto out;
	for (uint64_t at = 0; at < src->size_bytes;) {
		uint64_t left = src->size_bytes - at;
		size_t len = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;

		if (!io_read_at(src, at, chunk, len, e) ||
		    (hash && !sha256_add(hash, chunk, len, e)) ||
		    !file_write_all(fd, chunk, len, key, e))
			goto out;
		at += len;
	}
	if (hash && !sha256_finish(hash, digest, e))
		goto out;
	ok = true;
	if (hash && memcmp(digest, sha256, SHA256_BYTES) != 0)
		ok = err_set(e, ERR_DATA,
			     "the content for object \"%s\" does not have the digest given", key);
out:
	sha256_free(hash);
	free(chunk);
	return ok;
}

/* Gives a file that nobody will write to again its second name, here: *taken is false where that does not work, as
 * between file systems. It has to be on disk first. No byte of it is moved, so there is no digest to compare. */
static bool take_file(const struct io_reader *src, int parent, const char *name, const char *key,
		      bool *taken, struct err *e)
{
	struct stat st, here;
	char path[64];

	*taken = false;
	if (!src->sealed_fd || fstat(*src->sealed_fd, &st) != 0 || fstat(parent, &here) != 0 ||
	    st.st_dev != here.st_dev || !S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)
		return true;
	if (fsync(*src->sealed_fd) != 0)
		return err_set_errno(e, ERR_IO, errno, "could not sync object \"%s\"", key);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *src->sealed_fd);
	if (linkat(AT_FDCWD, path, parent, name, AT_SYMLINK_FOLLOW) == 0)
		*taken = true;
	else if (errno == EEXIST)
		return file_exists_error(key, e);
	return true;
}

/* Writes a file of a temporary name, and gives it its name when it is on disk. */
static bool copy_file(const struct io_reader *src, const uint8_t *sha256, int parent,
		      const char *name, const char *key, struct err *e)
{
	uint8_t random[UPLOAD_ID_DIGITS / 2];
	char id[UPLOAD_ID_DIGITS + 1], tmp[256];
	bool ok;
	int fd;

	if (!rng_system(random, sizeof(random), e))
		return false;
	hex_encode(random, sizeof(random), id);
	snprintf(tmp, sizeof(tmp), UPLOAD_PREFIX "%s-%s", id, name);
	fd = openat(parent, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set_errno(e, code_of(errno), errno,
				     "could not create a file for object \"%s\"", key);
	ok = write_content(fd, src, sha256, key, e);
	if (ok && fsync(fd) != 0)
		ok = err_set_errno(e, ERR_IO, errno, "could not sync object \"%s\"", key);
	if (close(fd) != 0 && ok)
		ok = err_set_errno(e, ERR_IO, errno, "could not close object \"%s\"", key);
	ok = ok && publish(parent, tmp, name, key, e);
	if (!ok)
		unlinkat(parent, tmp, 0);
	return ok;
}

static bool file_put(struct store *s, const char *key, const struct io_reader *src,
		     const uint8_t *sha256, const struct store_keeping *keeping, struct err *e)
{
	const char *name;
	bool ok, taken = false;
	struct stat st;
	int parent;

	(void)keeping; /* a folder has one way */
	s->counters.calls++;
	store_count(s, STORE_REQUEST_PUT, NULL, src->size_bytes);
	if (!component_check(key, e))
		return false;
	parent = open_parent_to_write(s->impl, key, &name, e);
	if (parent < 0)
		return err_wrap(e, "could not write object \"%s\"", key);
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		close(parent);
		return file_exists_error(key, e);
	}
	ok = take_file(src, parent, name, key, &taken, e) &&
	     (taken || copy_file(src, sha256, parent, name, key, e));
	if (ok && fsync(parent) != 0)
		ok = err_set_errno(e, ERR_IO, errno, "could not sync the folder of object \"%s\"",
				   key);
	if (ok)
		s->counters.bytes_out += src->size_bytes;
	close(parent);
	return ok;
}

static bool file_get_range(struct store *s, const char *key, uint64_t offset, uint64_t len,
			   struct buf *out, struct err *e)
{
	struct stat st;
	uint64_t size;
	uint8_t *at;
	bool ok = false;
	int fd = open_object(s->impl, key, &st, e);

	s->counters.calls++;
	store_count(s, STORE_REQUEST_GET, NULL, len);
	if (fd < 0)
		return false;
	size = (uint64_t)st.st_size;
	if (offset > size || len > size - offset) {
		err_set(e, ERR_DATA,
			"object \"%s\" has %llu bytes, %llu from byte %llu were asked for", key,
			(unsigned long long)size, (unsigned long long)len,
			(unsigned long long)offset);
		goto out;
	}
	at = buf_reserve(out, (size_t)len);
	if (!at) {
		err_no_memory(e);
		goto out;
	}
	if (!file_pread_all(fd, at, (size_t)len, offset, key, e))
		goto out;
	out->len += (size_t)len;
	s->counters.bytes_in += len;
	ok = true;
out:
	close(fd);
	return ok;
}

/* Reads from to its end into to, and hashes. */
static bool copy_content(int from, int to, const char *key, const char *path, struct sha256 *hash,
			 uint64_t *total, struct err *e)
{
	uint8_t *chunk = mem_new(1, CHUNK_BYTES, e);
	bool ok = false;

	if (!chunk)
		return false;
	for (;;) {
		ssize_t n = read(from, chunk, CHUNK_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_set_errno(e, ERR_IO, errno, "could not read object \"%s\"", key);
			break;
		}
		if (n == 0) {
			ok = true;
			break;
		}
		if (!sha256_add(hash, chunk, (size_t)n, e) ||
		    !file_write_all(to, chunk, (size_t)n, path, e))
			break;
		*total += (uint64_t)n;
	}
	free(chunk);
	return ok;
}

static bool file_get_file(struct store *s, const char *key, const char *path,
			  uint8_t sha256_out[SHA256_BYTES], uint64_t *bytes_out, struct err *e)
{
	struct sha256 *hash = NULL;
	struct stat st;
	uint64_t total = 0;
	bool ok = false;
	int to = -1, from = open_object(s->impl, key, &st, e);

	s->counters.calls++;
	if (from < 0)
		return false;
	hash = sha256_new(e);
	if (!hash)
		goto out;
	to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (to < 0) {
		err_set_errno(e, ERR_IO, errno, "could not create file \"%s\"", path);
		goto out;
	}
	ok = copy_content(from, to, key, path, hash, &total, e) &&
	     sha256_finish(hash, sha256_out, e);
	s->counters.bytes_in += total;
	store_count(s, STORE_REQUEST_GET, NULL, total);
	if (bytes_out)
		*bytes_out = total;
out:
	if (to >= 0 && close(to) != 0 && ok)
		ok = err_set_errno(e, ERR_IO, errno, "could not close file \"%s\"", path);
	if (to >= 0 && !ok)
		unlink(path);
	sha256_free(hash);
	close(from);
	return ok;
}

static void fill_object(struct store_object *out, const char *key, const struct stat *st)
{
	*out = (struct store_object){ .bytes = (uint64_t)st->st_size,
				      .modified_s = st->st_mtim.tv_sec };
	snprintf(out->key, sizeof(out->key), "%s", key);
}

static bool file_head(struct store *s, const char *key, struct store_object *out, struct err *e)
{
	struct stat st;
	int fd = open_object(s->impl, key, &st, e);

	s->counters.calls++;
	store_count(s, STORE_REQUEST_HEAD, NULL, 0);
	if (fd < 0)
		return false;
	close(fd);
	fill_object(out, key, &st);
	return true;
}

/* The names in one folder. A folder's has a "/" at its end, so that sorting them by bytes puts
 * whole keys in order. */
struct names {
	char **items;
	size_t count, capacity;
};

static void names_release(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->items[i]);
	free(n->items);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool names_add(struct names *n, const char *name, bool folder, struct err *e)
{
	struct buf text = BUF_INIT;
	void *items = n->items;

	if (!mem_grow(&items, &n->capacity, n->count + 1, sizeof(char *), e))
		return false;
	n->items = items;
	buf_printf(&text, "%s%s", name, folder ? "/" : "");
	n->items[n->count] = buf_take(&text, e);
	if (!n->items[n->count]) {
		buf_release(&text);
		return false;
	}
	n->count++;
	return true;
}

/* Reads and sorts the names of folder fd (which stays the caller's); things that are neither are
 * left out. */
static bool names_read(struct names *n, int fd, const char *what, struct err *e)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;
	bool ok = true;

	if (!dir) {
		err_set_errno(e, ERR_IO, errno, "could not read folder \"%s\"", what);
		if (copy >= 0)
			close(copy);
		return false;
	}
	while (ok) {
		struct stat st;

		errno = 0;
		entry = readdir(dir);
		if (!entry)
			break;
		if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		if (entry->d_type == DT_UNKNOWN) {
			if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
				continue;
		} else {
			st.st_mode = (mode_t)DTTOIF(entry->d_type);
		}
		if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
			ok = names_add(n, entry->d_name, S_ISDIR(st.st_mode), e);
	}
	if (ok && errno != 0)
		ok = err_set_errno(e, ERR_IO, errno, "could not read folder \"%s\"", what);
	closedir(dir);
	if (ok && n->count > 1)
		qsort(n->items, n->count, sizeof(*n->items), compare_names);
	return ok;
}

/* One walk through the archive; path is the key of the folder that it is in, with a "/" at its end
 * unless empty. */
struct walk {
	const char *prefix;
	bool uploads; /* unfinished ones instead of objects */
	bool (*visit_object)(void *ctx, const struct store_object *object, struct err *e);
	bool (*visit_upload)(void *ctx, const struct store_upload *upload, struct err *e);
	void *ctx;
	struct buf path;
};

/* Splits the name of an unfinished upload; false when it is none. */
static bool parse_upload_name(const char *name, char id[UPLOAD_ID_DIGITS + 1], const char **target)
{
	uint8_t ignored[UPLOAD_ID_DIGITS / 2];
	const char *at = name + strlen(UPLOAD_PREFIX);

	if (!str_starts_with(name, UPLOAD_PREFIX) || strlen(at) < UPLOAD_ID_DIGITS + 2 ||
	    at[UPLOAD_ID_DIGITS] != '-')
		return false;
	memcpy(id, at, UPLOAD_ID_DIGITS);
	id[UPLOAD_ID_DIGITS] = '\0';
	*target = at + UPLOAD_ID_DIGITS + 1;
	return hex_decode(id, ignored, sizeof(ignored));
}

static bool visit_name(struct walk *w, int fd, const char *name, struct err *e)
{
	char id[UPLOAD_ID_DIGITS + 1];
	const char *target = name;
	bool upload = parse_upload_name(name, id, &target);
	struct buf key = BUF_INIT;
	struct store_upload up = { .started_s = 0 };
	struct store_object object;
	struct err ignored;
	struct stat st;
	bool ok = true;

	if (upload != w->uploads)
		return true;
	buf_printf(&key, "%s%s", buf_str(&w->path), target);
	if (!buf_ok(&key, e)) {
		ok = false;
	} else if (!str_starts_with(buf_str(&key), w->prefix) ||
		   !store_key_check(buf_str(&key), &ignored) ||
		   !component_check(buf_str(&key), &ignored)) {
		/* not asked for, or no key of ours: somebody else's file */
	} else if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT) /* deleted since we read the folder */
			ok = err_set_errno(e, ERR_IO, errno,
					   "could not read the size of object \"%s\"",
					   buf_str(&key));
	} else if (upload) {
		snprintf(up.key, sizeof(up.key), "%s", buf_str(&key));
		snprintf(up.id, sizeof(up.id), "%s", id);
		up.started_s = st.st_mtim.tv_sec;
		ok = w->visit_upload(w->ctx, &up, e);
	} else {
		fill_object(&object, buf_str(&key), &st);
		ok = w->visit_object(w->ctx, &object, e);
	}
	buf_release(&key);
	return ok;
}

/* Whether a folder whose key is path can hold keys that start with prefix. */
static bool may_hold(const char *path, const char *prefix)
{
	return str_starts_with(path, prefix) || str_starts_with(prefix, path);
}

static bool walk_folder(struct walk *w, int fd, struct err *e)
{
	struct names names = { 0 };
	size_t path_len = w->path.len;
	bool ok = names_read(&names, fd, buf_str(&w->path), e);

	for (size_t i = 0; ok && i < names.count; i++) {
		char *name = names.items[i];
		size_t len = strlen(name);
		int next;

		if (name[len - 1] != '/') {
			ok = visit_name(w, fd, name, e);
			continue;
		}
		if (path_len + len > STORE_KEY_MAX)
			continue;
		buf_add_str(&w->path, name);
		name[len - 1] = '\0';
		ok = buf_ok(&w->path, e);
		if (ok && may_hold(buf_str(&w->path), w->prefix)) {
			next = open_folder(fd, name);
			if (next >= 0) {
				ok = walk_folder(w, next, e);
				close(next);
			} else if (code_of(errno) != ERR_NOT_FOUND) {
				ok = err_set_errno(e, code_of(errno), errno,
						   "could not open folder \"%s\"",
						   buf_str(&w->path));
			}
		}
		w->path.len = path_len;
	}
	names_release(&names);
	return ok;
}

static bool file_list(struct store *s, const char *prefix,
		      bool (*visit)(void *ctx, const struct store_object *object, struct err *e),
		      void *ctx, struct err *e)
{
	struct file_store *f = s->impl;
	struct walk w = { .prefix = prefix, .visit_object = visit, .ctx = ctx };
	bool ok = walk_folder(&w, f->root_fd, e);

	s->counters.calls++;
	store_count(s, STORE_REQUEST_LIST, NULL, 0);
	buf_release(&w.path);
	return ok;
}

static bool file_list_uploads(struct store *s, const char *prefix,
			      bool (*visit)(void *ctx, const struct store_upload *upload,
					    struct err *e),
			      void *ctx, struct err *e)
{
	struct file_store *f = s->impl;
	struct walk w = { .prefix = prefix, .uploads = true, .visit_upload = visit, .ctx = ctx };
	bool ok = walk_folder(&w, f->root_fd, e);

	s->counters.calls++;
	store_count(s, STORE_REQUEST_LIST, NULL, 0);
	buf_release(&w.path);
	return ok;
}

/* Removes file name beside where key lies; its absence is fine. The folder is synced. */
static bool remove_beside(struct file_store *f, const char *key, const char *tmp, struct err *e)
{
	const char *name;
	bool ok = true;
	int parent;

	if (!component_check(key, e))
		return false;
	parent = open_parent(f, key, false, &name, e);
	if (parent < 0)
		return e->code == ERR_NOT_FOUND;
	/* EISDIR: a folder of that name is no object */
	if (unlinkat(parent, tmp ? tmp : name, 0) == 0) {
		if (fsync(parent) != 0)
			ok = err_set_errno(e, ERR_IO, errno,
					   "could not sync the folder of object \"%s\"", key);
	} else if (errno != ENOENT && errno != EISDIR) {
		ok = err_set_errno(e, code_of(errno), errno, "could not delete object \"%s\"", key);
	}
	close(parent);
	return ok;
}

static bool file_delete(struct store *s, const char *const *keys, size_t count, size_t *failed_out,
			struct err *e)
{
	struct err first = { 0 }, each;

	s->counters.calls++;
	store_count(s, STORE_REQUEST_DELETE, NULL, 0);
	*failed_out = 0;
	for (size_t i = 0; i < count; i++) {
		if (remove_beside(s->impl, keys[i], NULL, &each))
			continue;
		if ((*failed_out)++ == 0)
			first = each;
	}
	if (*failed_out == 0)
		return true;
	*e = first;
	return false;
}

static bool file_abort_upload(struct store *s, const struct store_upload *upload, struct err *e)
{
	const char *slash = strrchr(upload->key, '/');
	uint8_t ignored[UPLOAD_ID_DIGITS / 2];
	char tmp[256];

	s->counters.calls++;
	store_count(s, STORE_REQUEST_DELETE, NULL, 0);
	if (!hex_decode(upload->id, ignored, sizeof(ignored)))
		return err_set(e, ERR_DATA,
			       "cannot abort the upload of object \"%s\": \"%s\" is no id of one",
			       upload->key, upload->id);
	snprintf(tmp, sizeof(tmp), UPLOAD_PREFIX "%.*s-%.*s", UPLOAD_ID_DIGITS, upload->id,
		 (int)COMPONENT_MAX, slash ? slash + 1 : upload->key);
	return remove_beside(s->impl, upload->key, tmp, e);
}

static void file_close(struct store *s)
{
	struct file_store *f = s->impl;

	if (f->root_fd >= 0)
		close(f->root_fd);
	free(f->root);
	free(f->synced);
	free(f);
	s->impl = NULL;
}

static const struct store_driver file_driver = {
	.close = file_close,
	.put = file_put,
	.get_range = file_get_range,
	.get_file = file_get_file,
	.head = file_head,
	.list = file_list,
	.delete = file_delete,
	.list_uploads = file_list_uploads,
	.abort_upload = file_abort_upload,
};

/* %41 means A in a URL; what is not such an escape stands for itself. NULL and e set on failure. */
static char *decode_path(const char *location, struct err *e)
{
	struct buf out = BUF_INIT;
	char *path;

	for (const char *at = location; *at; at++) {
		char digits[3] = { 0 };
		uint8_t byte;

		if (*at == '%' && at[1] && at[2]) {
			digits[0] = at[1];
			digits[1] = at[2];
		}
		if (digits[0] && hex_decode(digits, &byte, 1) && byte != 0) {
			buf_add_byte(&out, byte);
			at += 2;
		} else {
			buf_add_byte(&out, (uint8_t)*at);
		}
	}
	while (out.len > 1 && out.data[out.len - 1] == '/')
		out.len--;
	path = buf_take(&out, e);
	if (!path)
		buf_release(&out);
	return path;
}

/* mkdir -p, where the folder that holds a new one is synced. */
static bool make_root(const char *root, struct err *e)
{
	char *path = mem_strdup(root, e);
	bool ok = true;

	if (!path)
		return false;
	for (char *at = path + 1; ok; at++) {
		char saved = *at, *slash;

		if (saved != '/' && saved != '\0')
			continue;
		*at = '\0';
		if (mkdir(path, 0700) == 0) {
			slash = strrchr(path, '/');
			*slash = '\0';
			ok = file_fsync_path(slash == path ? "/" : path, e);
			*slash = '/';
		} else if (errno != EEXIST) {
			ok = err_set_errno(e, code_of(errno) == ERR_DENIED ? ERR_DENIED : ERR_IO,
					   errno, "could not create folder \"%s\"", path);
		}
		*at = saved;
		if (!saved)
			break;
	}
	free(path);
	return ok;
}

bool store_file_open(struct store *s, const char *location, bool make_folder, struct err *e)
{
	struct file_store *f;

	if (location[0] != '/' || !location[strspn(location, "/")]) {
		err_set(e, ERR_CONFIG,
			"the archive's URL \"file://%s\" names no folder by its full path",
			location);
		return err_hint(e, "Give it with three slashes: file:///var/lib/firn/archive.");
	}
	f = mem_new(1, sizeof(*f), e);
	if (!f)
		return false;
	s->impl = f;
	f->root_fd = -1;
	f->root = decode_path(location, e);
	if (!f->root || (make_folder && !make_root(f->root, e)))
		goto fail;
	f->root_fd = open(f->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->root_fd < 0 && errno == ENOENT) {
		err_set(e, ERR_OFFLINE, "the archive's folder \"%s\" is not there", f->root);
		err_hint(e, "Is it mounted? Where there never was one, \"firn init\" makes it.");
		goto fail;
	}
	if (f->root_fd < 0) {
		err_set_errno(e, code_of(errno) == ERR_DENIED ? ERR_DENIED : ERR_IO, errno,
			      "could not open the archive's folder \"%s\"", f->root);
		goto fail;
	}
	s->driver = &file_driver;
	return true;
fail:
	file_close(s);
	return false;
}
