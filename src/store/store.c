#include "store/store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "store/store_driver.h"

#define CHECK_PREFIX ".firn-check/"

/* Length of the UTF-8 sequence at s, 0 when it is none: overlong forms, surrogates and the end of s
 * included. */
static size_t utf8_length(const unsigned char *s)
{
	size_t len;
	uint32_t v;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	v = s[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (s[i] & 0x3f);
	}
	if ((len == 3 && v < 0x800) || (len == 4 && (v < 0x10000 || v > 0x10ffff)) ||
	    (v >= 0xd800 && v <= 0xdfff))
		return 0;
	return len;
}

/* What keys and prefixes have in common; complete components are never "." or "..", nor "" unless
 * that is allowed. */
static bool check_text(const char *what, const char *s, bool empty_allowed, struct err *e)
{
	const char *component = s;

	if (strlen(s) > STORE_KEY_MAX)
		return err_set(e, ERR_DATA, "%s is longer than %d bytes: \"%.60s...\"", what,
			       STORE_KEY_MAX, s);
	for (const char *at = s; *at;) {
		size_t len = utf8_length((const unsigned char *)at);

		if (len == 0)
			return err_set(e, ERR_DATA, "%s is not UTF-8", what);
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return err_set(e, ERR_DATA, "%s holds a control character", what);
		if (*at == '/') {
			size_t n = (size_t)(at - component);

			if ((n == 0 && !empty_allowed) || (n == 1 && component[0] == '.') ||
			    (n == 2 && component[0] == '.' && component[1] == '.'))
				return err_set(e, ERR_DATA,
					       "%s \"%s\" has an empty, \".\" or \"..\" component",
					       what, s);
			component = at + 1;
		}
		at += len;
	}
	return true;
}

bool store_key_check(const char *key, struct err *e)
{
	const char *slash = strrchr(key, '/');
	const char *last = slash ? slash + 1 : key;

	if (!check_text("object key", key, false, e))
		return false;
	if (!*last || str_eq(last, ".") || str_eq(last, ".."))
		return err_set(e, ERR_DATA,
			       "object key \"%s\" has an empty, \".\" or \"..\" component", key);
	return true;
}

bool store_prefix_check(const char *prefix, struct err *e)
{
	return check_text("object key prefix", prefix, false, e);
}

bool store_url_prefix_check(const char *prefix, struct err *e)
{
	return check_text("object key prefix", prefix, true, e);
}

struct store *store_open(const struct store_options *options, struct err *e)
{
	struct store *s;
	bool ok;

	if (!options->url || !*options->url) {
		err_set(e, ERR_CONFIG, "no archive is configured");
		err_hint(e, "Give one as s3://bucket/prefix or file:///folder.");
		return NULL;
	}
	s = mem_new(1, sizeof(*s), e);
	if (!s)
		return NULL;
	s->clock = options->clock ? options->clock : &clock_system;
	s->log = options->log;
	s->url = mem_strdup(options->url, e);
	if (!s->url) {
		ok = false;
	} else if (str_starts_with(options->url, "file://")) {
		ok = store_file_open(s, options->url + strlen("file://"), options->make_folder, e);
	} else if (str_starts_with(options->url, "s3://")) {
		ok = store_s3_open(s, options->url + strlen("s3://"), options, e);
	} else {
		/* The URL itself is not repeated: whoever confused it with a database URI may have
		 * put a password in. */
		ok = err_set(e, ERR_CONFIG,
			     "the archive's URL starts with neither \"s3://\" nor \"file://\"");
		err_hint(e, "Give one as s3://bucket/prefix or file:///folder.");
	}
	if (!ok) {
		store_close(s);
		return NULL;
	}
	return s;
}

