/* The archive in an S3 bucket: opening it, reading, listing and deleting. */
#include "store/store_driver.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/s3.h"
#include "store/s3_class.h"
#include "store/s3_list.h"
#include "store/s3_sign.h"

#define PART_DEFAULT_BYTES ((uint64_t)16 << 20)
#define CALL_TIMEOUT_MS    60000
#define TOTAL_TIMEOUT_MS   (15 * 60000)
#define MAX_TRIES          8
#define UPLOAD_JOBS        4
#define RESEND_PERCENT     50
#define KEY_MAX_BYTES      1024 /* S3's limit */
#define EMPTY_PAGES_MAX    100
#define ETAG_MAX           128

static bool not_found(const char *key, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "object \"%s\" is not in the archive", key);
}

/* One object, or a range of it, on its way to a file or a buffer; goes on where a broken connection
 * left it. */
struct fetch {
	const char *key;
	bool whole;
	uint64_t first, len; /* len of the whole is known from the first answer on */
	uint64_t done;
	bool checked; /* the headers of the present answer */
	struct retry *retry;
	char etag[ETAG_MAX];
	/* to a buffer, or to a file, hashing */
	struct buf *out;
	int fd;
	const char *path;
	struct sha256 *hash;
};

static bool wrong_answer(const struct fetch *f, int status, const char *what, struct err *e)
{
	return err_set(
		e, ERR_DATA,
		"the archive answered the request for %s of object \"%s\" with HTTP %d and %s",
		f->whole && f->done == 0 ? "the whole" : "a range", f->key, status, what);
}

/* Notes the object's length and ETag from the answer to the first request for the whole. */
static bool check_whole(struct fetch *f, const struct http_response *r, struct err *e)
{
	const char *length = http_response_header(r, "content-length");
	const char *etag = http_response_header(r, "etag");

	if (r->status != 200 || !length || !str_parse_u64(length, &f->len, e))
		return wrong_answer(f, r->status, "no length", e);
	if (etag && strlen(etag) < sizeof(f->etag))
		snprintf(f->etag, sizeof(f->etag), "%s", etag);
	s3_retry_extend(f->retry, f->len);
	return true;
}

static bool check_range(struct fetch *f, const struct http_response *r, struct err *e)
{
	const char *range = http_response_header(r, "content-range");
	const char *length = http_response_header(r, "content-length");
	uint64_t first = f->first + f->done, last = f->first + f->len - 1;
	uint64_t got_first, got_last, got_length;

	if (r->status != 206 || !range ||
	    sscanf(range, "bytes %" SCNu64 "-%" SCNu64, &got_first, &got_last) != 2)
		return wrong_answer(f, r->status, "no range", e);
	if (got_first == first && got_last < last)
		return err_set(e, ERR_DATA,
			       "object \"%s\" ends at byte %" PRIu64 ", before byte %" PRIu64,
			       f->key, got_last, last);
	if (got_first != first || got_last != last)
		return wrong_answer(f, r->status, "another range", e);
	if (length && (!str_parse_u64(length, &got_length, e) || got_length != f->len - f->done))
		return wrong_answer(f, r->status, "another length than its range", e);
	return true;
}

static bool check_headers(struct fetch *f, const struct http_response *r, struct err *e)
{
	if (f->checked)
		return true;
	f->checked = true;
	return f->whole && f->done == 0 ? check_whole(f, r, e) : check_range(f, r, e);
}

static bool take_bytes(void *ctx, const struct http_response *r, const void *data, size_t len,
		       struct err *e)
{
	struct fetch *f = ctx;

	if (!check_headers(f, r, e))
		return false;
	if (len > f->len - f->done)
		return wrong_answer(f, r->status, "more bytes than it said", e);
	if (f->out) {
		buf_add(f->out, data, len);
		if (!buf_ok(f->out, e))
			return false;
	} else if (!sha256_add(f->hash, data, len, e) ||
		   !file_write_all(f->fd, data, len, f->path, e)) {
		return false;
	}
	f->done += len;
	return true;
}

/* One request for what is missing yet. */
static bool fetch_once(struct s3 *s, struct fetch *f, const struct retry *r, struct s3_answer *a,
		       struct err *e)
{
	struct s3_call call = { .method = "GET",
				.key = f->key,
				.sse = S3_SSE_READ,
				.sink = take_bytes,
				.sink_ctx = f };
	char range[64];

