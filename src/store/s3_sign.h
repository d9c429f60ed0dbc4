/* AWS Signature Version 4, header form, as AWS describes it in "Authenticating Requests: Using the
 * Authorization Header". */
#ifndef STORE_S3_SIGN_H
#define STORE_S3_SIGN_H

#include <stddef.h>
#include <time.h>

#include "base/buf.h"
#include "store/http.h"

/* SHA-256 of nothing, in hex. */
#define S3_EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define S3_DATE_BYTES   17 /* "20130524T000000Z" with the NUL */

struct s3_sign_request {
	const char *method;
	const char *path;  /* as it is sent: every byte but A-Za-z0-9-._~ and / percent-encoded */
	const char *query; /* as it is sent: "name=value&..." sorted and encoded, "name=" where
			      there is no value; or "" */
	const struct http_header *headers; /* every header to sign, names in lower case; at most
					      S3_SIGN_HEADERS_MAX */
	size_t header_count;        /* host, x-amz-date and x-amz-content-sha256 are among them */
	const char *payload_sha256; /* in hex, as in x-amz-content-sha256 */
	const char *date;           /* as in x-amz-date */
	const char *region;
	const char *service; /* NULL: "s3" */
	const char *access_key, *secret_key;
};

#define S3_SIGN_HEADERS_MAX 24

/* Appends the value of the Authorization header. */
bool s3_sign(const struct s3_sign_request *r, struct buf *authorization, struct err *e);

/* "20130524T000000Z" */
void s3_format_date(time_t t, char out[S3_DATE_BYTES]);

/* Percent-encodes all but A-Za-z0-9-._~ (and "/" if keep_slash) with upper-case digits, as
 * signatures need it. */
void s3_uri_encode(struct buf *out, const char *text, bool keep_slash);

#endif
