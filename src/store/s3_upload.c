/* Writing an object to S3: in one PUT, or in parts. */
#include "store/s3.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "store/s3_sign.h"
#include "store/s3_upload_parts.h"

#define PART_MIN_BYTES ((uint64_t)5 << 20) /* S3's limits for parts */
#define PARTS_MAX      10000
#define PARTS_WANTED   1000 /* what every S3 lookalike takes */
#define PART_COMFORT_BYTES \
	((uint64_t)64 << 20) /* a part is held in memory: larger only past PARTS_MAX */
#define FINISH_OPEN      "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
#define FINISH_CLOSE     "</CompleteMultipartUpload>"
#define ABORT_TIMEOUT_MS 30000
/* A body from this size on is not sent again before it was looked whether it had arrived. */
#define LOOK_FIRST_BYTES ((size_t)64 << 10)

struct upload {
	struct s3 *s;
	const char *key;
	const struct io_reader *src;
	const uint8_t *sha256; /* NULL: not to be checked */
	const struct store_keeping *keeping;
	char tags[96]; /* "" or the value of x-amz-tagging */
	struct retry retry;
	struct resend resend;
	struct s3_answer answer;
	char nonce[33];
	uint8_t *part; /* the object, if it goes in one PUT */
	uint64_t part_bytes;
	/* in parts only */
	char id[S3_UPLOAD_ID_MAX];
	struct buf finish; /* the XML that completes it */
	unsigned parts;    /* taken by the archive */
	bool invalid_part; /* the archive does not know a part by its ETag */
	struct sha256 *whole;
};

static bool already_exists(const struct upload *u, struct err *e)
{
	return err_set(e, ERR_EXISTS, "object \"%s\" is in the archive already", u->key);
}

/* ERR_EXISTS if the key is taken. */
static bool check_free(struct upload *u, struct err *e)
{
	if (s3_head_object(u->s, u->key, &u->retry, &u->answer, NULL, e))
		return already_exists(u, e);
	if (e->code != ERR_NOT_FOUND)
		return false;
	err_clear(e);
	return true;
}

/* Whether what is under the key now is what this upload wrote: then an answer that got lost was a
 * yes. */
static bool is_ours(struct upload *u)
{
	struct store_object object;
	struct err ignored;
	const char *nonce;
	int tries = u->retry.tries;
	bool found = s3_head_object(u->s, u->key, &u->retry, &u->answer, &object, &ignored);

	u->retry.tries = tries;
	if (!found)
		return false;
	nonce = http_response_header(&u->answer.http, S3_NONCE_HEADER);
	return str_eq(nonce, u->nonce) && object.bytes == u->src->size_bytes;
}

static void add_object_headers(const struct upload *u, struct s3_call *c)
{
	s3_call_add_header(c, S3_NONCE_HEADER, u->nonce);
	if (u->keeping->storage_class)
		s3_call_add_header(c, "x-amz-storage-class", u->keeping->storage_class);
	if (*u->tags)
		s3_call_add_header(c, "x-amz-tagging", u->tags);
}

/* The server does not know If-None-Match: true once, and then we do without. The HEAD before it has
 * to do. */
static bool conditions_refused(struct upload *u, bool sent)
{
	int status = u->answer.http.status;

	if (!sent || (status != 501 && !str_eq(u->answer.error.code, "NotImplemented")))
		return false;
	u->s->no_conditions = true;
	return true;
}

/*
 * Sends the call that makes the object appear, unless the key is taken. accept looks at an answer
 * of status 2xx: false with e set when it is no success after all. "Exists already" and "no such
 * upload" can be our own doing: an answer got lost, or something on the way sent the request twice.
 */
