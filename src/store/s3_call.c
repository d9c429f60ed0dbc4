#include "store/s3.h"

#include <ctype.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/str.h"
#include "store/s3_class.h"
#include "store/s3_sign.h"

/* A page of 1000 keys of 1024 bytes, each three times as long when encoded, and room for what
 * surrounds them. */
#define ANSWER_MAX_BYTES  ((size_t)8 << 20)
#define RETRY_AFTER_MAX_S 120
#define MD5_BYTES         16
#define MD5_BASE64_BYTES  25 /* with the NUL */

void s3_answer_release(struct s3_answer *a)
{
	http_response_release(&a->http);
	a->error = (struct s3_error){ 0 };
	a->damaged = false;
}

void s3_retry_init(struct s3 *s, struct retry *r)
{
	retry_init(r, s->store->clock, &s->rng, s->max_tries, s->total_timeout_ms);
}

void s3_retry_extend(struct retry *r, uint64_t bytes)
{
	r->deadline_ms += (int64_t)((bytes >> 20) + 1) * 1000;
}

void s3_call_add_header(struct s3_call *c, const char *name, const char *value)
{
	if (c->header_count < S3_HEADERS_MAX)
		c->headers[c->header_count++] = (struct http_header){ name, value };
}

void s3_add_parameter(struct buf *query, const char *name, const char *value)
{
	buf_printf(query, "%s%s=", query->len ? "&" : "", name);
	s3_uri_encode(query, value, false);
}

/* What S3's codes mean here. ERR_OFFLINE is tried again. */
static const struct {
	const char *code;
	enum err_code meaning;
	const char *hint;
} meanings[] = {
	{ "NoSuchKey", ERR_NOT_FOUND, NULL },
	{ "NoSuchUpload", ERR_NOT_FOUND, NULL },
	{ "NoSuchBucket", ERR_CONFIG,
	  "Create the bucket, or correct its name in the archive's URL." },
	{ "AccessDenied", ERR_DENIED,
	  "The credentials need s3:ListBucket, s3:ListBucketMultipartUploads, s3:GetObject, "
	  "s3:PutObject, "
	  "s3:DeleteObject and s3:AbortMultipartUpload there." },
	{ "InvalidAccessKeyId", ERR_DENIED,
	  "The server does not know this access key: give one of its own, or correct "
	  "s3.endpoint." },
	{ "SignatureDoesNotMatch", ERR_DENIED,
	  "The secret key does not belong to the access key, or something between here and the "
	  "server changes "
	  "requests." },
	{ "ExpiredToken", ERR_DENIED, "The session token is too old: get a new one." },
	{ "InvalidToken", ERR_DENIED, "The session token is not valid: get a new one." },
	{ "TokenRefreshRequired", ERR_DENIED, "The session token is too old: get a new one." },
	{ "RequestTimeTooSkewed", ERR_CONFIG,
	  "Set this machine's clock: it differs too much from the server's." },
	{ "RequestExpired", ERR_CONFIG,
	  "Set this machine's clock: it differs too much from the server's." },
	{ "PreconditionFailed", ERR_EXISTS, NULL },
	{ "InvalidRange", ERR_DATA, NULL },
	{ "BadDigest", ERR_OFFLINE, NULL },
	{ "XAmzContentSHA256Mismatch", ERR_OFFLINE, NULL },
	{ "IncompleteBody", ERR_OFFLINE, NULL },
	{ "InvalidDigest", ERR_DATA, NULL },
	{ "InvalidStorageClass", ERR_CONFIG,
	  "This archive does not have the storage class that was asked for." },
	{ "InvalidObjectState", ERR_FROZEN,
	  "The object is in a storage class that cannot be read at once: \"firn rehydrate\" asks "
	  "for "
	  "its restore." },
	{ "QuotaExceeded", ERR_DENIED,
	  "The bucket or its owner has no room left: raise the quota, or have \"firn gc\" make "
	  "room." },
	{ "NotImplemented", ERR_CONFIG, NULL },
	{ "SlowDown", ERR_OFFLINE, NULL },
	{ "RequestTimeout", ERR_OFFLINE, NULL },
	{ "InternalError", ERR_OFFLINE, NULL },
	{ "ServiceUnavailable", ERR_OFFLINE, NULL },
	{ "Throttling", ERR_OFFLINE, NULL },
	{ "ThrottlingException", ERR_OFFLINE, NULL },
	{ "RequestThrottled", ERR_OFFLINE, NULL },
	{ "TooManyRequests", ERR_OFFLINE, NULL },
	{ "RequestLimitExceeded", ERR_OFFLINE, NULL },
	{ "OperationAborted", ERR_OFFLINE, NULL },
	{ "ConditionalRequestConflict", ERR_OFFLINE, NULL },
};

