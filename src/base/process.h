/* Another program, run to its end. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdbool.h>

#include "base/err.h"

struct process {
	const char *const *argv;        /* argv[0]: its path. Ends with NULL, as environment does */
	const char *const *environment; /* all that it sees of one: "NAME=value" */
	/* Of each line that it writes to standard output or error, without the line's end. */
	void (*line)(void *ctx, const char *line);
	void *ctx;
};

/* Waits until it ends. When a signal asks this process to stop, or when this process dies, it gets a SIGINT, once: it
 * cleans up after itself. *status_out: what it exited with, or 128 and the signal that ended it. ERR_NOT_FOUND where
 * there is no such program; ERR_INTERNAL and others when it could not be started. */
bool process_run(const struct process *p, int *status_out, struct err *e);

#endif
