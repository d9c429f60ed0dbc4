/*
 * One HTTP request at a time over libcurl, with the connection kept for the next; HTTP/2 where a
 * server offers it with TLS, else 1.1. Redirects are not followed, bodies are bounded, nothing waits
 * for ever. Retrying is the caller's business (store/store_retry.h).
 */
#ifndef STORE_HTTP_H
#define STORE_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct http;

/* ca_file NULL means the system's certificates. With plain, http:// URLs are spoken too; without,
 * only https://. */
struct http *http_new(const char *ca_file, bool plain, struct err *e);
void http_free(struct http *h);

struct http_header {
	const char *name;  /* in lower case */
	const char *value; /* not empty */
};

struct http_response {
	int status; /* 0: none came */
	bool timed_out;
	struct buf
		headers; /* name NUL value NUL ..., names in lower case: see http_response_header */
	struct buf body; /* of answers that no sink took */
	uint64_t bytes_in; /* of the body, wherever it went */
	uint64_t bytes_out;
};

struct http_request {
	const char *method; /* GET HEAD PUT POST DELETE */
	const char *url;
	const struct http_header *headers;
	size_t header_count;
	const void *body; /* PUT and POST always send one, of body_len bytes */
	size_t body_len;
	int64_t idle_timeout_ms;  /* gives up after so long without a byte, to about a second */
	int64_t total_timeout_ms; /* and after so long altogether */
	size_t max_body_bytes;    /* of a 2xx answer that no sink takes: more is ERR_DATA */
	bool direct; /* past every proxy, whatever the environment says: for this machine's neighbours */
	/* Takes the body of a 2xx answer, piece by piece; status and headers are complete by then.
	 * false (with e set) ends the request with that error. NULL: the body goes into the
	 * response. */
	bool (*sink)(void *ctx, const struct http_response *response, const void *data, size_t len,
		     struct err *e);
	void *sink_ctx;
};

/*
 * True when an answer came whole, whatever its status. Of answers other than 2xx at most 64 KiB of
 * body are kept. ERR_OFFLINE: no connection, broken off, or too slow. ERR_CONFIG: the server's
 * certificate is not trusted, or the URL cannot be used. ERR_DATA: the answer is larger than
 * allowed. What response held before is released first.
 */
bool http_perform(struct http *h, const struct http_request *request,
		  struct http_response *response, struct err *e);

void http_response_release(struct http_response *r);

/* The value of the header with this name (in lower case), or NULL. */
const char *http_response_header(const struct http_response *r, const char *name);

/* Whether host (a URL's, with or without a port) is this machine: what is sent there nobody else reads. */
bool http_is_loopback(const char *host, size_t len);

/* Seconds since 1970 of a date as HTTP writes them. */
bool http_parse_date(const char *text, int64_t *seconds_out);

#endif
