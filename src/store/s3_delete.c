/* Deleting objects from S3, up to 1000 with one call. */
#include "store/s3.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define BATCH_MAX 1000 /* S3's limit */

struct batch {
	struct s3 *s;
	const char *const *keys;
	size_t count;
	bool *left;       /* for each key: not deleted yet */
	int damaged;      /* answers that made no sense */
	struct err error; /* of one that is left; one that trying again cannot help goes first */
};

/* <Delete> with the keys that are left. */
static void write_request(const struct batch *b, struct buf *out)
{
	buf_clear(out);
	buf_add_str(
		out,
		"<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>");
	for (size_t i = 0; i < b->count; i++) {
		if (!b->left[i])
			continue;
		buf_add_str(out, "<Object><Key>");
		s3_xml_add_text(out, b->s->prefix);
		s3_xml_add_text(out, b->keys[i]);
		buf_add_str(out, "</Key></Object>");
	}
	buf_add_str(out, "</Delete>");
}

/* S3 wants it of this one call. Not for defence: the signature covers the body by SHA-256. */
static bool md5_base64(const struct buf *body, char out[32], struct err *e)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = sizeof(digest);

	if (EVP_Digest(body->data, body->len, digest, &len, EVP_md5(), NULL) != 1 || len != 16) {
		err_set(e, ERR_CONFIG,
			"MD5 is switched off in this machine's OpenSSL, and S3 wants it for "
			"deleting");
		return err_hint(e, "A FIPS mode may do this.");
	}
	EVP_EncodeBlock((unsigned char *)out, digest, (int)len);
	return true;
}

static bool on_key_error(void *ctx, const char *key, const struct s3_error *error, struct err *e)
{
	struct batch *b = ctx;
	const char *own = key + strlen(b->s->prefix);
	struct err each;
	size_t at = 0;

	if (str_eq(error->code, "NoSuchKey"))
		return true;
	while (str_starts_with(key, b->s->prefix) && at < b->count && !str_eq(b->keys[at], own))
		at++;
	if (!str_starts_with(key, b->s->prefix) || at == b->count)
		return err_set(e, ERR_DATA,
			       "the archive could not delete what it was not asked to: \"%.200s\"",
			       key);
	b->left[at] = true;
	s3_set_error(b->s, 200, NULL, error, &each);
	err_wrap(&each, "object \"%s\"", own);
	if (b->error.code == ERR_NONE ||
	    (err_is_retryable(b->error.code) && !err_is_retryable(each.code)))
		b->error = each;
	return true;
}

static bool delete_once(struct batch *b, const struct buf *body, struct retry *r,
			struct s3_answer *a, struct err *e)
{
	char md5[32];
	struct s3_call call = {
		.method = "POST", .query = "delete=", .body = body->data, .body_len = body->len
	};

	if (!md5_base64(body, md5, e))
		return false;
	s3_call_add_header(&call, "content-md5", md5);
	s3_call_add_header(&call, "content-type", "application/xml");
	if (!s3_try(b->s, &call, r, a, e))
		return false;
	/* Quiet: who is not named is gone. */
	memset(b->left, 0, b->count * sizeof(*b->left));
	err_clear(&b->error);
	if (!s3_parse_delete(a->http.body.data, a->http.body.len, on_key_error, b, e)) {
		for (size_t i = 0; i < b->count; i++)
			b->left[i] = true;
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
	s3_answer_release(&answer);
	buf_release(&body);
	return ok;
}

bool s3_delete(struct store *store, const char *const *keys, size_t count, size_t *failed_out,
	       struct err *e)
{
	struct batch b = { .s = store->impl };
	struct err first = { 0 }, each = { 0 };

	*failed_out = 0;
	b.left = mem_new(BATCH_MAX, sizeof(*b.left), e);
	if (!b.left) {
		*failed_out = count;
		return false;
	}
	for (size_t at = 0; at < count; at += b.count) {
		b.keys = keys + at;
		b.count = count - at < BATCH_MAX ? count - at : BATCH_MAX;
		for (size_t i = 0; i < b.count; i++)
			b.left[i] = true;
		/* Out of reach, or told to stop: the rest is left as it is. */
		if (first.code != ERR_OFFLINE && first.code != ERR_INTERRUPTED &&
		    delete_batch(&b, &each))
			continue;
		if (first.code == ERR_NONE)
			first = each;
		for (size_t i = 0; i < b.count; i++)
			*failed_out += b.left[i];
	}
	free(b.left);
	if (first.code == ERR_NONE)
		return true;
	*e = first;
	return err_wrap(e, "could not delete from bucket \"%s\"",
			((struct s3 *)store->impl)->bucket);
}
