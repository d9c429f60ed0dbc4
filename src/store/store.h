/*
 * The archive: immutable objects under keys, in a folder (file:///dir) or an S3 bucket
 * (s3://bucket/prefix). One interface, several drivers; tests/contract runs the same suite over all
 * of them.
 *
 * Keys are relative to the archive's prefix: UTF-8, "/"-separated, no leading "/", no "." or ".."
 * component, at most STORE_KEY_MAX bytes. A key is written once and never again. Every call blocks,
 * has a deadline, retries what can be retried (ERR_OFFLINE), and stops early with ERR_INTERRUPTED
 * once signal_stop_requested() while waiting to retry. A store is used by one thread at a time.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/log.h"
#include "base/storage_class.h"

#define STORE_KEY_MAX 900

struct store;

struct store_options {
	const char *url;  /* file:///dir or s3://bucket/prefix */
	bool make_folder; /* file: make the folder if it is not there; else that is ERR_OFFLINE */
	const char *endpoint; /* S3: "https://host:port"; NULL: AWS's own for the region */
	const char *region;   /* S3: NULL means AWS_REGION, AWS_DEFAULT_REGION, the profile's, then
				 us-east-1 */
	const char *profile;  /* S3: name in AWS's shared files; NULL: see store/s3_credentials.h */
	bool path_style;      /* S3: bucket in the path instead of the host name */
	const char *ca_file;  /* S3: NULL means the system's */
	uint64_t part_bytes;  /* S3: size of a multipart part; objects up to this go in one PUT. 0:
				 16 MiB */
	unsigned
		upload_jobs; /* S3: parts of an object sent at once, to 16, with at most 64 MiB of them
				 in memory. 0: 4 */
	/* S3: encryption by the server. */
	const char *sse; /* NULL: as the bucket has it; "AES256"; "aws:kms"; "customer" */
	const char *sse_kms_key_id; /* with aws:kms; NULL: the server's default */
	const char
		*sse_customer_key_file; /* with customer: 32 bytes, sent along with each object */
	bool object_tags;               /* S3: objects get tags; not every server takes them */
	int64_t call_timeout_ms;        /* deadline of one HTTP call without progress. 0: 60 s */
	int64_t total_timeout_ms; /* deadline of one operation with all its retries, and a second more
				      for each MiB of a whole object. 0: 15 min */
	int max_tries;            /* of one call. 0: 8 */
	unsigned
		resend_percent; /* S3: what one upload may send in vain, in percent of its size, beyond
				      four parts. 0: 50 */
	const struct clock *clock; /* NULL: clock_system */
	const struct log *log;     /* NULL: silence */
};

/* As they are billed: GET apart from HEAD, the parts of an upload and the calls around them as PUT. */
enum store_request {
	STORE_REQUEST_PUT,
	STORE_REQUEST_COPY,
	STORE_REQUEST_GET,
	STORE_REQUEST_HEAD,
	STORE_REQUEST_LIST,
	STORE_REQUEST_DELETE,
	STORE_REQUEST_RESTORE,
	STORE_REQUESTS
};
const char *store_request_name(enum store_request request); /* "put" */

struct store_counters {
	/* Attempts included, by class as far as the request or its answer named one (storage_class_number); bytes of bodies,
	 * either way. */
	struct store_tally {
		uint64_t calls, bytes;
	} requests[STORE_REQUESTS][STORAGE_CLASSES];
	uint64_t calls, retries;
	uint64_t bytes_out, bytes_in;
	uint64_t bytes_resent; /* of bodies whose call failed and was made again */
	/* of the retries, by what went before: no answer in time; no connection, or one that broke;
	 * "slow down"; another failure of the server's; a body or an answer damaged on its way */
	uint64_t retries_timeout, retries_broken, retries_throttled, retries_server,
		retries_damaged;
};

enum store_access {
	STORE_READABLE,
	STORE_FROZEN,  /* must be restored first: store_thaw */
	STORE_THAWING, /* asked for, not there yet */
	STORE_THAWED   /* readable for a while */
};

struct store_object {
	char key[STORE_KEY_MAX + 1];
	uint64_t bytes;
	int64_t modified_s;     /* seconds since 1970, by the archive's clock */
	char storage_class[32]; /* "" where the archive has none */
	/* By store_head only. */
	enum store_access access;
	int64_t thawed_until_s; /* seconds since 1970; 0: not known */
};