	if (!f->whole || f->done > 0) {
		snprintf(range, sizeof(range), "bytes=%" PRIu64 "-%" PRIu64, f->first + f->done,
			 f->first + f->len - 1);
		s3_call_add_header(&call, "range", range);
	}
	if (f->done > 0 && f->etag[0])
		s3_call_add_header(&call, "if-match", f->etag);
	f->checked = false;
	if (!s3_try(s, &call, r, a, e)) {
		if (e->code == ERR_NOT_FOUND)
			not_found(f->key, e);
		else if (e->code == ERR_EXISTS) /* If-Match did not */
			err_set(e, ERR_DATA, "object \"%s\" changed while it was read", f->key);
		return false;
	}
	/* An empty object never reaches the sink. */
	if (!check_headers(f, &a->http, e))
		return false;
	return f->done == f->len ? true : err_set(e, ERR_OFFLINE, "the answer ended too early");
}

static bool fetch_all(struct s3 *s, struct fetch *f, struct err *e)
{
	struct s3_answer answer = { .http = { 0 } };
	struct retry retry;
	bool ok;

	s3_retry_init(s, &retry);
	f->retry = &retry;
	for (;;) {
		uint64_t before = f->done;

		ok = fetch_once(s, f, &retry, &answer, e);
		if (ok)
			break;
		if (e->code == ERR_OFFLINE && f->done > 0 && f->done == f->len) {
			/* Broken off after the last byte: there is nothing left to ask for. */
			err_clear(e);
			ok = true;
			break;
		}
		if (f->done > before)
			retry_restart(&retry);
		if (!s3_wait(s, &retry, &answer, e))
			break;
	}
	s3_answer_release(&answer);
	if (!ok && e->code != ERR_NOT_FOUND)
		err_wrap(e, "could not read object \"%s\"", f->key);
	return ok;
}

static bool s3_head(struct store *store, const char *key, struct store_object *out, struct err *e)
{
	struct s3 *s = store->impl;
	struct s3_answer answer = { .http = { 0 } };
	struct retry retry;
	bool ok;

	s3_retry_init(s, &retry);
	ok = s3_head_object(s, key, &retry, &answer, out, e);
	s3_answer_release(&answer);
	if (!ok && e->code == ERR_NOT_FOUND)
		return not_found(key, e);
	return ok ? true : err_wrap(e, "could not look up object \"%s\"", key);
}

static bool s3_get_range(struct store *store, const char *key, uint64_t offset, uint64_t len,
			 struct buf *out, struct err *e)
{
	struct fetch f = { .key = key, .first = offset, .len = len, .out = out, .fd = -1 };
	size_t before = out->len;
	struct store_object object;

	if (len == 0) {
		/* HTTP has no empty range. */
		if (!s3_head(store, key, &object, e))
			return false;
		return offset <= object.bytes
			       ? true
			       : err_set(e, ERR_DATA, "object \"%s\" ends before byte %" PRIu64,
					 key, offset);
	}
	if (fetch_all(store->impl, &f, e))
		return true;
	out->len = before;
	return false;
}

static bool s3_get_file(struct store *store, const char *key, const char *path,
			uint8_t sha256_out[SHA256_BYTES], uint64_t *bytes_out, struct err *e)
{
	struct fetch f = {
		.key = key, .whole = true, .fd = -1, .path = path, .hash = sha256_new(e)
	};
	bool ok = false;

	if (!f.hash)
		return false;
	f.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (f.fd < 0) {
		err_set_errno(e, ERR_IO, errno, "could not create file \"%s\"", path);
		goto out;
	}
	ok = fetch_all(store->impl, &f, e) && sha256_finish(f.hash, sha256_out, e);
	if (bytes_out)
		*bytes_out = f.done;
out:
	if (f.fd >= 0 && close(f.fd) != 0 && ok)
		ok = err_set_errno(e, ERR_IO, errno, "could not close file \"%s\"", path);
	if (f.fd >= 0 && !ok)
		unlink(path);
	sha256_free(f.hash);
	return ok;
}

/* The key as callers know it; NULL when it is not below our prefix, or none that they could name.
 */
static const char *own_key(const struct s3 *s, const char *full)
{
	struct err ignored;
	const char *key;

	if (!str_starts_with(full, s->prefix))
		return NULL;
	key = full + strlen(s->prefix);
	return store_key_check(key, &ignored) ? key : NULL;
}

