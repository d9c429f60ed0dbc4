/* Another program, run to its end. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct process {
	const char *const *argv;        /* argv[0]: its path. Ends with NULL, as environment does */
	const char *const *environment; /* all that it sees of one: "NAME=value" */
	/* Of each line that it writes to standard output or error, without the line's end. */
	void (*line)(void *ctx, const char *line);
	void *ctx;
	/* Where set, standard output goes in here as it is, no more than there is room for already, so that a secret lies in
	 * one place; and standard error stays this process's. */
	struct buf *output;
	int64_t deadline_ms; /* after so long it is killed, with all that it started; 0: never */
};

/* argv[0] without a slash is looked for in PATH. Waits until it ends. When a signal asks this process to stop, or when this process dies, it gets a SIGINT, once: it
 * cleans up after itself. *status_out: what it exited with, or 128 and the signal that ended it. ERR_NOT_FOUND where
 * there is no such program; ERR_DATA when it wrote more than output has room for; ERR_OFFLINE at the deadline; ERR_INTERNAL
 * and others when it could not be started. */
bool process_run(const struct process *p, int *status_out, struct err *e);

#endif
