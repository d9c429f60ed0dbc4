/* Encryption by the server: what has to be said of it with each call. The keys are made and kept by the
 * server (AES256), by a key service (aws:kms), or come with each call (customer). */
#ifndef STORE_S3_SSE_H
#define STORE_S3_SSE_H

#include "base/log.h"
#include "store/http.h"
#include "store/store.h"

#define S3_SSE_HEADERS_MAX  3
#define S3_SSE_KEY_BYTES    32
#define S3_SSE_BASE64_BYTES 45 /* of a key, with the NUL */

/* What a call does to an object, as far as encryption is concerned. */
enum s3_sse_use {
	S3_SSE_NONE,   /* nothing: a listing, a deletion */
	S3_SSE_CREATE, /* makes it: PUT, CreateMultipartUpload */
	S3_SSE_PART,   /* sends a part of it */
	S3_SSE_READ    /* GET, HEAD */
};

/* All zero: no headers; a bucket may encrypt all the same, by its default. */
struct s3_sse {
	const char *algorithm; /* "AES256", "aws:kms" or NULL; a literal */
	char *kms_key_id;      /* NULL: the server's default */
	/* Of a customer's key, in base64; "" without one. */
	char key[S3_SSE_BASE64_BYTES], key_md5[S3_SSE_BASE64_BYTES];
};

/* From the options, reading the key's file. ERR_CONFIG: what they say does not go together, the file is
 * not as it should be, or OpenSSL has no MD5; the key is never in e. Release what was opened. */
bool s3_sse_init(struct s3_sse *sse, const struct store_options *o, const struct log *log,
		 struct err *e);
void s3_sse_release(struct s3_sse *sse);
bool s3_sse_copy(struct s3_sse *to, const struct s3_sse *from, struct err *e);

/* Whether a key goes with the calls, so that the way to the server must not be readable. */
bool s3_sse_has_key(const struct s3_sse *sse);

/* Writes the headers for such a call, and how many these are. They borrow from sse. */
size_t s3_sse_headers(const struct s3_sse *sse, enum s3_sse_use use,
		      struct http_header out[S3_SSE_HEADERS_MAX]);

#endif
