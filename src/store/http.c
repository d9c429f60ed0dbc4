#include "store/http.h"

#include <ctype.h>
#include <curl/curl.h>
#include <inttypes.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#define HEADERS_MAX        ((size_t)64 << 10)
#define ERROR_BODY_MAX     ((size_t)64 << 10)
#define CONNECT_TIMEOUT_MS 15000

struct http {
	CURL *curl;
	char *ca_file;
	bool plain;
	char reason[CURL_ERROR_SIZE];
};

/* libcurl's own set-up, once a process: one of the two globals that STYLE allows. */
static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct http *http_new(const char *ca_file, bool plain, struct err *e)
{
	struct http *h = mem_new(1, sizeof(*h), e);

	if (!h)
		return NULL;
	pthread_once(&curl_once, init_curl);
	h->plain = plain;
	h->ca_file = mem_strdup(ca_file, e);
	h->curl = curl_easy_init();
	if (!h->curl)
		err_no_memory(e);
	if (!h->curl || (ca_file && !h->ca_file)) {
		http_free(h);
		return NULL;
	}
	return h;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	curl_easy_cleanup(h->curl);
	free(h->ca_file);
	free(h);
}

void http_response_release(struct http_response *r)
{
	buf_release(&r->headers);
	buf_release(&r->body);
	*r = (struct http_response){ 0 };
}

const char *http_response_header(const struct http_response *r, const char *name)
{
	const char *at = (const char *)r->headers.data, *end = at ? at + r->headers.len : NULL;

	while (at && at < end) {
		const char *value = at + strlen(at) + 1;

		if (str_eq(at, name))
			return value;
		at = value + strlen(value) + 1;
	}
	return NULL;
}

bool http_is_loopback(const char *host, size_t len)
{
	static const char *const names[] = { "localhost", "[::1]" };
	size_t name_len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");

	if (name_len > len)
		name_len = len;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == name_len && strncasecmp(host, names[i], name_len) == 0)
			return true;
	/* 127.0.0.0/8 */
	return name_len > 4 && memcmp(host, "127.", 4) == 0 &&
	       strspn(host, "0123456789.") >= name_len;
}

bool http_parse_date(const char *text, int64_t *seconds_out)
{
	time_t t = curl_getdate(text, NULL);

	if (t < 0)
		return false;
	*seconds_out = t;
	return true;
}

/* What curl's callbacks share during one request. */
struct exchange {
	const struct http_request *request;
	struct http_response *response;
	size_t sent; /* of the body */
	bool failed;
	curl_off_t moved;    /* bytes, both ways */
	int64_t moved_at_ms; /* when that last changed */
	struct err *e;
};

/* "HTTP/1.1 206 Partial Content" is 206; 0 for what is none. */
static int parse_status(const char *line, size_t len)
{
	const char *at = memchr(line, ' ', len), *end = line + len;
	int status = 0;

	while (at && ++at < end && isdigit((unsigned char)*at) && status < 1000)
		status = 10 * status + (*at - '0');
	return status;
}

static size_t on_header(char *data, size_t size, size_t count, void *ctx)
{
	struct exchange *x = ctx;
	struct buf *out = &x->response->headers;
	size_t len = size * count;
	const char *colon = memchr(data, ':', len);
	const char *value, *end = data + len;

	if (len >= 5 && strncasecmp(data, "HTTP/", 5) == 0) {
		/* A new answer begins: what a 100 (Continue) said before does not count. */
		buf_clear(out);
		x->response->status = parse_status(data, len);
		return len;
	}
	if (!colon)
		return len;
	if (out->len + len > HEADERS_MAX) {
		x->failed = true;
		err_set(x->e, ERR_DATA, "the headers of the answer are larger than %zu bytes",
			HEADERS_MAX);
		return 0;
	}
	for (const char *at = data; at < colon; at++)
		buf_add_byte(out, (uint8_t)tolower((unsigned char)*at));
	buf_add_byte(out, 0);
	for (value = colon + 1; value < end && isspace((unsigned char)*value); value++)
		;
	while (end > value && isspace((unsigned char)end[-1]))
		end--;
	for (; value < end; value++) /* a NUL would shift all that follows it */
		buf_add_byte(out, *value ? (uint8_t)*value : ' ');
	buf_add_byte(out, 0);
	if (out->failed) {
		x->failed = true;
		err_no_memory(x->e);
		return 0;
	}
	return len;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
	struct exchange *x = ctx;
	struct http_response *r = x->response;
	size_t len = size * count, keep = len;

	r->bytes_in += len;
	if (r->status / 100 == 2 && x->request->sink) {
		if (x->request->sink(x->request->sink_ctx, r, data, len, x->e))
			return len;
		x->failed = true;
		return 0;
	}
	if (r->status / 100 == 2 && len > x->request->max_body_bytes - r->body.len) {
		x->failed = true;
		err_set(x->e, ERR_DATA, "the answer is larger than %zu bytes",
			x->request->max_body_bytes);
		return 0;
	}
	if (r->status / 100 != 2 && keep > ERROR_BODY_MAX - r->body.len)
		keep = ERROR_BODY_MAX - r->body.len;
	buf_add(&r->body, data, keep);
	if (!buf_ok(&r->body, x->e)) {
		x->failed = true;
		return 0;
	}
	return len;
}