static bool publish(struct upload *u, const struct s3_call *plain,
		    bool (*accept)(struct upload *u, struct err *e), struct err *e)
{
	bool lost = false, unanswered;

	retry_restart(&u->retry);
	for (;;) {
		struct s3_call call = *plain;
		bool conditional = !u->s->no_conditions;

		if (conditional)
			s3_call_add_header(&call, "if-none-match", "*");
		if (s3_try(u->s, &call, &u->retry, &u->answer, e) && (!accept || accept(u, e)))
			return true;
		if (conditions_refused(u, conditional)) {
			err_clear(e);
			continue;
		}
		if (str_eq(u->answer.error.code, "InvalidPart"))
			u->invalid_part = true;
		unanswered = u->answer.http.status == 0 && call.body_len >= LOOK_FIRST_BYTES &&
			     u->answer.http.bytes_out >= call.body_len;
		lost = lost || e->code == ERR_OFFLINE || e->code == ERR_EXISTS ||
		       e->code == ERR_NOT_FOUND;
		if (!s3_wait(u->s, &u->retry, &u->answer, e))
			break;
		if (unanswered && is_ours(u)) {
			err_clear(e);
			return true;
		}
	}
	if (lost && e->code != ERR_INTERRUPTED && is_ours(u)) {
		err_clear(e);
		return true;
	}
	return e->code == ERR_EXISTS ? already_exists(u, e) : false;
}

static bool digest_differs(const struct upload *u, struct err *e)
{
	return err_set(e, ERR_DATA, "the content for object \"%s\" does not have the digest given",
		       u->key);
}

static bool put_whole(struct upload *u, struct err *e)
{
	uint8_t digest[SHA256_BYTES];
	char hex[SHA256_HEX_BYTES];
	size_t len = (size_t)u->src->size_bytes;
	struct s3_call call = {
		.method = "PUT",
		.key = u->key,
		.body = u->part,
		.body_len = len,
		.body_sha256 = hex,
		.md5 = S3_MD5_IF_POSSIBLE,
		.sse = S3_SSE_CREATE,
	};

	if (!io_read_at(u->src, 0, u->part, len, e) || !sha256_once(u->part, len, digest, e))
		return false;
	if (u->sha256 && memcmp(digest, u->sha256, sizeof(digest)) != 0)
		return digest_differs(u, e);
	hex_encode(digest, sizeof(digest), hex);
	add_object_headers(u, &call);
	return publish(u, &call, NULL, e);
}

static bool read_upload_id(void *ctx, const struct s3_answer *a, struct err *e)
{
	struct upload *u = ctx;

	return s3_parse_upload_id(a->http.body.data, a->http.body.len, u->id, sizeof(u->id), e);
}

static bool begin_parts(struct upload *u, struct err *e)
{
	struct s3_call call = {
		.method = "POST", .key = u->key, .query = "uploads=", .sse = S3_SSE_CREATE
	};

	add_object_headers(u, &call);
	return s3_perform_checked(u->s, &call, &u->retry, &u->answer, read_upload_id, u, e);
}

static void finish_with(struct upload *u, unsigned number, const char *etag)
{
	buf_printf(&u->finish, "<Part><PartNumber>%u</PartNumber><ETag>", number);
	s3_xml_add_text(&u->finish, etag);
	buf_add_str(&u->finish, "</ETag></Part>");
}

/* What the archive has must be what was sent: these parts, one after the other, as long as they were. */
static bool take_etag(void *ctx, const struct s3_part *part, struct err *e)
{
	struct upload *u = ctx;
	uint64_t at = (uint64_t)u->parts * u->part_bytes, left = u->src->size_bytes - at;

	if (part->number != u->parts + 1 || at >= u->src->size_bytes ||
	    part->bytes != (left < u->part_bytes ? left : u->part_bytes))
		return err_set(e, ERR_DATA, "the archive does not have part %u as it was sent",
			       u->parts + 1);
	u->parts++;
	finish_with(u, part->number, part->etag);
	return buf_ok(&u->finish, e);
}

