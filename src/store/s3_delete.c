/* Deleting objects from S3, 250 with one call; in buckets that keep versions, all of them. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "store/s3.h"
#include "store/s3_versions.h"

/* S3's limit is 1000, but what deletes one object after the other, as Swift does, says nothing until the
 * last is gone: measured at 35 a second on a busy machine, which a call's timeout must bear with. */
#define BATCH_MAX 250

/* What is to go: an object, or a version of it. */
struct doomed {
	const char *key;
	char *version; /* NULL: the bucket keeps none */
	bool left;     /* not deleted yet */
};

struct deletion {
	struct s3 *s;
	struct doomed *items;
	size_t count, capacity;
	const char *key; /* whose versions are being listed */
};

struct batch {
	struct s3 *s;
	struct doomed *items;
	size_t count;
	int damaged; /* answers that made no sense */
	/* Of one that is left; one that trying again cannot help goes first. */
	struct err error;
	const struct doomed *failed;
};

static bool add(struct deletion *d, const char *key, const char *version, struct err *e)
{
	void *items = d->items;
	char *copy = mem_strdup(version, e);

	if ((version && !copy) ||
	    !mem_grow(&items, &d->capacity, d->count + 1, sizeof(*d->items), e)) {
		free(copy);
		return false;
	}
	d->items = items;
	d->items[d->count++] = (struct doomed){ .key = key, .version = copy, .left = true };
	return true;
}

static bool add_version(void *ctx, const char *version, struct err *e)
{
	struct deletion *d = ctx;

	return add(d, d->key, version, e);
}

/* <Delete> with those that are left. */
static void write_request(const struct batch *b, struct buf *out)
{
	buf_clear(out);
	buf_add_str(
		out,
		"<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>");
	for (size_t i = 0; i < b->count; i++) {
		if (!b->items[i].left)
			continue;
		buf_add_str(out, "<Object><Key>");
		s3_xml_add_text(out, b->s->prefix);
		s3_xml_add_text(out, b->items[i].key);
		buf_add_str(out, "</Key>");
		if (b->items[i].version) {
			buf_add_str(out, "<VersionId>");
			s3_xml_add_text(out, b->items[i].version);
			buf_add_str(out, "</VersionId>");
		}
		buf_add_str(out, "</Object>");
	}
	buf_add_str(out, "</Delete>");
}

static bool is_meant(const struct doomed *d, const char *key, const char *version)
{
	return str_eq(d->key, key) && (!d->version || !*version || str_eq(d->version, version));
}

static bool on_key_error(void *ctx, const char *key, const struct s3_error *error, struct err *e)
{
	struct batch *b = ctx;
	const char *own = key + strlen(b->s->prefix);
	struct err each;
	size_t at = 0;

	if (str_eq(error->code, "NoSuchKey") || str_eq(error->code, "NoSuchVersion"))
		return true;
	while (str_starts_with(key, b->s->prefix) && at < b->count &&
	       !is_meant(&b->items[at], own, error->version))
		at++;
	if (!str_starts_with(key, b->s->prefix) || at == b->count)
		return err_set(e, ERR_DATA,
			       "the archive could not delete what it was not asked to: \"%.200s\"",
			       key);
	b->items[at].left = true;
	s3_set_error(b->s, 200, NULL, error, &each);
	err_wrap(&each, "object \"%s\"", own);
	if (b->error.code == ERR_NONE ||
	    (err_is_retryable(b->error.code) && !err_is_retryable(each.code))) {
		b->error = each;
		b->failed = &b->items[at];
	}
	return true;
}

static void set_left(struct batch *b, bool left)
{
	for (size_t i = 0; i < b->count; i++)
		b->items[i].left = left;
}

static bool delete_once(struct batch *b, const struct buf *body, struct retry *r,
			struct s3_answer *a, struct err *e)
{
	struct s3_call call = { .method = "POST",
				.query = "delete=",
				.body = body->data,
				.body_len = body->len,
				.md5 = S3_MD5_NEEDED };

