/* Log lines on stderr, as text or JSON, one a line. Data never goes here; secrets neither. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

struct board;

enum log_level {
	LOG_ERROR,
	LOG_WARNING,
	LOG_NOTICE,
	LOG_INFO,
	LOG_DEBUG
};

struct log {
	FILE *out;
	enum log_level level; /* the most talkative level that is still written */
	bool json;
	const char *program; /* borrowed */
	struct board
		*board; /* what is redrawn below the lines (board.h); borrowed, NULL: nothing */
};

/* One line; newlines inside are folded in JSON and kept in text. A NULL log is silence. */
void log_write(const struct log *log, enum log_level level, const char *fmt, ...) PRINTF(3, 4);

#define log_error(log, ...)   log_write(log, LOG_ERROR, __VA_ARGS__)
#define log_warning(log, ...) log_write(log, LOG_WARNING, __VA_ARGS__)
#define log_notice(log, ...)  log_write(log, LOG_NOTICE, __VA_ARGS__)
#define log_info(log, ...)    log_write(log, LOG_INFO, __VA_ARGS__)
#define log_debug(log, ...)   log_write(log, LOG_DEBUG, __VA_ARGS__)

/* "error: message" and, where there is one, "hint: ..." on a line of its own. */
void log_err(const struct log *log, const struct err *e);

#endif