/* How far a listing has come. */
struct progress {
	char *token, *last;
	unsigned empty; /* pages, one after the other */
	struct s3_page *page;
};

/* A listing must get on: keys rise, tokens change, and pages are not empty for ever. */
static bool check_progress(const struct progress *p, struct err *e)
{
	const struct s3_page *page = p->page;

	for (size_t i = 0; i < page->count; i++) {
		const char *before = i > 0 ? page->entries[i - 1].key : p->last;

		if (before && strcmp(before, page->entries[i].key) >= 0)
			return err_set(e, ERR_DATA,
				       "the archive's listing is not in order or repeats itself");
	}
	if ((page->count == 0 && p->empty >= EMPTY_PAGES_MAX) ||
	    (page->truncated && str_eq(page->next_token, p->token)))
		return err_set(e, ERR_DATA, "the archive's listing does not come to an end");
	return true;
}

static bool read_objects(void *ctx, const struct s3_answer *a, struct err *e)
{
	struct progress *p = ctx;

	s3_page_release(p->page);
	return s3_parse_objects(a->http.body.data, a->http.body.len, p->page, e) &&
	       check_progress(p, e);
}

/* The next page of objects. */
static bool get_objects(struct s3 *s, const char *prefix, struct progress *p, struct retry *r,
			struct err *e)
{
	struct s3_call call = { .method = "GET" };
	struct s3_answer answer = { .http = { 0 } };
	struct buf query = BUF_INIT, full = BUF_INIT;
	char size[16];
	bool ok = false;

	snprintf(size, sizeof(size), "%u", s->page_size);
	buf_printf(&full, "%s%s", s->prefix, prefix);
	if (p->token)
		s3_add_parameter(&query, "continuation-token", p->token);
	s3_add_parameter(&query, "encoding-type", "url");
	s3_add_parameter(&query, "list-type", "2");
	s3_add_parameter(&query, "max-keys", size);
	s3_add_parameter(&query, "prefix", buf_str(&full));
	if (!buf_ok(&query, e) || !buf_ok(&full, e))
		goto out;
	call.query = buf_str(&query);
	ok = s3_perform_checked(s, &call, r, &answer, read_objects, p, e);
out:
	s3_answer_release(&answer);
	buf_release(&query);
	buf_release(&full);
	return ok;
}

static bool visit_object(struct s3 *s, const struct s3_entry *entry, const char *prefix,
			 bool (*visit)(void *ctx, const struct store_object *object, struct err *e),
			 void *ctx, struct err *e)
{
	const char *key = own_key(s, entry->key);
	struct store_object object = { .bytes = entry->bytes, .modified_s = entry->time_s };

	if (!key || !str_starts_with(key, prefix)) {
		log_debug(s->store->log, "archive: object \"%.200s\" is none of firn's",
			  entry->key);
		return true;
	}
	snprintf(object.key, sizeof(object.key), "%s", key);
	snprintf(object.storage_class, sizeof(object.storage_class), "%s", entry->storage_class);
	return visit(ctx, &object, e);
}

/* The page was taken: what comes must come after it. */
static bool advance(struct progress *p, struct err *e)
{
	const struct s3_page *page = p->page;

	p->empty = page->count > 0 ? 0 : p->empty + 1;
	if (page->count == 0)
		return true;
	free(p->last);
	p->last = mem_strdup(page->entries[page->count - 1].key, e);
	return p->last != NULL;
}

static bool s3_list(struct store *store, const char *prefix,
		    bool (*visit)(void *ctx, const struct store_object *object, struct err *e),
		    void *ctx, struct err *e)
{
	struct s3 *s = store->impl;
	struct progress progress = { 0 };
	bool ok, more;

	do {
		struct s3_page page = { 0 };
		struct retry retry;

		progress.page = &page;
		s3_retry_init(s, &retry); /* each page has its own: how long all takes depends on
					     the archive's size */
		ok = get_objects(s, prefix, &progress, &retry, e) && advance(&progress, e);
		if (!ok)
			err_wrap(e, "could not list bucket \"%s\"", s->bucket);
		for (size_t i = 0; ok && i < page.count; i++)
			ok = visit_object(s, &page.entries[i], prefix, visit, ctx, e);
		more = page.truncated;
		free(progress.token);
		progress.token = page.next_token;
		page.next_token = NULL;
		s3_page_release(&page);
	} while (ok && more);
	free(progress.token);
	free(progress.last);
	return ok;
}