	s3_call_add_header(&call, "content-type", "application/xml");
	if (!s3_try(b->s, &call, r, a, e))
		return false;
	/* Quiet: who is not named is gone. */
	set_left(b, false);
	err_clear(&b->error);
	if (!s3_parse_delete(a->http.body.data, a->http.body.len, on_key_error, b, e)) {
		set_left(b, true);
		a->damaged = e->code == ERR_DATA && ++b->damaged < S3_DAMAGED_TRIES;
		if (a->damaged)
			e->code = ERR_OFFLINE; /* deleting twice does no harm */
		return false;
	}
	if (b->error.code == ERR_NONE)
		return true;
	*e = b->error;
	return false;
}

/* Object Lock is no error of anybody's: it ends by itself. */
static void explain_lock(const struct batch *b, struct err *e)
{
	char until[64];

	if (e->code == ERR_INTERRUPTED || err_is_retryable(e->code) || !b->failed ||
	    !b->failed->version ||
	    !s3_is_locked(b->s, b->failed->key, b->failed->version, until, sizeof(until)))
		return;
	err_set(e, ERR_BUSY, "object \"%s\" is locked %s", b->failed->key, until);
	err_hint(e, "The bucket's Object Lock keeps it; firn gc removes it later.");
}

static bool delete_batch(struct batch *b, struct err *e)
{
	struct s3_answer answer = { .http = { 0 } };
	struct buf body = BUF_INIT;
	struct retry retry;
	bool ok = false;

	s3_retry_init(b->s, &retry);
	do {
		write_request(b, &body);
		ok = buf_ok(&body, e) && delete_once(b, &body, &retry, &answer, e);
	} while (!ok && s3_wait(b->s, &retry, &answer, e));
	if (!ok)
		explain_lock(b, e);
	s3_answer_release(&answer);
	buf_release(&body);
	return ok;
}

/* What has to be named in the requests for keys. */
static bool find_doomed(struct deletion *d, const char *const *keys, size_t count, struct err *e)
{
	bool versions, ok = s3_keeps_versions(d->s, &versions, e);

	for (size_t i = 0; ok && i < count; i++) {
		d->key = keys[i];
		ok = versions ? s3_list_versions(d->s, keys[i], add_version, d, e)
			      : add(d, keys[i], NULL, e);
	}
	return ok;
}

/* Keys, not versions. Those of one key follow one another. */
static size_t count_left(const struct deletion *d)
{
	const char *last = NULL;
	size_t left = 0;

	for (size_t i = 0; i < d->count; i++)
		if (d->items[i].left && d->items[i].key != last) {
			last = d->items[i].key;
			left++;
		}
	return left;
}

bool s3_delete(struct store *store, const char *const *keys, size_t count, size_t *failed_out,
	       struct err *e)
{
	struct deletion d = { .s = store->impl };
	struct err first = { 0 }, each = { 0 };

	*failed_out = count;
	if (!find_doomed(&d, keys, count, &first))
		goto out;
	for (size_t at = 0; at < d.count; at += BATCH_MAX) {
		struct batch b = { .s = d.s,
				   .items = d.items + at,
				   .count = d.count - at < BATCH_MAX ? d.count - at : BATCH_MAX };

		/* Out of reach, or told to stop: the rest is left as it is. */
		if (first.code == ERR_OFFLINE || first.code == ERR_INTERRUPTED)
			break;
		if (!delete_batch(&b, &each) && first.code == ERR_NONE)
			first = each;
	}
	*failed_out = count_left(&d);
out:
	for (size_t i = 0; i < d.count; i++)
		free(d.items[i].version);
	free(d.items);
	if (first.code == ERR_NONE)
		return true;
	*e = first;
	return err_wrap(e, "could not delete from bucket \"%s\"", d.s->bucket);
}
