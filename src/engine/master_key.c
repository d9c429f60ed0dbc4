#include "engine/master_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/process.h"
#include "segment/wire.h"

/* What a file or a command may give: a key in any form, and blanks around it. */
#define TEXT_MAX            1024
#define COMMAND_DEADLINE_MS 60000
#define WORDS_MAX           64

extern char **environ;

static bool check_file(const char *path, const struct stat *st, struct err *e)
{
	if (!S_ISREG(st->st_mode))
		return err_set(e, ERR_CONFIG, "key file \"%s\" is not a file", path);
	if (st->st_uid != geteuid() && st->st_uid != 0) {
		err_set(e, ERR_CONFIG, "key file \"%s\" belongs to another user", path);
		return err_hint(e,
				"Its owner can read what is encrypted: chown it to the user that "
				"runs firn.");
	}
	if (st->st_mode & 077) {
		err_set(e, ERR_CONFIG,
			"key file \"%s\" can be read or written by others (mode %03o)", path,
			(unsigned)(st->st_mode & 0777));
		return err_hint(e, "Run: chmod 600 %s", path);
	}
	return true;
}

static bool read_file(const char *path, struct buf *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n = 1;
	bool ok;

	if (fd < 0)
		return err_set_errno(e, ERR_CONFIG, errno, "could not open key file \"%s\"", path);
	ok = fstat(fd, &st) == 0 ? check_file(path, &st, e)
				 : err_set_errno(e, ERR_CONFIG, errno, "key file \"%s\"", path);
	while (ok && n > 0) {
		n = read(fd, out->data + out->len, out->capacity - out->len);
		if (n > 0)
			out->len += (size_t)n;
		else if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			ok = err_set_errno(e, ERR_CONFIG, errno, "could not read key file \"%s\"",
					   path);
	}
	close(fd);
	return ok;
}

/* Words that are apart by blanks: nothing is expanded, there are no quotes. */
static bool split(char *text, const char **argv, struct err *e)
{
	size_t count = 0;
	char *at = text;

	for (;;) {
		at += strspn(at, " \t\n");
		if (!*at)
			break;
		if (count == WORDS_MAX)
			return err_set(e, ERR_CONFIG, "the command has more than %d words",
				       WORDS_MAX);
		argv[count++] = at;
		at += strcspn(at, " \t\n");
		if (*at)
			*at++ = '\0';
	}
	argv[count] = NULL;
	return count > 0 || err_set(e, ERR_CONFIG, "there is no command");
}

static bool run_command(const char *command, struct buf *out, struct err *e)
{
	const char *argv[WORDS_MAX + 1];
	char *words = mem_strdup(command, e);
	struct process p = {
		.argv = argv,
		.environment = (const char *const *)(void *)environ,
		.output = out,
		.deadline_ms = COMMAND_DEADLINE_MS,
	};
	int status = 0;
	bool ok = words && split(words, argv, e) && process_run(&p, &status, e);

	if (ok && status != 0) {
		ok = err_set(e, ERR_CONFIG, "\"%s\" ended with status %d", argv[0], status);
		err_hint(e, "It has to write the key to its standard output.");
	}
	if (!ok && e->code == ERR_NOT_FOUND)
		e->code = ERR_CONFIG;
	free(words);
	return ok;
}

/* The room for the text is made before anything is in it: no copy of a key stays behind. */
struct master_key *master_key_load(const struct key_source *source, struct err *e)
{
	struct master_key *m = secret_new(sizeof(*m), e);
	struct buf text = BUF_INIT;
	bool ok = m != NULL;

	if (ok && !buf_reserve(&text, TEXT_MAX))
		ok = buf_ok(&text, e);
	ok = ok &&
	     (source->file ? read_file(source->file, &text, e)
			   : run_command(source->command, &text, e)) &&
	     secret_parse_key(text.data, text.len, m->key, e) && seal_key_id(m->key, m->id, e);
	secret_buf_release(&text);
	if (ok) {
		hex_encode(m->id, sizeof(m->id), m->id_hex);
		return m;
	}
	err_wrap(e, "could not get the key of %s", source->name);
	secret_free(m);
	return NULL;
}

/* ---- wrapping ---- */

static bool wrap_aad(const char *table, const void *workspace, size_t workspace_len,
		     struct buf *aad, struct err *e)
{
	size_t len = strlen(table);

	buf_add_str(aad, "FIRNWRAP");
	buf_add_varint(aad, len);
	buf_add(aad, table, len);
	buf_add(aad, workspace, workspace_len);
	return buf_ok(aad, e);
}

bool master_key_wrap(const struct master_key *m, const char *table, const void *workspace,
		     size_t workspace_len, const uint8_t key[SEAL_KEY_BYTES],
		     uint8_t wrapped[SEGMENT_WRAPPED_KEY_BYTES], struct err *e)
{
	struct buf aad = BUF_INIT, sealed = BUF_INIT;
	/* Made before the key is in it. */
	bool ok = buf_reserve(&sealed, SEGMENT_WRAPPED_KEY_BYTES) || buf_ok(&sealed, e);

	ok = ok && wrap_aad(table, workspace, workspace_len, &aad, e) &&
	     seal_add(m->key, aad.data, aad.len, key, SEAL_KEY_BYTES, &sealed, e);
	if (ok)
		memcpy(wrapped, sealed.data, SEGMENT_WRAPPED_KEY_BYTES);
	secret_buf_release(&sealed);
	buf_release(&aad);
	return ok;
}

bool master_key_unwrap(const struct master_key *m, const char *table, const void *workspace,
		       size_t workspace_len, const uint8_t wrapped[SEGMENT_WRAPPED_KEY_BYTES],
		       uint8_t key[SEAL_KEY_BYTES], struct err *e)
{
	struct buf aad = BUF_INIT, opened = BUF_INIT;
	bool ok = wrap_aad(table, workspace, workspace_len, &aad, e) &&
		  seal_open(m->key, aad.data, aad.len, wrapped, SEGMENT_WRAPPED_KEY_BYTES, &opened,
			    e);

	if (ok)
		memcpy(key, opened.data, SEAL_KEY_BYTES);
	secret_buf_release(&opened);
	buf_release(&aad);
	return ok;
}