static bool read_uploads(void *ctx, const struct s3_answer *a, struct err *e)
{
	struct s3_page *page = ctx;

	s3_page_release(page);
	return s3_parse_uploads(a->http.body.data, a->http.body.len, page, e);
}

/* The next page of uploads after key and upload (NULL: the first). Without encoding-type: servers
 * differ in whether they encode the markers, and our own keys need none. */
static bool get_uploads(struct s3 *s, const char *prefix, const char *key, const char *upload,
			struct retry *r, struct s3_page *page, struct err *e)
{
	struct s3_call call = { .method = "GET" };
	struct s3_answer answer = { .http = { 0 } };
	struct buf query = BUF_INIT, full = BUF_INIT;
	char size[16];
	bool ok = false;

	snprintf(size, sizeof(size), "%u", s->page_size);
	buf_printf(&full, "%s%s", s->prefix, prefix);
	if (key)
		s3_add_parameter(&query, "key-marker", key);
	s3_add_parameter(&query, "max-uploads", size);
	s3_add_parameter(&query, "prefix", buf_str(&full));
	if (upload)
		s3_add_parameter(&query, "upload-id-marker", upload);
	s3_add_parameter(&query, "uploads", "");
	if (!buf_ok(&query, e) || !buf_ok(&full, e))
		goto out;
	call.query = buf_str(&query);
	ok = s3_perform_checked(s, &call, r, &answer, read_uploads, page, e);
out:
	s3_answer_release(&answer);
	buf_release(&query);
	buf_release(&full);
	return ok;
}

static bool visit_upload(struct s3 *s, const struct s3_entry *entry, const char *prefix,
			 bool (*visit)(void *ctx, const struct store_upload *upload, struct err *e),
			 void *ctx, struct err *e)
{
	const char *key = own_key(s, entry->key);
	struct store_upload upload = { .started_s = entry->time_s };

	if (!key || !str_starts_with(key, prefix))
		return true;
	if (strlen(entry->id) >= sizeof(upload.id))
		return err_set(e, ERR_DATA, "the upload of object \"%s\" has an id of %zu bytes",
			       key, strlen(entry->id));
	snprintf(upload.key, sizeof(upload.key), "%s", key);
	snprintf(upload.id, sizeof(upload.id), "%s", entry->id);
	return visit(ctx, &upload, e);
}

static bool s3_list_uploads(struct store *store, const char *prefix,
			    bool (*visit)(void *ctx, const struct store_upload *upload,
					  struct err *e),
			    void *ctx, struct err *e)
{
	struct s3 *s = store->impl;
	char *key = NULL, *upload = NULL;
	bool ok, more;

	do {
		struct s3_page page = { 0 };
		struct retry retry;

		s3_retry_init(s, &retry);
		ok = get_uploads(s, prefix, key, upload, &retry, &page, e);
		/* Markers only rise, by key and then by id, so that one that does not is an endless
		 * loop. */
		if (ok && page.truncated && key && strcmp(page.next_key, key) < 0)
			ok = err_set(e, ERR_DATA, "the archive's listing does not get on");
		if (ok && page.truncated && str_eq(page.next_key, key) &&
		    str_eq(page.next_upload, upload))
			ok = err_set(e, ERR_DATA, "the archive's listing does not come to an end");
		if (!ok)
			err_wrap(e, "could not list unfinished uploads in bucket \"%s\"",
				 s->bucket);
		for (size_t i = 0; ok && i < page.count; i++)
			ok = visit_upload(s, &page.entries[i], prefix, visit, ctx, e);
		more = page.truncated;
		free(key);
		free(upload);
		key = page.next_key;
		upload = page.next_upload;
		page.next_key = page.next_upload = NULL;
		s3_page_release(&page);
	} while (ok && more);
	free(key);
	free(upload);
	return ok;
}

static bool s3_abort_upload(struct store *store, const struct store_upload *upload, struct err *e)
{
	struct retry retry;

	s3_retry_init(store->impl, &retry);
	if (s3_abort(store->impl, upload->key, upload->id, &retry, e))
		return true;
	return err_wrap(e, "could not abort the upload of object \"%s\"", upload->key);
}

static const char *s3_credentials_source(const struct store *store)
{
	const struct s3 *s = store->impl;

	return s->credentials.source;
}

