#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/signal.h"

/* How long it may take until a signal to this process reaches the other. */
#define LOOK_EVERY_MS  200
#define LINE_MAX_BYTES 4096

/* In the child: nothing but what is safe after a fork. */
static _Noreturn void become(const struct process *p, int output, int failed, pid_t parent)
{
	int none = open("/dev/null", O_RDONLY | O_CLOEXEC), reason;
	sigset_t nothing;

	sigemptyset(&nothing);
	sigprocmask(SIG_SETMASK, &nothing, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	/* A group of its own: Ctrl-C on the terminal comes by us, once. */
	setpgid(0, 0);
	if (none >= 0 && dup2(none, 0) >= 0 && dup2(output, 1) >= 0 &&
	    (p->output || dup2(output, 2) >= 0) && prctl(PR_SET_PDEATHSIG, SIGINT) == 0 &&
	    getppid() == parent)
		execvpe(p->argv[0], (char *const *)(void *)p->argv,
			(char *const *)(void *)p->environment);
	reason = errno;
	if (write(failed, &reason, sizeof(reason)) < 0)
		_exit(127);
	_exit(127);
}

static void give_lines(const struct process *p, struct buf *text)
{
	size_t from = 0;

	for (size_t i = 0; i < text->len; i++) {
		if (text->data[i] != '\n' && i - from < LINE_MAX_BYTES)
			continue;
		text->data[i] = '\0';
		p->line(p->ctx, (const char *)text->data + from);
		from = i + 1;
	}
	memmove(text->data, text->data + from, text->len - from);
	text->len -= from;
}

/* Into room that is there already: growing would leave a copy behind. *end_out: there is no more. */
static bool read_output(const struct process *p, int from, bool *end_out, struct err *e)
{
	struct buf *out = p->output;
	ssize_t n;

	if (out->len == out->capacity)
		return err_set(e, ERR_DATA, "\"%s\" writes too much", p->argv[0]);
	n = read(from, out->data + out->len, out->capacity - out->len);
	if (n > 0)
		out->len += (size_t)n;
	*end_out = n == 0 || (n < 0 && errno != EINTR);
	return true;
}

static bool is_late(const struct process *p, int64_t started_ms, struct err *e)
{
	if (!p->deadline_ms || clock_now_ms(&clock_system) - started_ms < p->deadline_ms)
		return false;
	err_set(e, ERR_OFFLINE, "\"%s\" did not end within %lld s", p->argv[0],
		(long long)(p->deadline_ms / 1000));
	return true;
}

/* Until the other end is closed. */
static bool read_lines(const struct process *p, pid_t child, int from, struct err *e)
{
	struct buf text = BUF_INIT;
	int64_t started_ms = clock_now_ms(&clock_system);
	bool told = false, ok = true, end = false;

	while (!end) {
		struct pollfd look = { .fd = from, .events = POLLIN };
		uint8_t *room;
		ssize_t n;

		if (signal_stop_requested() && !told) {
			kill(child, SIGINT);
			told = true;
		}
		if (is_late(p, started_ms, e)) {
			ok = false;
			break;
		}
		if (poll(&look, 1, LOOK_EVERY_MS) <= 0)
			continue;
		if (p->output) {
			ok = read_output(p, from, &end, e);
			end |= !ok;
			continue;
		}
		room = buf_reserve(&text, LINE_MAX_BYTES);
		if (!room) {
			ok = buf_ok(&text, e);
			break;
		}
		n = read(from, room, LINE_MAX_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		text.len += (size_t)n;
		give_lines(p, &text);
	}
	if (ok && text.len > 0) {
		buf_add_byte(&text, '\n');
		if (!text.failed)
			give_lines(p, &text);
	}
	buf_release(&text);
	return ok;
}

static bool start(const struct process *p, pid_t *child, int *output, struct err *e)
{
	int out[2] = { -1, -1 }, failed[2] = { -1, -1 }, reason = 0;
	pid_t parent = getpid();
	ssize_t n = 0;

	if (pipe2(out, O_CLOEXEC) != 0 || pipe2(failed, O_CLOEXEC) != 0 || (*child = fork()) < 0) {
		reason = errno;
		*child = -1;
	} else if (*child == 0) {
		become(p, out[1], failed[1], parent);
	}
	if (out[1] >= 0)
		close(out[1]);
	if (failed[1] >= 0)
		close(failed[1]);
	if (*child > 0) {
		do
			n = read(failed[0], &reason, sizeof(reason));
		while (n < 0 && errno == EINTR);
		if (n > 0)
			waitpid(*child, NULL, 0);
	}
	if (failed[0] >= 0)
		close(failed[0]);
	*output = out[0];
	if (*child > 0 && n <= 0)
		return true;
	if (out[0] >= 0)
		close(out[0]);
	return err_set_errno(e, reason == ENOENT ? ERR_NOT_FOUND : ERR_INTERNAL, reason,
			     "could not run \"%s\"", p->argv[0]);
}

bool process_run(const struct process *p, int *status_out, struct err *e)
{
	int output, status;
	pid_t child;
	bool ok;

	if (!start(p, &child, &output, e))
		return false;
	ok = read_lines(p, child, output, e);
	close(output);
	if (!ok && p->output)
		kill(-child, SIGKILL);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return err_set_errno(e, ERR_INTERNAL, errno, "could not wait for \"%s\"",
					     p->argv[0]);
	*status_out = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return ok;
}
