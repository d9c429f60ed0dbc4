#include "base/log.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include "base/board.h"

static const char *const level_names[] = { "error", "warning", "notice", "info", "debug" };

static void write_json(const struct log *log, const char *level, const char *message,
		       const struct err *e)
{
	struct timespec now;
	struct tm tm;
	char stamp[40], text[64];
	json_t *line;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03ldZ", stamp, now.tv_nsec / 1000000);
	line = json_pack("{ss, ss, ss}", "time", text, "level", level, "message", message);
	if (!line)
		line = json_pack("{ss, ss, ss}", "time", text, "level", level, "message",
				 "(not valid UTF-8)");
	if (line && e) {
		json_object_set_new(line, "code", json_string(err_code_name(e->code)));
		if (e->hint[0])
			json_object_set_new(line, "hint", json_string(e->hint));
	}
	if (line) {
		char *s = json_dumps(line, JSON_COMPACT);

		if (s)
			fprintf(log->out, "%s\n", s);
		free(s);
	}
	json_decref(line);
	fflush(log->out);
}

void log_write(const struct log *log, enum log_level level, const char *fmt, ...)
{
	char message[2 * ERR_MESSAGE_MAX];
	va_list ap;

	if (!log || level > log->level)
		return;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	board_pause(log->board);
	if (log->json)
		write_json(log, level_names[level], message, NULL);
	else if (level <= LOG_WARNING)
		fprintf(log->out, "%s: %s: %s\n", log->program, level_names[level], message);
	else
		fprintf(log->out, "%s: %s\n", log->program, message);
	fflush(log->out);
	board_go_on(log->board);
}

void log_err(const struct log *log, const struct err *e)
{
	if (!log)
		return;
	board_pause(log->board);
	if (log->json) {
		write_json(log, "error", e->message, e);
	} else {
		fprintf(log->out, "%s: error: %s\n", log->program, e->message);
		if (e->hint[0])
			fprintf(log->out, "hint: %s\n", e->hint);
	}
	fflush(log->out);
	board_go_on(log->board);
}