static enum err_code meaning_of_status(int status)
{
	switch (status) {
	case 401:
	case 403:
		return ERR_DENIED;
	case 404:
		return ERR_NOT_FOUND;
	case 408:
	case 429:
		return ERR_OFFLINE;
	case 412:
		return ERR_EXISTS;
	case 416:
		return ERR_DATA;
	case 501:
	case 505:
		return ERR_CONFIG;
	default:
		return status >= 500 ? ERR_OFFLINE : ERR_CONFIG;
	}
}

/* What the server says, made fit to be shown: on one line, and nothing at all if one of our keys is
 * in it. */
static void clean_message(const struct s3 *s, const char *message, char out[256])
{
	const char *secrets[] = { s->credentials.access_key, s->credentials.secret_key,
				  s->credentials.session_token,
				  s3_sse_has_key(&s->sse) ? s->sse.key : NULL };
	size_t len = strnlen(message, 200);

	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		if (secrets[i] && strstr(message, secrets[i]))
			len = 0;
	for (size_t i = 0; i < len; i++)
		out[i] = iscntrl((unsigned char)message[i]) ? ' ' : message[i];
	while (len > 0 && (out[len - 1] == '.' || out[len - 1] == ' '))
		len--;
	out[len] = '\0';
}

/* Only what looks like a code or a region is repeated. */
static bool is_word(const char *s)
{
	for (const char *at = s; *at; at++)
		if (!isalnum((unsigned char)*at) && *at != '-' && *at != '.')
			return false;
	return *s != '\0';
}

bool s3_set_error(struct s3 *s, int status, const struct http_response *http,
		  const struct s3_error *error, struct err *e)
{
	const char *header_region = http ? http_response_header(http, "x-amz-bucket-region") : NULL;
	const char *region = error->region[0] ? error->region : header_region;
	const char *code = is_word(error->code) ? error->code : "";
	enum err_code meaning = meaning_of_status(status);
	const char *hint = NULL;
	char message[256];

	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (str_eq(code, meanings[i].code)) {
			meaning = meanings[i].meaning;
			hint = meanings[i].hint;
		}
	if (!hint && meaning == ERR_DENIED)
		hint = *code ? "Ask whoever runs the server what this code means there."
			     : "Without s3:ListBucket the server says this of objects that do not "
			       "exist, too.";
	clean_message(s, error->message, message);
	err_set(e, meaning, "HTTP %d%s%s%s%s%s", status, *code ? " " : "", code,
		*message ? " (" : "", message, *message ? ")" : "");
	if (region && is_word(region) && !str_eq(region, s->region) && status / 100 != 5)
		err_hint(e, "The bucket is in region \"%s\", not \"%s\": set the archive's region.",
			 region, s->region);
	else if (status / 100 == 3)
		err_hint(e, "The bucket is elsewhere: check the archive's endpoint and region.");
	else if (hint)
		err_hint(e, "%s", hint);
	else if (status == 400 && s->plain &&
		 !*error->code) /* as nginx's and Go's servers say it */
		err_hint(e, "If the server speaks TLS, give its endpoint as https://.");
	return false;
}