static size_t on_send(char *data, size_t size, size_t count, void *ctx)
{
	struct exchange *x = ctx;
	size_t room = size * count, left = x->request->body_len - x->sent;
	size_t len = room < left ? room : left;

	if (len > 0)
		memcpy(data, (const uint8_t *)x->request->body + x->sent, len);
	x->sent += len;
	x->response->bytes_out += len;
	return len;
}

/* curl goes back when a kept connection turns out to be dead. */
static int on_rewind(void *ctx, curl_off_t offset, int origin)
{
	struct exchange *x = ctx;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > x->request->body_len)
		return CURL_SEEKFUNC_FAIL;
	x->sent = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

/* curl calls this about once a second, whatever happens. Its own limit of speed looks at the last five
 * seconds, so that silence after an upload would be noticed late. */
static int on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
		       curl_off_t up)
{
	struct exchange *x = ctx;
	int64_t now_ms = clock_stopwatch_us() / 1000;

	(void)down_total;
	(void)up_total;
	if (x->moved_at_ms == 0 || down + up != x->moved) {
		x->moved = down + up;
		x->moved_at_ms = now_ms;
	}
	if (now_ms - x->moved_at_ms < x->request->idle_timeout_ms)
		return 0;
	x->response->timed_out = true;
	x->failed = true;
	err_set(x->e, ERR_OFFLINE, "the server was silent for %" PRId64 " ms",
		now_ms - x->moved_at_ms);
	return 1;
}

static struct curl_slist *make_headers(const struct http_request *request, struct err *e)
{
	/* No waiting for "100 Continue": many servers never say so, and a refused part costs less
	 * than the wait. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	struct buf line = BUF_INIT;

	for (size_t i = 0; list && i < request->header_count; i++) {
		struct curl_slist *longer;

		buf_clear(&line);
		buf_printf(&line, "%s: %s", request->headers[i].name, request->headers[i].value);
		longer = line.failed ? NULL : curl_slist_append(list, buf_str(&line));
		if (!longer) {
			curl_slist_free_all(list);
			list = NULL;
		} else {
			list = longer;
		}
	}
	if (!list)
		err_no_memory(e);
	buf_release(&line);
	return list;
}

static void set_method(CURL *c, const struct http_request *request, struct exchange *x)
{
	bool sends = str_eq(request->method, "PUT") || str_eq(request->method, "POST");

	if (str_eq(request->method, "HEAD")) {
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	} else if (sends) {
		curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_len);
		curl_easy_setopt(c, CURLOPT_READFUNCTION, on_send);
		curl_easy_setopt(c, CURLOPT_READDATA, x);
		curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_rewind);
		curl_easy_setopt(c, CURLOPT_SEEKDATA, x);
		curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, 1L << 20);
	}
	if (!str_eq(request->method, "HEAD"))
		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, request->method);
}

/* The first option that curl refuses is its answer: none of these may be lost silently. */
static CURLcode set_limits(const struct http *h, const struct http_request *request)
{
	int64_t connect_ms = request->idle_timeout_ms < CONNECT_TIMEOUT_MS
				     ? request->idle_timeout_ms
				     : CONNECT_TIMEOUT_MS;
	int64_t total_ms = request->total_timeout_ms < 1 ? 1 : request->total_timeout_ms;
	const char *protocols = h->plain ? "http,https" : "https";
	CURL *c = h->curl;
	CURLcode rc;

	if ((rc = curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, protocols)) != CURLE_OK ||
	    (rc = curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L)) != CURLE_OK ||
	    (rc = curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L)) != CURLE_OK ||
	    (rc = curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms)) != CURLE_OK ||
	    (rc = curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L)) != CURLE_OK ||
	    (rc = curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)total_ms)) != CURLE_OK ||
	    (rc = curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L)) != CURLE_OK ||
	    (rc = curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L)) != CURLE_OK)
		return rc;
	/* Refused by a libcurl that has no HTTP/2, which goes on with 1.1. */
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	/* For speed only. 7.88 refuses it on a handle that kept its buffer after a failed look-up
	 * of the host, and that is no reason to fail for ever after. */
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, (long)CURL_MAX_READ_SIZE);
	if (request->direct && (rc = curl_easy_setopt(c, CURLOPT_NOPROXY, "*")) != CURLE_OK)
		return rc;
	if (h->ca_file)
		return curl_easy_setopt(c, CURLOPT_CAINFO, h->ca_file);
	return CURLE_OK;
}

