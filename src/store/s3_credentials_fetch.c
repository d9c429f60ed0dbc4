#include <ctype.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/signal.h"
#include "base/str.h"
#include "store/s3_credentials_source.h"

#define ANSWER_MAX_BYTES ((size_t)256 << 10)
#define TOKEN_MAX_BYTES  (64 << 10)
#define PAUSE_MS         300

static bool is_retryable_status(int status)
{
	return status >= 500 || status == 429;
}

bool s3_fetch(const struct s3_lookup *l, const struct s3_fetch *f, struct http_response *r,
	      struct err *e)
{
	const char *ca = s3_variable("AWS_CA_BUNDLE");
	const struct http_request request = {
		.method = f->method,
		.url = f->url,
		.headers = f->headers,
		.header_count = f->header_count,
		.body = f->body,
		.body_len = f->body ? strlen(f->body) : 0,
		.idle_timeout_ms = f->timeout_ms,
		.total_timeout_ms = f->timeout_ms,
		.max_body_bytes = ANSWER_MAX_BYTES,
		.direct = f->metadata,
	};
	struct http *h = http_new(ca, str_starts_with(f->url, "http://"), e);
	bool ok = false;

	if (!h)
		return false;
	for (int try = 1;; try++) {
		ok = http_perform(h, &request, r, e);
		if (ok && is_retryable_status(r->status))
			ok = err_set(e, ERR_OFFLINE, "it answered HTTP %d", r->status);
		if (ok || !err_is_retryable(e->code) || try >= f->tries)
			break;
		if (signal_stop_requested()) {
			err_set(e, ERR_INTERRUPTED,
				"stopped by a signal while getting S3 credentials");
			break;
		}
		clock_sleep_ms(l->o->clock, (int64_t)PAUSE_MS * try);
	}
	http_free(h);
	return ok;
}

void s3_wipe_buf(struct buf *b)
{
	if (b->data)
		OPENSSL_cleanse(b->data, b->len);
	buf_release(b);
}

bool s3_read_token(const char *path, struct buf *out, struct err *e)
{
	size_t first = 0;

	if (!file_read(path, TOKEN_MAX_BYTES, out, e)) {
		e->code = ERR_CONFIG;
		return false;
	}
	while (out->len > 0 && isspace(out->data[out->len - 1]))
		out->len--;
	while (first < out->len && isspace(out->data[first]))
		first++;
	if (first == out->len)
		return err_set(e, ERR_CONFIG, "file \"%s\" is empty", path);
	memmove(out->data, out->data + first, out->len - first);
	out->len -= first;
	for (size_t i = 0; i < out->len; i++)
		if (out->data[i] <= ' ' || out->data[i] >= 0x7f)
			return err_set(e, ERR_CONFIG,
				       "file \"%s\" holds a character that cannot be in a token",
				       path);
	buf_add_byte(out, 0);
	if (!buf_ok(out, e))
		return false;
	out->len--;
	return true;
}