/* "/bucket/prefix/key" */
static void add_path(const struct s3 *s, const char *key, struct buf *out)
{
	buf_add_byte(out, '/');
	if (s->path_style)
		buf_printf(out, "%s/", s->bucket);
	if (key) {
		s3_uri_encode(out, s->prefix, true);
		s3_uri_encode(out, key, true);
	}
}

/* The Authorization header's value, over all of headers. */
static bool sign(struct s3 *s, const struct s3_call *c, const char *path,
		 const struct http_header *headers, size_t count, const char *payload,
		 const char *date, struct buf *out, struct err *e)
{
	const struct s3_sign_request request = {
		.method = c->method,
		.path = path,
		.query = c->query ? c->query : "",
		.headers = headers,
		.header_count = count,
		.payload_sha256 = payload,
		.date = date,
		.region = s->region,
		.access_key = s->credentials.access_key,
		.secret_key = s->credentials.secret_key,
	};

	return s3_sign(&request, out, e);
}

static bool hash_body(const struct s3_call *c, char hex[SHA256_HEX_BYTES], struct err *e)
{
	uint8_t digest[SHA256_BYTES];

	if (c->body_sha256 || c->body_len == 0) {
		snprintf(hex, SHA256_HEX_BYTES, "%s",
			 c->body_sha256 ? c->body_sha256 : S3_EMPTY_SHA256);
		return true;
	}
	if (!sha256_once(c->body, c->body_len, digest, e))
		return false;
	hex_encode(digest, sizeof(digest), hex);
	return true;
}

/* out is "" when there is none. */
static bool hash_md5(const struct s3_call *c, char out[MD5_BASE64_BYTES], struct err *e)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = sizeof(digest);

	out[0] = '\0';
	if (c->md5 == S3_MD5_NONE)
		return true;
	if (EVP_Digest(c->body, c->body_len, digest, &len, EVP_md5(), NULL) == 1 &&
	    len == MD5_BYTES) {
		EVP_EncodeBlock((unsigned char *)out, digest, (int)len);
		return true;
	}
	if (c->md5 == S3_MD5_IF_POSSIBLE)
		return true;
	err_set(e, ERR_CONFIG,
		"MD5 is switched off in this machine's OpenSSL, and S3 wants it for deleting");
	return err_hint(e, "A FIPS mode may do this.");
}

static const char *header_of(const struct s3_call *c, const char *name)
{
	for (size_t i = 0; i < c->header_count; i++)
		if (str_eq(c->headers[i].name, name))
			return c->headers[i].value;
	return NULL;
}

static enum store_request request_of(const struct s3_call *c)
{
	const char *query = c->query ? c->query : "";

	if (str_eq(c->method, "HEAD"))
		return STORE_REQUEST_HEAD;
	if (str_eq(c->method, "DELETE") || str_eq(query, "delete="))
		return STORE_REQUEST_DELETE;
	if (str_eq(query, "restore="))
		return STORE_REQUEST_RESTORE;
	if (str_eq(c->method, "GET"))
		return strstr(query, "prefix=") || strstr(query, "uploadId=") ? STORE_REQUEST_LIST
									      : STORE_REQUEST_GET;
	return header_of(c, "x-amz-copy-source") ? STORE_REQUEST_COPY : STORE_REQUEST_PUT;
}

static void count_request(struct s3 *s, const struct s3_call *c, const struct s3_answer *a)
{
	const char *class = header_of(c, "x-amz-storage-class");

	if (!class)
		class = http_response_header(&a->http, "x-amz-storage-class");
	store_count(s->store, request_of(c), class, a->http.bytes_in + a->http.bytes_out);
}

