#include "store/s3_class.h"

#include <inttypes.h>
#include <string.h>

#include "base/storage_class.h"
#include "base/str.h"
#include "store/s3_sign.h"
#include "store/s3_versions.h"

/* S3's limit for CopyObject. */
#define COPY_MAX_BYTES ((uint64_t)5 << 30)

#define SOURCE_CUSTOMER "x-amz-copy-source-server-side-encryption-customer-"

/* expires in: ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT" */
static int64_t expiry_of(const char *restore)
{
	const char *at = strstr(restore, "expiry-date=\"");
	char date[64];
	int64_t seconds;

	if (!at)
		return 0;
	at += strlen("expiry-date=\"");
	snprintf(date, sizeof(date), "%.*s", (int)strcspn(at, "\""), at);
	return http_parse_date(date, &seconds) ? seconds : 0;
}

void s3_read_access(const struct http_response *r, struct store_object *out)
{
	const char *restore = http_response_header(r, "x-amz-restore");
	bool tier = http_response_header(r, "x-amz-archive-status") != NULL;

	out->access = STORE_READABLE;
	if (!storage_class_is_frozen(out->storage_class) && !tier)
		return;
	out->access = STORE_FROZEN;
	if (restore && strstr(restore, "ongoing-request=\"true\"")) {
		out->access = STORE_THAWING;
	} else if (restore && strstr(restore, "ongoing-request=\"false\"")) {
		out->access = STORE_THAWED;
		out->thawed_until_s = expiry_of(restore);
	}
}

/* 200 is sent before the copy is made: only the body says whether it was. */
static bool copied(void *ctx, const struct s3_answer *a, struct err *e)
{
	struct s3 *s = ctx;
	struct s3_error error;

	if (s3_parse_result(a->http.body.data, a->http.body.len, "CopyObjectResult", &error))
		return true;
	if (!error.code[0])
		return err_set(e, ERR_DATA, "the archive's answer makes no sense");
	return s3_set_error(s, a->http.status, &a->http, &error, e);
}

/* In place: the object is one or the other at any time. It is the one that was looked at. */
static bool copy_object(struct s3 *s, const char *key, const char *storage_class, const char *etag,
			struct retry *r, struct s3_answer *a, struct err *e)
{
	struct s3_call call = { .method = "PUT", .key = key, .sse = S3_SSE_CREATE };
	struct buf source = BUF_INIT;
	bool ok;

	buf_printf(&source, "/%s/", s->bucket);
	s3_uri_encode(&source, s->prefix, true);
	s3_uri_encode(&source, key, true);
	ok = buf_ok(&source, e);
	if (ok) {
		s3_call_add_header(&call, "x-amz-copy-source", buf_str(&source));
		s3_call_add_header(&call, "x-amz-metadata-directive", "COPY");
		s3_call_add_header(&call, "x-amz-storage-class", storage_class);
		if (*etag)
			s3_call_add_header(&call, "x-amz-copy-source-if-match", etag);
		if (s3_sse_has_key(&s->sse)) {
			s3_call_add_header(&call, SOURCE_CUSTOMER "algorithm", "AES256");
			s3_call_add_header(&call, SOURCE_CUSTOMER "key", s->sse.key);
			s3_call_add_header(&call, SOURCE_CUSTOMER "key-md5", s->sse.key_md5);
		}
		ok = s3_perform_checked(s, &call, r, a, copied, s, e);
	}
	buf_release(&source);
	return ok;
}

bool s3_set_class(struct store *store, const char *key, const char *storage_class, struct err *e)
{
	struct s3 *s = store->impl;
	struct s3_answer answer = { .http = { 0 } };
	struct store_object object;
	struct retry retry;
	char etag[130] = "";
	const char *header;
	bool versions, ok;

	s3_retry_init(s, &retry);
	ok = s3_head_object(s, key, &retry, &answer, &object, e);
	if (ok && str_eq(object.storage_class, storage_class))
		goto out;
	header = ok ? http_response_header(&answer.http, "etag") : NULL;
	snprintf(etag, sizeof(etag), "%s", header ? header : "");
	if (ok && object.bytes > COPY_MAX_BYTES) {
		ok = err_set(e, ERR_CONFIG, "it has more than the 5 GiB that can be copied");
		err_hint(e, "Move it along by rules of the bucket: see --lifecycle-json.");
	}
	ok = ok && s3_keeps_versions(s, &versions, e);
	if (ok && versions) {
		ok = err_set(
			e, ERR_CONFIG,
			"the bucket keeps versions: a copy would leave the old one where it is");
		err_hint(e, "Move it along by rules of the bucket: see --lifecycle-json.");
	}
	if (ok) {
		s3_retry_extend(&retry, object.bytes);
		ok = copy_object(s, key, storage_class, etag, &retry, &answer, e);
	}
out:
	s3_answer_release(&answer);
	return ok ||
	       err_wrap(e, "could not move object \"%s\" to storage class %s", key, storage_class);
}

bool s3_thaw(struct store *store, const char *key, const struct store_thaw *wanted, struct err *e)
{
	struct s3 *s = store->impl;
	struct s3_call call = { .method = "POST", .key = key, .query = "restore=" };
	struct s3_answer answer = { .http = { 0 } };
	struct buf body = BUF_INIT;
	struct retry retry;
	bool ok;

	s3_retry_init(s, &retry);
	buf_add_str(&body, "<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	buf_printf(&body, "<Days>%d</Days><GlacierJobParameters><Tier>%s</Tier>", wanted->days,
		   wanted->tier);
	buf_add_str(&body, "</GlacierJobParameters></RestoreRequest>");
	ok = buf_ok(&body, e);
	if (ok) {
		call.body = body.data;
		call.body_len = body.len;
		call.md5 = S3_MD5_IF_POSSIBLE;
		s3_call_add_header(&call, "content-type", "application/xml");
		ok = s3_perform(s, &call, &retry, &answer, e);
	}
	/* Somebody asked before us. */
	if (!ok && str_eq(answer.error.code, "RestoreAlreadyInProgress")) {
		err_clear(e);
		ok = true;
	}
	s3_answer_release(&answer);
	buf_release(&body);
	return ok || err_wrap(e, "could not ask for the restore of object \"%s\"", key);
}
