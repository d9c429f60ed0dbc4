/*
 * Errors: set once where they happen, wrapped by each layer on the way up, printed by the command line only.
 * Every function here returns false so that `return err_set(e, ...)` reads well. None of them can fail.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "firn/err.h"

#define PRINTF(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))

/* Replaces what e holds. */
bool err_set(struct err *e, enum err_code code, const char *fmt, ...) PRINTF(3, 4);

/* The same with strerror(errnum) appended after a colon, and a hint where there is one for it. */
bool err_set_errno(struct err *e, enum err_code code, int errnum, const char *fmt, ...)
	PRINTF(4, 5);

/* Puts "context: " before the message; code and hint stay. */
bool err_wrap(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* Sets the hint; the message stays. */
bool err_hint(struct err *e, const char *fmt, ...) PRINTF(2, 3);

bool err_no_memory(struct err *e);

/* Forgets the error. */
void err_clear(struct err *e);

/* sysexits(3) status that the program ends with for this code. */
int err_exit_status(enum err_code code);

/* Whether trying the same again can help. */
bool err_is_retryable(enum err_code code);

/* Short stable name for JSON logs, such as "offline". */
const char *err_code_name(enum err_code code);

#endif