static bool try_once(struct s3 *s, const struct s3_call *c, const struct retry *r,
		     struct s3_answer *a, struct err *e)
{
	struct http_header headers[S3_HEADERS_MAX + S3_SSE_HEADERS_MAX + 6];
	struct buf path = BUF_INIT, url = BUF_INIT, authorization = BUF_INIT;
	char date[S3_DATE_BYTES], payload[SHA256_HEX_BYTES], md5[MD5_BASE64_BYTES];
	size_t count = 0;
	bool ok = false;

	s3_answer_release(a);
	if (!hash_body(c, payload, e) || !hash_md5(c, md5, e))
		goto out;
	s3_format_date(clock_wall_s(s->store->clock) + s->clock_offset_s, date);
	add_path(s, c->key, &path);
	buf_printf(&url, "%s%s", s->base_url, buf_str(&path));
	if (c->query)
		buf_printf(&url, "?%s", c->query);
	if (!buf_ok(&path, e) || !buf_ok(&url, e))
		goto out;
	memcpy(headers, c->headers, c->header_count * sizeof(*headers));
	count = c->header_count;
	count += s3_sse_headers(&s->sse, c->sse, headers + count);
	headers[count++] = (struct http_header){ "x-amz-content-sha256", payload };
	headers[count++] = (struct http_header){ "x-amz-date", date };
	if (*md5)
		headers[count++] = (struct http_header){ "content-md5", md5 };
	if (s->credentials.session_token)
		headers[count++] = (struct http_header){ "x-amz-security-token",
							 s->credentials.session_token };
	headers[count++] = (struct http_header){ "host", s->host };
	if (!sign(s, c, buf_str(&path), headers, count, payload, date, &authorization, e))
		goto out;
	headers[count++] = (struct http_header){ "authorization", buf_str(&authorization) };
	const struct http_request request = {
		.method = c->method,
		.url = buf_str(&url),
		.headers = headers,
		.header_count = count,
		.body = c->body,
		.body_len = c->body_len,
		.idle_timeout_ms = s->call_timeout_ms,
		.total_timeout_ms = retry_left_ms(r),
		.max_body_bytes = ANSWER_MAX_BYTES,
		.direct = s->plain && s3_sse_has_key(&s->sse),
		.sink = c->sink,
		.sink_ctx = c->sink_ctx,
	};
	s->store->counters.calls++;
	ok = http_perform(s->http, &request, &a->http, e);
	s->store->counters.bytes_in += a->http.bytes_in;
	s->store->counters.bytes_out += a->http.bytes_out;
	count_request(s, c, a);
	if (ok && a->http.status / 100 != 2) {
		s3_parse_error(a->http.body.data, a->http.body.len, &a->error);
		ok = s3_set_error(s, a->http.status, &a->http, &a->error, e);
	}
out:
	buf_release(&path);
	buf_release(&url);
	buf_release(&authorization);
	return ok;
}

static bool says_expired(const struct s3_answer *a)
{
	return str_eq(a->error.code, "ExpiredToken") ||
	       str_eq(a->error.code, "TokenRefreshRequired");
}

/* Where a key of the customer's is sent along with what was written without, servers refuse it. */
static bool may_be_without_key(const struct s3 *s, const struct s3_call *c,
			       const struct s3_answer *a)
{
	return c->sse == S3_SSE_READ && s3_sse_has_key(&s->sse) && a->http.status == 400 &&
	       (!a->error.code[0] || str_eq(a->error.code, "InvalidRequest"));
}

/* Of a key that is missing AWS says InvalidRequest, Ceph InvalidArgument; of a wrong one AWS says
 * AccessDenied, Ceph the same as before. */
static void hint_at_key(const struct s3 *s, const struct s3_call *c, const struct s3_answer *a,
			struct err *e)
{
	bool parameters = a->http.status == 400 && (str_eq(a->error.code, "InvalidRequest") ||
						    str_eq(a->error.code, "InvalidArgument"));