static void log_traffic(const struct store *s)
{
	const struct store_counters *c = &s->counters;

	if (c->calls > 0)
		log_debug(s->log,
			  "archive: %" PRIu64 " calls, %" PRIu64 " bytes sent, %" PRIu64
			  " bytes received",
			  c->calls, c->bytes_out, c->bytes_in);
	if (c->retries > 0)
		log_info(s->log,
			 "archive: %" PRIu64 " of %" PRIu64 " calls were made again (%" PRIu64
			 " timed out, %" PRIu64 " broken off, %" PRIu64 " \"slow down\", %" PRIu64
			 " server errors, %" PRIu64 " damaged answers), %" PRIu64
			 " bytes sent again",
			 c->retries, c->calls, c->retries_timeout, c->retries_broken,
			 c->retries_throttled, c->retries_server, c->retries_damaged,
			 c->bytes_resent);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	log_traffic(s);
	if (s->driver)
		s->driver->close(s);
	free(s->url);
	free(s);
}

bool store_put(struct store *s, const char *key, const struct io_reader *src, const uint8_t *sha256,
	       const struct store_keeping *keeping, struct err *e)
{
	static const struct store_keeping by_default;

	return store_key_check(key, e) &&
	       s->driver->put(s, key, src, sha256, keeping ? keeping : &by_default, e);
}

bool store_get_range(struct store *s, const char *key, uint64_t offset, uint64_t len,
		     struct buf *out, struct err *e)
{
	if (!store_key_check(key, e))
		return false;
	if (len > UINT64_MAX - offset || len > SIZE_MAX / 2)
		return err_set(e, ERR_DATA,
			       "cannot read object \"%s\": the range goes past its end", key);
	return s->driver->get_range(s, key, offset, len, out, e);
}

bool store_get_file(struct store *s, const char *key, const char *path,
		    uint8_t sha256_out[SHA256_BYTES], uint64_t *bytes_out, struct err *e)
{
	return store_key_check(key, e) &&
	       s->driver->get_file(s, key, path, sha256_out, bytes_out, e);
}

bool store_head(struct store *s, const char *key, struct store_object *out, struct err *e)
{
	return store_key_check(key, e) && s->driver->head(s, key, out, e);
}

static bool no_classes(const struct store *s, struct err *e)
{
	return err_set(e, ERR_CONFIG, "archive \"%s\" has no storage classes", s->url);
}

bool store_set_class(struct store *s, const char *key, const char *storage_class, struct err *e)
{
	if (!s->driver->set_class)
		return no_classes(s, e);
	return store_key_check(key, e) && s->driver->set_class(s, key, storage_class, e);
}

bool store_thaw(struct store *s, const char *key, const struct store_thaw *wanted, struct err *e)
{
	if (!s->driver->thaw)
		return no_classes(s, e);
	return store_key_check(key, e) && s->driver->thaw(s, key, wanted, e);
}

bool store_list(struct store *s, const char *prefix,
		bool (*visit)(void *ctx, const struct store_object *object, struct err *e),
		void *ctx, struct err *e)
{
	return store_prefix_check(prefix, e) && s->driver->list(s, prefix, visit, ctx, e);
}

bool store_delete(struct store *s, const char *const *keys, size_t count, size_t *failed_out,
		  struct err *e)
{
	size_t failed = 0;
	bool ok = true;

	/* All or nothing for bad keys: a caller that has one has lost its way. */
	for (size_t i = 0; i < count; i++)
		if (!store_key_check(keys[i], e)) {
			failed = count;
			ok = false;
			break;
		}
	if (ok && count > 0)
		ok = s->driver->delete (s, keys, count, &failed, e);
	if (failed_out)
		*failed_out = failed;
	return ok;
}

bool store_list_uploads(struct store *s, const char *prefix,
			bool (*visit)(void *ctx, const struct store_upload *upload, struct err *e),
			void *ctx, struct err *e)
{
	return store_prefix_check(prefix, e) && s->driver->list_uploads(s, prefix, visit, ctx, e);
}

bool store_abort_upload(struct store *s, const struct store_upload *upload, struct err *e)
{
	return store_key_check(upload->key, e) && s->driver->abort_upload(s, upload, e);
}