void s3_free(struct s3 *s)
{
	http_free(s->http);
	s3_credentials_release(&s->credentials);
	s3_sse_release(&s->sse);
	free(s->profile);
	free(s->ca_file);
	free(s->base_url);
	free(s->host);
	free(s->region);
	free(s->bucket);
	free(s->prefix);
	free(s);
}

static void s3_close(struct store *store)
{
	s3_free(store->impl);
	store->impl = NULL;
}

static const struct store_driver s3_driver = {
	.close = s3_close,
	.put = s3_put,
	.get_range = s3_get_range,
	.get_file = s3_get_file,
	.head = s3_head,
	.list = s3_list,
	.delete = s3_delete,
	.set_class = s3_set_class,
	.thaw = s3_thaw,
	.list_uploads = s3_list_uploads,
	.abort_upload = s3_abort_upload,
	.credentials_source = s3_credentials_source,
};

void store_s3_set_page_size(struct store *s, unsigned objects)
{
	if (s->driver == &s3_driver)
		((struct s3 *)s->impl)->page_size = objects;
}

/* "bucket/prefix" */
static bool parse_location(struct s3 *s, const char *location, struct err *e)
{
	size_t len = strcspn(location, "/");
	const char *prefix = location + len + strspn(location + len, "/");
	size_t prefix_len = strlen(prefix);
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)location[i]) && !strchr("-._", location[i])) {
			/* Not repeated: it may be "key:secret@bucket". */
			err_set(e, ERR_CONFIG, "the archive's URL holds no valid bucket name");
			return err_hint(e, "Give it as s3://bucket/prefix; credentials do not "
					   "belong into it.");
		}
	if (len < 3 || len > 255)
		return err_set(
			e, ERR_CONFIG,
			"the bucket name in the archive's URL has %zu characters, not 3 to 255",
			len);
	while (prefix_len > 0 && prefix[prefix_len - 1] == '/')
		prefix_len--;
	s->bucket = mem_strndup(location, len, e);
	if (!s->bucket)
		return false;
	buf_printf(&text, "%.*s%s", (int)prefix_len, prefix, prefix_len ? "/" : "");
	s->prefix = buf_take(&text, e);
	if (!s->prefix) {
		buf_release(&text);
		return false;
	}
	if (!store_url_prefix_check(s->prefix, e)) {
		e->code = ERR_CONFIG;
		return err_wrap(e, "the archive's URL cannot be used");
	}
	if (strlen(s->prefix) + STORE_KEY_MAX > KEY_MAX_BYTES)
		return err_set(e, ERR_CONFIG,
			       "the prefix in the archive's URL is longer than %d bytes",
			       KEY_MAX_BYTES - STORE_KEY_MAX - 1);
	return true;
}

static bool bad_endpoint(struct err *e)
{
	err_set(e, ERR_CONFIG, "the archive's endpoint cannot be used");
	return err_hint(
		e, "Give it as https://host or https://host:port, without path or credentials.");
}

/* Whether the bucket can be the first part of a host name: not before an address, nor where it would be
 * another name (upper case, "_"), nor, with a dot in it, over TLS: a certificate's "*" is one label. */
static bool fits_host_name(const char *bucket, bool plain, const char *host, size_t host_len)
{
	size_t address = strspn(host, "0123456789.");

	if (*host == '[' || address >= host_len || host[address] == ':')
		return false;
	for (const char *at = bucket; *at; at++)
		if (isupper((unsigned char)*at) || *at == '_' || (*at == '.' && !plain))
			return false;
	return true;
}

/* Host and base URL, with the bucket in front of the host unless the style is by path or must be. */
static bool set_address(struct s3 *s, bool plain, const char *host, size_t host_len, struct err *e)
{
	const char *default_port = plain ? ":80" : ":443";
	size_t port_len = strlen(default_port);
	struct buf text = BUF_INIT;

	free(s->host);
	free(s->base_url);
	s->host = s->base_url = NULL;
	/* curl leaves the default port out of the Host header, which is signed. */
	if (host_len > port_len && memcmp(host + host_len - port_len, default_port, port_len) == 0)
		host_len -= port_len;
	if (!fits_host_name(s->bucket, plain, host, host_len))
		s->path_style = true;
	if (!s->path_style)
		buf_printf(&text, "%s.", s->bucket);
	buf_add(&text, host, host_len);
	s->host = buf_take(&text, e);
	if (s->host) {
		buf_printf(&text, "%s://%s", plain ? "http" : "https", s->host);
		s->base_url = buf_take(&text, e);
	}
	buf_release(&text);
	return s->host && s->base_url;
}