	if (c->sse != S3_SSE_READ || a->error.region[0])
		return;
	if (s3_sse_has_key(&s->sse) && (parameters || e->code == ERR_DENIED))
		err_hint(e, "The object was written with another key than that of "
			    "s3.sse_customer_key_file, or the credentials lack s3:GetObject or "
			    "s3:ListBucket.");
	else if (parameters)
		err_hint(e, "The object may have been written with a customer's key: see s3.sse.");
}

/* A refusal does not reach a call's sink, and bodies are in memory, so the call can be sent again
 * signed otherwise: once for each reason. */
bool s3_try(struct s3 *s, const struct s3_call *c, const struct retry *r, struct s3_answer *a,
	    struct err *e)
{
	const struct s3_credential_options sources = { .profile = s->profile,
						       .region = s->region,
						       .clock = s->store->clock,
						       .log = s->store->log };

	bool renewed = false, by_clock = false, by_region = false;
	struct s3_call bare;

	s3_answer_release(a);
	if (!s3_credentials_keep(&s->credentials, &sources, e))
		return false;
	while (!try_once(s, c, r, a, e)) {
		if (a->http.status == 0 || a->http.status / 100 == 2)
			return false;
		if (may_be_without_key(s, c, a)) {
			bare = *c;
			bare.sse = S3_SSE_NONE;
			c = &bare;
			continue;
		}
		if (!renewed && says_expired(a)) {
			renewed = true;
			if (!s3_credentials_renew(&s->credentials, &sources, e))
				return false;
		} else if (!by_clock && s3_correct_clock(s, a)) {
			by_clock = true;
		} else if (!by_region && s3_correct_region(s, a)) {
			by_region = true;
		} else {
			hint_at_key(s, c, a, e);
			return false;
		}
		s->corrections++;
		err_clear(e);
	}
	return true;
}

/* Retry-After, in seconds or as a date; 0 where there is none. */
static int64_t retry_after_ms(const struct s3 *s, const struct s3_answer *a)
{
	const char *text = http_response_header(&a->http, "retry-after");
	struct err ignored;
	int64_t seconds;

	if (!text)
		return 0;
	if (!str_parse_i64(text, &seconds, &ignored)) {
		if (!http_parse_date(text, &seconds))
			return 0;
		seconds -= clock_wall_s(s->store->clock);
	}
	if (seconds < 0)
		return 0;
	return 1000 * (seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S);
}

