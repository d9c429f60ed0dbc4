/* What the files of the S3 driver share: one signed call, with or without retries. Only they
 * include this. */
#ifndef STORE_S3_H
#define STORE_S3_H

#include "store/http.h"
#include "store/s3_credentials.h"
#include "store/s3_sse.h"
#include "store/s3_xml.h"
#include "store/store_driver.h"
#include "store/store_retry.h"

#define S3_HEADERS_MAX     8
#define S3_UPLOAD_ID_MAX   256
#define S3_UPLOAD_JOBS_MAX 16
#define S3_DAMAGED_TRIES   4 /* of a call whose answers make no sense */
/* Says which attempt wrote an object, so that one whose answer got lost can be known again. */
#define S3_NONCE_HEADER "x-amz-meta-firn-upload"

/* Whether the bucket keeps versions of objects (s3_versions.h). */
enum s3_versions {
	S3_VERSIONS_UNKNOWN,
	S3_VERSIONS_NONE,
	S3_VERSIONS_KEPT
};

struct s3 {
	struct store *store;
	struct http *http;
	struct s3_credentials credentials;
	char *profile; /* that the options ask for, or NULL */
	unsigned
		corrections; /* of what requests are signed with, because of what the server said */
	int64_t clock_offset_s; /* what this machine's clock is behind the server's, as far as it mattered */
	bool region_corrected;
	struct rng rng;
	char *base_url; /* scheme and host; no "/" at its end */
	char *host;
	char *region;
	char *bucket;
	char *prefix; /* "" or ending in "/" */
	bool path_style;
	bool plain;         /* http:// is allowed */
	char *ca_file;      /* NULL: the system's */
	bool own_endpoint;  /* Amazon's, whose host names have the region in them */
	bool no_conditions; /* the server turned out not to know If-None-Match */
	enum s3_versions versions;
	uint64_t part_bytes;
	unsigned upload_jobs; /* parts of an object sent at once */
	bool object_tags;
	int64_t call_timeout_ms, total_timeout_ms;
	int max_tries;
	unsigned resend_percent;
	unsigned page_size;
	struct s3_sse sse;
};

/* Content-MD5. Not for defence: the signature covers the body by SHA-256. Servers want it of some calls,
 * and AWS of every object in a bucket with Object Lock; a FIPS mode may leave OpenSSL without. */
enum s3_md5 {
	S3_MD5_NONE,
	S3_MD5_IF_POSSIBLE,
	S3_MD5_NEEDED
};

struct s3_call {
	const char *method;
	const char *key;   /* as the caller of the store knows it; NULL: the bucket */
	const char *query; /* sorted and encoded, see s3_sign.h; NULL: none */
	struct http_header headers[S3_HEADERS_MAX];
	size_t header_count;
	const void *body;
	size_t body_len;
	const char *body_sha256; /* in hex; NULL: computed here */
	enum s3_md5 md5;
	enum s3_sse_use sse;
	bool (*sink)(void *ctx, const struct http_response *response, const void *data, size_t len,
		     struct err *e);
	void *sink_ctx;
};

struct s3_answer {
	struct http_response http;
	struct s3_error error; /* of answers other than 2xx */
	bool damaged;          /* came whole, and made no sense */
};

void s3_answer_release(struct s3_answer *a);

/* One operation's retries: they share a deadline. */
void s3_retry_init(struct s3 *s, struct retry *r);

/* Moves the deadline by what so many bytes take on a slow line: a second for each MiB. */
void s3_retry_extend(struct retry *r, uint64_t bytes);

void s3_call_add_header(struct s3_call *c, const char *name, const char *value);

/* "&name=value", encoded; without the "&" at the beginning. Names are added in their order. */
void s3_add_parameter(struct buf *query, const char *name, const char *value);

/* Once. True: an answer of status 2xx. False otherwise, e saying what (HTTP status, S3's code, a
 * hint), and a->http.status being 0 if no answer came. Releases what a held before. */
bool s3_try(struct s3 *s, const struct s3_call *c, const struct retry *r, struct s3_answer *a,
	    struct err *e);

/* As retry_wait, minding Retry-After in a and r's budget; counts and logs. True: e is cleared. */
bool s3_wait(struct s3 *s, struct retry *r, const struct s3_answer *a, struct err *e);

/* s3_try until it succeeds, or trying is no use. For calls that may be sent twice and have no sink.
 */
bool s3_perform(struct s3 *s, const struct s3_call *c, struct retry *r, struct s3_answer *a,
		struct err *e);

/* The same with an answer that must also make sense: check reads it, and ERR_DATA from it is tried
 * again, a few times. */
bool s3_perform_checked(struct s3 *s, const struct s3_call *c, struct retry *r, struct s3_answer *a,
			bool (*check)(void *ctx, const struct s3_answer *a, struct err *e),
			void *ctx, struct err *e);

/* Sets e from an error that came with this HTTP status. Returns false. */
bool s3_set_error(struct s3 *s, int status, const struct http_response *http,
		  const struct s3_error *error, struct err *e);

/* HEAD. ERR_NOT_FOUND. a holds the answer; out may be NULL. */
bool s3_head_object(struct s3 *s, const char *key, struct retry *r, struct s3_answer *a,
		    struct store_object *out, struct err *e);

/* For another thread: the same bucket by the same keys, with a connection, counters and random numbers
 * of its own. Freeing it adds its counters to the original's (NULL: nobody counts). */
struct s3 *s3_clone(const struct s3 *s, struct err *e);
void s3_clone_free(struct s3 *c, struct s3 *original);

/* Frees all but s->store. */
void s3_free(struct s3 *s);

/* s3_correct.c: after the refusal a. True: its cause may have been the clock, or the region, by which
 * s signed; that is corrected, and the call worth another try. */
bool s3_correct_clock(struct s3 *s, const struct s3_answer *a);
bool s3_correct_region(struct s3 *s, const struct s3_answer *a);

/* store_s3.c: host and base URL from the region, where the endpoint is Amazon's. */
bool s3_set_own_address(struct s3 *s, struct err *e);

/* s3_parts.c: the parts that an unfinished upload has, in the order of their numbers. */
struct s3_part {
	unsigned number;
	uint64_t bytes;
	char etag[130];
};
bool s3_list_parts(struct s3 *s, const char *key, const char *upload_id, struct retry *r,
		   bool (*visit)(void *ctx, const struct s3_part *part, struct err *e), void *ctx,
		   struct err *e);

/* s3_upload.c */
bool s3_put(struct store *store, const char *key, const struct io_reader *src,
	    const uint8_t *sha256, const struct store_keeping *keeping, struct err *e);
bool s3_abort(struct s3 *s, const char *key, const char *upload_id, struct retry *r, struct err *e);

/* s3_delete.c */
bool s3_delete(struct store *store, const char *const *keys, size_t count, size_t *failed_out,
	       struct err *e);

#endif