/* Checks the URL and gets the credentials (store/s3_credentials.h says from where, how long that can
 * take, and what can be wrong with them); the archive itself is not reached for yet, except to open
 * the folder of a file archive. ERR_CONFIG for a bad URL, ERR_DENIED for missing credentials. The
 * options' strings are copied. */
struct store *store_open(const struct store_options *options, struct err *e);
void store_close(struct store *s);

/* Proves that objects can be written, read back, listed and deleted, with a small one under
 * ".firn-check/". Where Object Lock keeps that one, a warning says so. */
bool store_check(struct store *s, struct err *e);

/* How an object is kept; all NULL: as the archive does by default. */
struct store_keeping {
	const char *storage_class;
	const char *
		rule; /* becomes its tag firn-rule, where options.object_tags is set: a-z, 0-9, - and _ */
};

/* Writes src under key, durably: when this returns true the object survives a power loss.
 * Sends sha256 of the whole content where the archive can check it; NULL computes none.
 * keeping may be NULL. ERR_EXISTS when the key is there already. */
bool store_put(struct store *s, const char *key, const struct io_reader *src, const uint8_t *sha256,
	       const struct store_keeping *keeping, struct err *e);

/* Reads a range; exactly len bytes are appended to out. ERR_NOT_FOUND; ERR_DATA past the end; ERR_FROZEN
 * where it must be restored first. */
bool store_get_range(struct store *s, const char *key, uint64_t offset, uint64_t len,
		     struct buf *out, struct err *e);

/* Reads the whole object into the (created, truncated) file at path, computing its digest on the
 * way. ERR_NOT_FOUND, ERR_FROZEN. A file that was begun is removed on failure. */
bool store_get_file(struct store *s, const char *key, const char *path,
		    uint8_t sha256_out[SHA256_BYTES], uint64_t *bytes_out, struct err *e);

/* ERR_NOT_FOUND when there is no such object. */
bool store_head(struct store *s, const char *key, struct store_object *out, struct err *e);

/* Moves the object to another storage class, in place; nothing where it is in that already. Its content
 * stays; when this fails it is in one or the other. ERR_CONFIG: this archive cannot do that. */
bool store_set_class(struct store *s, const char *key, const char *storage_class, struct err *e);

/* Asks for a readable copy of an object whose access is STORE_FROZEN; what is under way already is all
 * right. It takes minutes to days. */
struct store_thaw {
	const char *tier; /* "Standard", "Bulk", "Expedited" */
	int days;         /* that it stays readable */
};
bool store_thaw(struct store *s, const char *key, const struct store_thaw *wanted, struct err *e);

/* Calls visit for every object whose key starts with prefix, in key order. A visit that returns
 * false (with e set) ends the listing with that error. */
bool store_list(struct store *s, const char *prefix,
		bool (*visit)(void *ctx, const struct store_object *object, struct err *e),
		void *ctx, struct err *e);

/* Deletes count objects, with all their versions where the archive keeps such; one that is not there
 * counts as deleted. On failure *failed_out (may be NULL) is how many are still there, and e names the
 * first. ERR_BUSY: Object Lock keeps it, e says until when. */
bool store_delete(struct store *s, const char *const *keys, size_t count, size_t *failed_out,
		  struct err *e);

/* Uploads that were begun and neither finished nor aborted (file: temporary files); key "" prefix
 * means all. */
struct store_upload {
	char key[STORE_KEY_MAX + 1];
	char id[256];
	int64_t started_s;
};
bool store_list_uploads(struct store *s, const char *prefix,
			bool (*visit)(void *ctx, const struct store_upload *upload, struct err *e),
			void *ctx, struct err *e);
bool store_abort_upload(struct store *s, const struct store_upload *upload, struct err *e);

/* The URL as given, without anything secret. */
const char *store_url(const struct store *s);

/* Which source gave the credentials that are used at present, for people: nothing secret is in it.
 * NULL: the archive needs none. Valid until the next call of this store. */
const char *store_credentials_source(const struct store *s);
struct store_counters store_counters(const struct store *s);
void store_counters_add(struct store_counters *to, const struct store_counters *more);

#endif