static bool parse_endpoint(struct s3 *s, const char *endpoint, struct err *e)
{
	bool plain = str_starts_with(endpoint, "http://");
	const char *host = endpoint + strlen(plain ? "http://" : "https://");
	size_t len;

	if (!plain && !str_starts_with(endpoint, "https://"))
		return bad_endpoint(e);
	len = strcspn(host, "/");
	if (len == 0 || host[len + strspn(host + len, "/")])
		return bad_endpoint(e);
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)host[i]) && !strchr("-._:[]", host[i]))
			return bad_endpoint(e);
	if (plain && s3_sse_has_key(&s->sse) && !http_is_loopback(host, len)) {
		err_set(e, ERR_CONFIG, "the archive's endpoint is no https:// one");
		return err_hint(e, "A customer's key (s3.sse) is not sent where it could be read.");
	}
	s->plain = plain;
	return set_address(s, plain, host, len, e);
}

bool s3_set_own_address(struct s3 *s, struct err *e)
{
	struct buf host = BUF_INIT;
	bool ok;

	s->own_endpoint = true;
	buf_printf(&host, "s3.%s.amazonaws.com%s", s->region,
		   str_starts_with(s->region, "cn-") ? ".cn" : "");
	ok = buf_ok(&host, e) && set_address(s, false, buf_str(&host), host.len, e);
	buf_release(&host);
	return ok;
}

static bool set_region(struct s3 *s, const char *region, struct err *e)
{
	if (!region || !*region)
		region = s->credentials.region;
	if (!region || !*region)
		region = "us-east-1";
	for (const char *at = region; *at; at++)
		if (!isalnum((unsigned char)*at) && *at != '-' && *at != '_')
			return err_set(e, ERR_CONFIG, "\"%s\" is not a region", region);
	s->region = mem_strdup(region, e);
	return s->region != NULL;
}

static bool find_credentials(struct s3 *s, const struct store_options *options, struct err *e)
{
	const char *profile = options->profile && *options->profile ? options->profile : NULL;
	const struct s3_credential_options sources = { .profile = profile,
						       .region = options->region,
						       .clock = s->store->clock,
						       .log = s->store->log };

	s->profile = mem_strdup(profile, e);
	if (profile && !s->profile)
		return false;
	return s3_credentials_load(&s->credentials, &sources, e);
}

bool store_s3_open(struct store *store, const char *location, const struct store_options *options,
		   struct err *e)
{
	struct s3 *s = mem_new(1, sizeof(*s), e);
	uint64_t seed;

	if (!s)
		return false;
	store->impl = s;
	s->store = store;
	s->path_style = options->path_style;
	s->part_bytes = options->part_bytes ? options->part_bytes : PART_DEFAULT_BYTES;
	s->call_timeout_ms =
		options->call_timeout_ms > 0 ? options->call_timeout_ms : CALL_TIMEOUT_MS;
	s->total_timeout_ms =
		options->total_timeout_ms > 0 ? options->total_timeout_ms : TOTAL_TIMEOUT_MS;
	s->max_tries = options->max_tries > 0 ? options->max_tries : MAX_TRIES;
	s->resend_percent = options->resend_percent > 0 ? options->resend_percent : RESEND_PERCENT;
	s->page_size = S3_LIST_MAX;
	s->object_tags = options->object_tags;
	s->upload_jobs = options->upload_jobs ? options->upload_jobs : UPLOAD_JOBS;
	if (options->ca_file && !(s->ca_file = mem_strdup(options->ca_file, e)))
		goto fail;
	if (!rng_system(&seed, sizeof(seed), e))
		goto fail;
	rng_seed(&s->rng, seed);
	if (!parse_location(s, location, e) || !find_credentials(s, options, e) ||
	    !set_region(s, options->region, e) || !s3_sse_init(&s->sse, options, store->log, e))
		goto fail;
	if (options->endpoint && *options->endpoint ? !parse_endpoint(s, options->endpoint, e)
						    : !s3_set_own_address(s, e))
		goto fail;
	s->http = http_new(s->ca_file, s->plain, e);
	if (!s->http)
		goto fail;
	store->driver = &s3_driver;
	return true;
fail:
	s3_close(store);
	return false;
}
