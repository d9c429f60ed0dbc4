/* credential_process: a program of the user's that prints keys. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/signal.h"
#include "base/str.h"
#include "store/s3_credentials_source.h"

#define DEADLINE_MS      60000
#define NAP_MS           50
#define ANSWER_MAX_BYTES ((size_t)64 << 10)
#define LINE_MAX_BYTES   200

extern char **environ;

void s3_free_words(char **argv)
{
	for (char **word = argv; word && *word; word++)
		free(*word);
	free(argv);
}

struct words {
	char **items;
	size_t count, capacity;
	struct buf word;
	bool begun; /* "" is a word too */
};

static bool end_word(struct words *w, struct err *e)
{
	void *items = w->items;

	if (!w->begun)
		return true;
	if (!buf_ok(&w->word, e) ||
	    !mem_grow(&items, &w->capacity, w->count + 2, sizeof(*w->items), e))
		return false;
	w->items = items;
	w->items[w->count + 1] = NULL;
	w->items[w->count] = mem_strdup(buf_str(&w->word), e);
	if (!w->items[w->count])
		return false;
	w->count++;
	w->begun = false;
	buf_clear(&w->word);
	return true;
}

/* From the opening quote to the closing one; NULL: there is none. */
static const char *take_quoted(struct words *w, const char *at)
{
	char quote = *at++;

	w->begun = true;
	for (; *at && *at != quote; at++) {
		if (quote == '"' && *at == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		buf_add_byte(&w->word, (uint8_t)*at);
	}
	return *at ? at : NULL;
}

static bool split(struct words *w, const char *at, struct err *e)
{
	for (; *at; at++) {
		if (isspace((unsigned char)*at)) {
			if (!end_word(w, e))
				return false;
		} else if (*at == '"' || *at == '\'') {
			at = take_quoted(w, at);
			if (!at)
				return err_set(e, ERR_CONFIG, "a quote is not closed");
		} else {
			if (*at == '\\' && !*++at)
				return err_set(e, ERR_CONFIG, "nothing follows the last \"\\\"");
			buf_add_byte(&w->word, (uint8_t)*at);
			w->begun = true;
		}
	}
	return end_word(w, e) && (w->count > 0 || err_set(e, ERR_CONFIG, "there is no command"));
}

bool s3_split_command(const char *text, char ***argv_out, struct err *e)
{
	struct words w = { .items = NULL };
	bool ok = split(&w, text, e);

	buf_release(&w.word);
	if (ok)
		*argv_out = w.items;
	else
		s3_free_words(w.items);
	return ok;
}

struct child {
	pid_t pid;
	int out, err; /* -1: closed */
	struct buf output, complaints;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Its own output and nothing else of ours: neither files, nor signals that we ignore, nor what we
 * read from. */
static int spawn_with(char **argv, int out, int err, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t all, none;
	int rc;

	sigfillset(&all);
	sigemptyset(&none);
	if ((rc = posix_spawn_file_actions_init(&files)) != 0)
		return rc;
	if ((rc = posix_spawnattr_init(&attributes)) != 0) {
		posix_spawn_file_actions_destroy(&files);
		return rc;
	}
	if ((rc = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)) == 0 &&
	    (rc = posix_spawn_file_actions_adddup2(&files, out, 1)) == 0 &&
	    (rc = posix_spawn_file_actions_adddup2(&files, err, 2)) == 0 &&
	    (rc = posix_spawn_file_actions_addclosefrom_np(&files, 3)) == 0 &&
	    (rc = posix_spawnattr_setsigdefault(&attributes, &all)) == 0 &&
	    (rc = posix_spawnattr_setsigmask(&attributes, &none)) == 0 &&
	    (rc = posix_spawnattr_setflags(&attributes,
					   POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK)) == 0)
		rc = posix_spawnp(pid, argv[0], &files, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

static bool start(struct child *c, char **argv, struct err *e)
{
	int out[2] = { -1, -1 }, err[2] = { -1, -1 };
	int rc = 0;

	if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
		rc = errno;
	else
		rc = spawn_with(argv, out[1], err[1], &c->pid);
	close_fd(&out[1]);
	close_fd(&err[1]);
	c->out = out[0];
	c->err = err[0];
	if (rc != 0)
		return err_set_errno(e, ERR_CONFIG, rc, "could not run \"%.200s\"", argv[0]);
	return true;
}

/* Reads what there is; closes at the end. More than fits is read and forgotten. */
static void drain(int *fd, struct buf *to)
{
	char room[4096];
	ssize_t n = read(*fd, room, sizeof(room));

	if (n > 0) {
		if (to->len + (size_t)n <= ANSWER_MAX_BYTES)
			buf_add(to, room, (size_t)n);
		OPENSSL_cleanse(room, (size_t)n);
	} else if (n == 0 || errno != EINTR) {
		close_fd(fd);
	}
}

/* True: it ended, with that status. */
static bool await(struct child *c, int *status, struct err *e)
{
	int64_t deadline_ms = clock_now_ms(&clock_system) + DEADLINE_MS;
	bool ended = false;

	for (;;) {
		struct pollfd fds[2] = { { c->out, POLLIN, 0 }, { c->err, POLLIN, 0 } };
		bool reading = poll(fds, 2, NAP_MS) > 0;

		for (int i = 0; reading && i < 2; i++)
			if (fds[i].revents)
				drain(i == 0 ? &c->out : &c->err,
				      i == 0 ? &c->output : &c->complaints);
		/* Once it is gone only what it left in the pipes counts: a grandchild may hold
		 * them open for ever. */
		if (ended && !reading)
			return true;
		ended = ended || waitpid(c->pid, status, WNOHANG) == c->pid;
		if (ended && c->out < 0 && c->err < 0)
			return true;
		if (signal_stop_requested()) {
			err_set(e, ERR_INTERRUPTED, "stopped by a signal while it ran");
			break;
		}
		if (clock_now_ms(&clock_system) >= deadline_ms) {
			err_set(e, ERR_OFFLINE, "it did not end within %d s", DEADLINE_MS / 1000);
			break;
		}
	}
	if (!ended) {
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, status, 0) < 0 && errno == EINTR)
			;
	}
	return false;
}

static bool is_secret_in(const char *line, const struct s3_credentials *c)
{
	return (c->secret_key && strstr(line, c->secret_key)) ||
	       (c->session_token && strstr(line, c->session_token));
}

/* Each line of what it said on stderr, fit to be shown. The last one stays in last. */
static void show_complaints(const struct s3_lookup *l, struct child *child,
			    const struct s3_credentials *c, char last[LINE_MAX_BYTES])
{
	const char *at = buf_str(&child->complaints);

	last[0] = '\0';
	while (*at) {
		size_t len = strcspn(at, "\n"), used = 0;
		char line[LINE_MAX_BYTES];

		for (size_t i = 0; i < len && used < sizeof(line) - 1; i++)
			line[used++] = iscntrl((unsigned char)at[i]) ? ' ' : at[i];
		while (used > 0 && line[used - 1] == ' ')
			used--;
		line[used] = '\0';
		at += len + (at[len] == '\n');
		if (used == 0 || is_secret_in(line, c))
			continue;
		log_notice(l->o->log, "credential_process: %s", line);
		memcpy(last, line, used + 1);
	}
}

static bool run(const struct s3_lookup *l, char **argv, struct s3_credentials *c, struct err *e)
{
	struct child child = { .out = -1, .err = -1 };
	char last[LINE_MAX_BYTES];
	int status = 0;
	bool ok = start(&child, argv, e), ended = false;

	if (ok)
		ok = ended = await(&child, &status, e);
	if (ok && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		ok = buf_ok(&child.output, e) &&
		     s3_credentials_take_json(c, child.output.data, child.output.len,
					      "SessionToken", true, e);
	else if (ok)
		ok = false;
	show_complaints(l, &child, c, last);
	if (ended && WIFSIGNALED(status))
		err_set(e, ERR_DENIED, "signal %d ended it", WTERMSIG(status));
	else if (ended && WEXITSTATUS(status) != 0)
		err_set(e, ERR_DENIED, "it ended with status %d%s%s", WEXITSTATUS(status),
			*last ? ": " : "", last);
	close_fd(&child.out);
	close_fd(&child.err);
	s3_wipe_buf(&child.output);
	s3_wipe_buf(&child.complaints);
	return ok;
}

enum s3_found s3_from_process(struct s3_lookup *l, const char *profile, struct s3_credentials *c,
			      struct err *e)
{
	const struct s3_setting *s = s3_profiles_find(&l->profiles, profile, "credential_process");
	char **argv = NULL;
	bool ok;

	if (!s)
		return S3_NOTHING;
	ok = s3_split_command(s->value, &argv, e) && run(l, argv, c, e);
	s3_free_words(argv);
	if (!ok) {
		err_wrap(e, "credential_process of profile \"%.64s\" (\"%.256s\", line %u)",
			 profile, l->profiles.paths[s->file], s->line);
		return S3_FAILED;
	}
	snprintf(c->source, sizeof(c->source), "credential_process of profile \"%.64s\"", profile);
	return S3_FOUND;
}