static bool says_slow_down(const struct s3_answer *a)
{
	static const char *const codes[] = {
		"SlowDown",         "Throttling",      "ThrottlingException",
		"RequestThrottled", "TooManyRequests", "RequestLimitExceeded"
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (str_eq(a->error.code, codes[i]))
			return true;
	return a->http.status == 503 || a->http.status == 429;
}

/* Each body's digest is computed from what is sent, so that its refusal is the way's doing. */
static bool says_body_damaged(const struct s3_answer *a)
{
	return str_eq(a->error.code, "XAmzContentSHA256Mismatch") ||
	       str_eq(a->error.code, "BadDigest");
}

/* Where a retry after a is counted. */
static uint64_t *counter_of(struct store_counters *c, const struct s3_answer *a)
{
	if (a->http.timed_out || a->http.status == 408 || str_eq(a->error.code, "RequestTimeout"))
		return &c->retries_timeout;
	if (says_slow_down(a))
		return &c->retries_throttled;
	if (says_body_damaged(a))
		return &c->retries_damaged;
	if (a->http.status / 100 != 2)
		return a->http.status == 0 ? &c->retries_broken : &c->retries_server;
	if (a->error.code[0])
		return &c->retries_server;
	return a->damaged ? &c->retries_damaged : &c->retries_broken;
}

bool s3_wait(struct s3 *s, struct retry *r, const struct s3_answer *a, struct err *e)
{
	struct err before = *e;
	int64_t at_least_ms = retry_after_ms(s, a);

	if (says_body_damaged(a) && ++r->damaged >= S3_DAMAGED_TRIES)
		e->code = ERR_DATA;
	if (at_least_ms == 0 && says_slow_down(a))
		at_least_ms = retry_throttle_ms(r->tries + 1, r->rng);
	if (err_is_retryable(e->code) && !resend_spend(r->resend, a->http.bytes_out, e))
		return false;
	if (!retry_wait(r, at_least_ms, e))
		return false;
	s->store->counters.retries++;
	s->store->counters.bytes_resent += a->http.bytes_out;
	++*counter_of(&s->store->counters, a);
	log_info(s->store->log, "archive: try %d failed, trying again: %s", r->tries,
		 before.message);
	err_clear(e);
	return true;
}

bool s3_perform(struct s3 *s, const struct s3_call *c, struct retry *r, struct s3_answer *a,
		struct err *e)
{
	retry_restart(r);
	while (!s3_try(s, c, r, a, e))
		if (!s3_wait(s, r, a, e))
			return false;
	return true;
}

bool s3_perform_checked(struct s3 *s, const struct s3_call *c, struct retry *r, struct s3_answer *a,
			bool (*check)(void *ctx, const struct s3_answer *a, struct err *e),
			void *ctx, struct err *e)
{
	retry_restart(r);
	for (int damaged = 0;;) {
		bool answered = s3_try(s, c, r, a, e);
		enum err_code code;

		if (answered && check(ctx, a, e))
			return true;
		code = e->code;
		if (answered && code == ERR_DATA && ++damaged < S3_DAMAGED_TRIES) {
			a->damaged = true;
			e->code = ERR_OFFLINE; /* as long as it may be mended */
		}
		if (!s3_wait(s, r, a, e)) {
			if (e->code == ERR_OFFLINE)
				e->code = code;
			return false;
		}
	}
}

/* A refused HEAD has no body to say why. The same as GET, for a byte, has. True: the reason was an
 * expired session, the clock or the region, which is corrected, so HEAD is worth another try. */
static bool explain_refusal(struct s3 *s, const char *key, struct retry *r, struct s3_answer *a,
			    struct err *e)
{
	struct s3_call call = { .method = "GET", .key = key, .sse = S3_SSE_READ };
	int status = a->http.status;
	unsigned corrections = s->corrections;
	struct err again = { 0 };

	if (status / 100 != 3 && status != 400 && status != 401 && status != 403)
		return false;
	s3_call_add_header(&call, "range", "bytes=0-0");
	if (!s3_try(s, &call, r, a, &again) && s->corrections == corrections &&
	    (says_expired(a) || (a->http.status == status && a->error.code[0])))
		*e = again;
	if (s->corrections == corrections)
		return false;
	err_clear(e);
	return true;
}

bool s3_head_object(struct s3 *s, const char *key, struct retry *r, struct s3_answer *a,
		    struct store_object *out, struct err *e)
{
	const struct s3_call call = { .method = "HEAD", .key = key, .sse = S3_SSE_READ };
	const char *length, *modified, *storage_class;
	struct store_object object = { .modified_s = 0 };

	if (!s3_perform(s, &call, r, a, e) &&
	    !(explain_refusal(s, key, r, a, e) && s3_perform(s, &call, r, a, e)))
		return false;
	length = http_response_header(&a->http, "content-length");
	modified = http_response_header(&a->http, "last-modified");
	storage_class = http_response_header(&a->http, "x-amz-storage-class");
	if (!length || !str_parse_u64(length, &object.bytes, e))
		return err_set(e, ERR_DATA, "the archive does not say how long the object is");
	if (modified && !http_parse_date(modified, &object.modified_s))
		return err_set(e, ERR_DATA, "the archive gave a time that is none");
	snprintf(object.key, sizeof(object.key), "%s", key);
	snprintf(object.storage_class, sizeof(object.storage_class), "%s",
		 storage_class ? storage_class : "STANDARD");
	s3_read_access(&a->http, &object);
	if (out)
		*out = object;
	return true;
}