static bool put_parts(struct upload *u, struct err *e)
{
	unsigned taken = 0;
	const struct s3_parts parts = { .key = u->key,
					.upload_id = u->id,
					.src = u->src,
					.part_bytes = u->part_bytes,
					.whole = u->whole,
					.retry = &u->retry,
					.taken = &taken };
	uint8_t digest[SHA256_BYTES];

	u->parts = 0;
	buf_clear(&u->finish);
	buf_add_str(&u->finish, FINISH_OPEN);
	if (!s3_upload_parts(u->s, &parts, take_etag, u, e)) {
		u->parts = taken;
		return false;
	}
	buf_add_str(&u->finish, FINISH_CLOSE);
	if (!buf_ok(&u->finish, e))
		return false;
	if (!u->whole)
		return true;
	if (!sha256_finish(u->whole, digest, e))
		return false;
	return memcmp(digest, u->sha256, sizeof(digest)) == 0 ? true : digest_differs(u, e);
}

/* Status 200 is sent before the parts are put together: only the body says whether they were. */
static bool accept_completion(struct upload *u, struct err *e)
{
	const struct buf *body = &u->answer.http.body;

	if (s3_parse_result(body->data, body->len, "CompleteMultipartUploadResult",
			    &u->answer.error))
		return true;
	if (!u->answer.error.code[0])
		return err_set(e, ERR_OFFLINE, "the archive's answer makes no sense");
	return s3_set_error(u->s, u->answer.http.status, &u->answer.http, &u->answer.error, e);
}

/* The ETags that came with the parts were not the archive's: takes them from its list. The digest sent
 * with each part has seen to it that the bytes are ours. */
static bool learn_etags(struct upload *u)
{
	uint64_t wanted = (u->src->size_bytes + u->part_bytes - 1) / u->part_bytes;
	struct err e = { 0 };

	u->parts = 0;
	buf_clear(&u->finish);
	buf_add_str(&u->finish, FINISH_OPEN);
	if (!s3_list_parts(u->s, u->key, u->id, &u->retry, take_etag, u, &e) ||
	    u->parts != wanted) {
		log_info(u->s->store->log,
			 "archive: the parts of object \"%s\" are not as sent: %s", u->key,
			 e.message);
		return false;
	}
	buf_add_str(&u->finish, FINISH_CLOSE);
	return buf_ok(&u->finish, &e);
}

static bool finish_parts(struct upload *u, struct err *e)
{
	struct s3_call call = { .method = "POST", .key = u->key };
	struct buf query = BUF_INIT;
	bool ok = false;

	buf_add_str(&query, "uploadId=");
	s3_uri_encode(&query, u->id, false);
	if (!buf_ok(&query, e))
		goto out;
	call.query = buf_str(&query);
	call.body = u->finish.data;
	call.body_len = u->finish.len;
	s3_call_add_header(&call, "content-type", "application/xml");
	/* Once more: some servers heed If-None-Match in a PUT, but not here. */
	ok = check_free(u, e) && publish(u, &call, accept_completion, e);
	/* The list may come damaged as well. */
	for (int i = 0; !ok && u->invalid_part && i < S3_DAMAGED_TRIES; i++) {
		if (!learn_etags(u))
			continue;
		u->invalid_part = false;
		call.body = u->finish.data;
		call.body_len = u->finish.len;
		err_clear(e);
		ok = publish(u, &call, accept_completion, e);
	}
out:
	buf_release(&query);
	return ok;
}

bool s3_abort(struct s3 *s, const char *key, const char *upload_id, struct retry *r, struct err *e)
{
	struct s3_call call = { .method = "DELETE", .key = key };
	struct s3_answer answer = { .http = { 0 } };
	struct buf query = BUF_INIT;
	bool ok = false;

	buf_add_str(&query, "uploadId=");
	s3_uri_encode(&query, upload_id, false);
	if (!buf_ok(&query, e))
		goto out;
	call.query = buf_str(&query);
	ok = s3_perform(s, &call, r, &answer, e);
	if (!ok && e->code == ERR_NOT_FOUND) {
		err_clear(e);
		ok = true;
	}
out:
	s3_answer_release(&answer);
	buf_release(&query);
	return ok;
}