const char *store_credentials_source(const struct store *s)
{
	return s->driver->credentials_source ? s->driver->credentials_source(s) : NULL;
}

const char *store_url(const struct store *s)
{
	return s->url;
}

struct store_counters store_counters(const struct store *s)
{
	return s->counters;
}

const char *store_request_name(enum store_request request)
{
	static const char *const names[STORE_REQUESTS] = {
		"put", "copy", "get", "head", "list", "delete", "restore",
	};

	return names[request];
}

void store_count(struct store *s, enum store_request request, const char *storage_class,
		 uint64_t bytes)
{
	struct store_tally *t = &s->counters.requests[request][storage_class_number(storage_class)];

	t->calls++;
	t->bytes += bytes;
}

void store_counters_add(struct store_counters *to, const struct store_counters *more)
{
	for (int i = 0; i < STORE_REQUESTS; i++)
		for (int j = 0; j < STORAGE_CLASSES; j++) {
			to->requests[i][j].calls += more->requests[i][j].calls;
			to->requests[i][j].bytes += more->requests[i][j].bytes;
		}
	to->calls += more->calls;
	to->retries += more->retries;
	to->bytes_out += more->bytes_out;
	to->bytes_in += more->bytes_in;
	to->bytes_resent += more->bytes_resent;
	to->retries_timeout += more->retries_timeout;
	to->retries_broken += more->retries_broken;
	to->retries_throttled += more->retries_throttled;
	to->retries_server += more->retries_server;
	to->retries_damaged += more->retries_damaged;
}

struct sought {
	const char *key;
	bool found;
};

static bool seek_key(void *ctx, const struct store_object *object, struct err *e)
{
	struct sought *sought = ctx;

	(void)e;
	if (str_eq(object->key, sought->key))
		sought->found = true;
	return true;
}

/* Everything that firn does with an object, on the one named key. */
static bool check_object(struct store *s, const char *key, const uint8_t *text, size_t len,
			 struct err *e)
{
	struct io_memory memory = { .data = text, .len = len };
	struct io_reader reader;
	struct store_object object;
	struct sought sought = { .key = key };
	struct buf back = BUF_INIT;
	uint8_t digest[SHA256_BYTES];
	bool ok;

	io_reader_from_memory(&reader, &memory, "check object");
	ok = sha256_once(text, len, digest, e) && store_put(s, key, &reader, digest, NULL, e) &&
	     store_head(s, key, &object, e) && store_get_range(s, key, 0, len, &back, e) &&
	     store_list(s, CHECK_PREFIX, seek_key, &sought, e);
	if (ok && (object.bytes != len || back.len != len || memcmp(back.data, text, len) != 0))
		ok = err_set(e, ERR_DATA, "object \"%s\" came back other than it was written", key);
	if (ok && !sought.found)
		ok = err_set(e, ERR_DATA, "object \"%s\" was written but is not listed", key);
	buf_release(&back);
	return ok;
}

bool store_check(struct store *s, struct err *e)
{
	uint8_t random[16];
	char name[2 * sizeof(random) + 1], key[sizeof(CHECK_PREFIX) + sizeof(name)];
	const char *keys[] = { key };
	struct err second = { 0 };
	bool ok, deleted;

	if (!rng_system(random, sizeof(random), e))
		return false;
	hex_encode(random, sizeof(random), name);
	snprintf(key, sizeof(key), CHECK_PREFIX "%s", name);
	ok = check_object(s, key, random, sizeof(random), e);
	/* Tried in any case: a failed check may have written it. */
	deleted = store_delete(s, keys, 1, NULL, &second);
	if (ok && !deleted && second.code == ERR_BUSY) {
		log_warning(s->log, "archive: a small object of the check stays: %s",
			    second.message);
	} else if (ok && !deleted) {
		*e = second;
		ok = false;
	}
	return ok ? true : err_wrap(e, "the archive \"%s\" failed its check", s->url);
}