/* The chain is judged in the handshake, the host's name after it. Until OpenSSL has judged, curl's
 * result is X509_V_ERR_UNSPECIFIED. */
static bool set_certificate_error(const struct http *h, const char *reason, struct err *e)
{
	long verdict = X509_V_OK;

	curl_easy_getinfo(h->curl, CURLINFO_SSL_VERIFYRESULT, &verdict);
	err_set(e, ERR_CONFIG, "the server's certificate is not trusted: %s", reason);
	switch (verdict) {
	case X509_V_OK:
	case X509_V_ERR_UNSPECIFIED:
		return err_hint(e,
				"Give the endpoint by a name that the certificate was made for.");
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return err_hint(
			e, "Renew the certificate; or, if it is valid, set this machine's clock.");
	default:
		return err_hint(
			e,
			"Name the file of the authority that signed it as the archive's ca_file.");
	}
}

static bool set_transport_error(const struct http *h, const char *url, CURLcode rc, struct err *e)
{
	const char *reason = h->reason[0] ? h->reason : curl_easy_strerror(rc);

	switch (rc) {
	case CURLE_OUT_OF_MEMORY:
		return err_no_memory(e);
	case CURLE_URL_MALFORMAT:
		return err_set(e, ERR_CONFIG, "%s", reason);
	case CURLE_UNSUPPORTED_PROTOCOL: /* also an answer that is no HTTP: TLS's alert, for one */
		err_set(e, ERR_CONFIG, "%s", reason);
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return set_certificate_error(h, reason, e);
	case CURLE_SSL_CACERT_BADFILE:
		err_set(e, ERR_CONFIG, "the file of the authorities to trust cannot be used: %s",
			reason);
		return err_hint(
			e, "%s",
			h->ca_file ? "Check the archive's ca_file."
				   : "Install the authorities that this system trusts (the package "
				     "ca-certificates), or name a file of such as the archive's "
				     "ca_file.");
	case CURLE_SSL_CONNECT_ERROR:
		err_set(e, ERR_OFFLINE, "%s", reason);
		return err_hint(e,
				"If the server speaks plain HTTP, give its endpoint as http://.");
	default:
		err_set(e, ERR_OFFLINE, "%s", reason);
	}
	/* How servers of TLS take plain HTTP: most hang up without a word. */
	if (str_starts_with(url, "http://") &&
	    (rc == CURLE_GOT_NOTHING || rc == CURLE_UNSUPPORTED_PROTOCOL))
		err_hint(e, "If the server speaks TLS, give its endpoint as https://.");
	return false;
}

bool http_perform(struct http *h, const struct http_request *request,
		  struct http_response *response, struct err *e)
{
	struct exchange x = { .request = request, .response = response, .e = e };
	struct curl_slist *headers = NULL;
	CURLcode rc;

	http_response_release(response);
	headers = make_headers(request, e);
	if (!headers)
		return false;
	curl_easy_reset(h->curl); /* keeps the connection */
	h->reason[0] = '\0';
	curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, h->reason);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(h->curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(h->curl, CURLOPT_HEADERDATA, &x);
	curl_easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, &x);
	curl_easy_setopt(h->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(h->curl, CURLOPT_XFERINFODATA, &x);
	set_method(h->curl, request, &x);
	rc = set_limits(h, request);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(h->curl, CURLOPT_URL, request->url);
	if (rc == CURLE_OK)
		rc = curl_easy_perform(h->curl);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, NULL);
	curl_slist_free_all(headers);
	response->timed_out |= rc == CURLE_OPERATION_TIMEDOUT;
	if (x.failed)
		return false;
	if (rc != CURLE_OK)
		return set_transport_error(h, request->url, rc, e);
	return true;
}
