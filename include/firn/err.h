/* What went wrong: one struct that every fallible call of firn takes last. Part of the public API. */
#ifndef FIRN_ERR_H
#define FIRN_ERR_H

#include <stdbool.h>

enum err_code {
	ERR_NONE = 0,
	ERR_USAGE,       /* the command line is wrong */
	ERR_DATA,        /* input, archive or catalog holds something that it should not */
	ERR_NOT_FOUND,   /* the object, file or row asked for is not there */
	ERR_OFFLINE,     /* database or archive out of reach */
	ERR_INTERNAL,    /* a bug in firn, or an answer that its author thought impossible */
	ERR_MEMORY,      /* out of memory */
	ERR_IO,          /* a local file could not be read or written */
	ERR_EXISTS,      /* would overwrite what is there */
	ERR_BUSY,        /* someone else holds the lease, or a lock did not come in time */
	ERR_FENCED,      /* our lease was taken over: what we did must not be committed */
	ERR_INTERRUPTED, /* asked to stop by a signal or a run-time limit */
	ERR_CONFIG,      /* configuration, policy or table cannot be used as it is */
	ERR_DENIED,      /* a privilege or credential is missing */
	ERR_FROZEN, /* the object is in a storage class that must be restored before it can be read */
	ERR_CODES
};

#define ERR_MESSAGE_MAX 1024
#define ERR_HINT_MAX    1024

/* Fixed buffers, so that reporting an error cannot fail. Zero-initialise it: `struct err e = {0};` */
struct err {
	enum err_code code;
	char message[ERR_MESSAGE_MAX]; /* lower case, no full stop, no newline */
	char hint[ERR_HINT_MAX]; /* sentences on what to do; may be empty, may hold newlines */
};

#endif