/* Parts that stay behind cost money. What can't be aborted now is found by store_list_uploads. */
static void abort_parts(struct upload *u)
{
	struct retry retry;
	struct err ignored;

	retry_init(&retry, u->s->store->clock, &u->s->rng, 2, ABORT_TIMEOUT_MS);
	if (!s3_abort(u->s, u->key, u->id, &retry, &ignored))
		log_warning(u->s->store->log,
			    "archive: could not abort the upload of object \"%s\": %s", u->key,
			    ignored.message);
}

static bool begin_and_put(struct upload *u, struct err *e)
{
	sha256_free(u->whole);
	u->whole = NULL;
	if (u->sha256 && !(u->whole = sha256_new(e)))
		return false;
	return begin_parts(u, e) && put_parts(u, e);
}

static bool put_in_parts(struct upload *u, struct err *e)
{
	bool ok = begin_and_put(u, e);

	/* It does not know its own upload from the beginning: the id was damaged on its way here. */
	if (!ok && e->code == ERR_NOT_FOUND && u->id[0] && u->parts == 0) {
		err_clear(e);
		ok = begin_and_put(u, e);
	}
	if (!u->id[0])
		return false;
	ok = ok && finish_parts(u, e);
	if (!ok)
		abort_parts(u);
	return ok;
}

/* As configured, if that makes at most PARTS_WANTED parts; larger up to the comfortable size; never
 * above PARTS_MAX. */
static uint64_t choose_part_bytes(uint64_t configured, uint64_t size)
{
	uint64_t part = configured < PART_MIN_BYTES ? PART_MIN_BYTES : configured;
	uint64_t wanted = size / PARTS_WANTED + 1, least = size / PARTS_MAX + 1;

	if (wanted > PART_COMFORT_BYTES)
		wanted = PART_COMFORT_BYTES;
	if (part < wanted)
		part = wanted;
	return part < least ? least : part;
}

bool s3_put(struct store *store, const char *key, const struct io_reader *src,
	    const uint8_t *sha256, const struct store_keeping *keeping, struct err *e)
{
	struct s3 *s = store->impl;
	struct upload u = { .s = s, .key = key, .src = src, .sha256 = sha256, .keeping = keeping };
	bool whole = src->size_bytes <= s->part_bytes;
	uint8_t random[16];
	bool ok = false;

	if (s->object_tags && keeping->rule)
		snprintf(u.tags, sizeof(u.tags), "firn-rule=%s", keeping->rule);
	s3_retry_init(s, &u.retry);
	s3_retry_extend(&u.retry, src->size_bytes);
	u.retry.resend = &u.resend;
	if (!rng_system(random, sizeof(random), e))
		goto out;
	hex_encode(random, sizeof(random), u.nonce);
	if (!check_free(&u, e))
		goto out;
	if (whole) {
		resend_init(&u.resend, s->resend_percent, src->size_bytes, s->part_bytes);
		u.part = mem_new(1, (size_t)src->size_bytes + 1, e);
		ok = u.part && put_whole(&u, e);
	} else {
		u.part_bytes = choose_part_bytes(s->part_bytes, src->size_bytes);
		resend_init(&u.resend, s->resend_percent, src->size_bytes, u.part_bytes);
		ok = put_in_parts(&u, e);
	}
out:
	free(u.part);
	buf_release(&u.finish);
	sha256_free(u.whole);
	s3_answer_release(&u.answer);
	if (!ok && keeping->storage_class && !e->hint[0] && e->code == ERR_CONFIG)
		err_hint(e, "Perhaps the archive has no storage class \"%s\".",
			 keeping->storage_class);
	else if (!ok && *u.tags && !e->hint[0] && e->code == ERR_CONFIG)
		err_hint(e, "Perhaps the archive takes no tags: set s3.object_tags: false.");
	if (!ok && e->code != ERR_EXISTS)
		err_wrap(e, "could not write object \"%s\"", key);
	return ok;
}
