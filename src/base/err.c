#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct {
	const char *name;
	int exit_status;
	bool retryable;
} codes[ERR_CODES] = {
	[ERR_NONE] = { "none", EX_OK, false },
	[ERR_USAGE] = { "usage", EX_USAGE, false },
	[ERR_DATA] = { "data", EX_DATAERR, false },
	[ERR_NOT_FOUND] = { "not-found", EX_DATAERR, false },
	[ERR_OFFLINE] = { "offline", EX_UNAVAILABLE, true },
	[ERR_INTERNAL] = { "internal", EX_SOFTWARE, false },
	[ERR_MEMORY] = { "memory", EX_SOFTWARE, false },
	[ERR_IO] = { "io", EX_CANTCREAT, false },
	[ERR_EXISTS] = { "exists", EX_CANTCREAT, false },
	[ERR_BUSY] = { "busy", EX_TEMPFAIL, true },
	[ERR_FENCED] = { "fenced", EX_TEMPFAIL, false },
	[ERR_INTERRUPTED] = { "interrupted", EX_TEMPFAIL, false },
	[ERR_CONFIG] = { "config", EX_CONFIG, false },
	[ERR_DENIED] = { "denied", EX_CONFIG, false },
	[ERR_FROZEN] = { "frozen", EX_TEMPFAIL, false },
};

bool err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	e->code = code;
	e->hint[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(e->message, sizeof(e->message), fmt, ap);
	va_end(ap);
	return false;
}

/* What to do about it, where the reason alone does not say. */
static const char *hint_of(int errnum)
{
	switch (errnum) {
	case ENOSPC:
	case EDQUOT:
		return "Make room on the file system that it is on, then run the same again.";
	case EROFS:
		return "Mount that file system for writing, or name another folder.";
	default:
		return "";
	}
}

bool err_set_errno(struct err *e, enum err_code code, int errnum, const char *fmt, ...)
{
	char room[128];
	const char *reason =
		strerror_r(errnum, room, sizeof(room)); /* GNU's: the text need not lie in room */
	size_t used;
	va_list ap;

	e->code = code;
	snprintf(e->hint, sizeof(e->hint), "%s", hint_of(errnum));
	va_start(ap, fmt);
	vsnprintf(e->message, sizeof(e->message), fmt, ap);
	va_end(ap);
	used = strlen(e->message);
	snprintf(e->message + used, sizeof(e->message) - used, ": %s", reason);
	return false;
}

bool err_wrap(struct err *e, const char *fmt, ...)
{
	char inner[ERR_MESSAGE_MAX];
	size_t used;
	va_list ap;

	memcpy(inner, e->message, sizeof(inner));
	va_start(ap, fmt);
	vsnprintf(e->message, sizeof(e->message), fmt, ap);
	va_end(ap);
	used = strlen(e->message);
	/* The inner message is the one that says what happened: where both do not fit, the context gives way. */
	if (used > sizeof(e->message) / 2)
		used = sizeof(e->message) / 2;
	snprintf(e->message + used, sizeof(e->message) - used, ": %.*s",
		 (int)(sizeof(e->message) - used - sizeof(": ")), inner);
	return false;
}

bool err_hint(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->hint, sizeof(e->hint), fmt, ap);
	va_end(ap);
	return false;
}

bool err_no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "out of memory");
}

void err_clear(struct err *e)
{
	e->code = ERR_NONE;
	e->message[0] = '\0';
	e->hint[0] = '\0';
}

int err_exit_status(enum err_code code)
{
	return code >= 0 && code < ERR_CODES ? codes[code].exit_status : EX_SOFTWARE;
}

bool err_is_retryable(enum err_code code)
{
	return code >= 0 && code < ERR_CODES && codes[code].retryable;
}

const char *err_code_name(enum err_code code)
{
	return code >= 0 && code < ERR_CODES ? codes[code].name : "unknown";
}
