/* Buckets that keep versions, and objects that are locked: what has to be known for deleting. */
#include "store/s3_versions.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "store/s3_list.h"

static bool on_versioning(void *ctx, const char *path, const char *text, struct err *e)
{
	(void)e;
	if (str_eq(path, "VersioningConfiguration/Status"))
		*(bool *)ctx = str_eq(text, "Enabled") || str_eq(text, "Suspended");
	return true;
}

static bool read_versioning(void *ctx, const struct s3_answer *a, struct err *e)
{
	return s3_xml_walk(a->http.body.data, a->http.body.len, on_versioning, ctx, e);
}

/* Answers by which a server says that it does not know versions, or does not tell. */
static bool cannot_tell(const struct s3_answer *a)
{
	int status = a->http.status;

	return status == 400 || status == 403 || status == 404 || status == 405 || status == 501;
}

bool s3_keeps_versions(struct s3 *s, bool *out, struct err *e)
{
	const struct s3_call call = { .method = "GET", .query = "versioning=" };
	struct s3_answer answer = { .http = { 0 } };
	struct retry retry;
	bool ok, kept = false;

	*out = s->versions == S3_VERSIONS_KEPT;
	if (s->versions != S3_VERSIONS_UNKNOWN)
		return true;
	s3_retry_init(s, &retry);
	ok = s3_perform_checked(s, &call, &retry, &answer, read_versioning, &kept, e);
	if (!ok && cannot_tell(&answer)) {
		log_debug(s->store->log,
			  "archive: bucket \"%s\" does not say whether it keeps versions: %s",
			  s->bucket, e->message);
		err_clear(e);
		ok = true;
	}
	s3_answer_release(&answer);
	if (ok)
		s->versions = kept ? S3_VERSIONS_KEPT : S3_VERSIONS_NONE;
	*out = kept;
	return ok || err_wrap(e, "could not ask whether bucket \"%s\" keeps versions", s->bucket);
}

static bool read_page(void *ctx, const struct s3_answer *a, struct err *e)
{
	s3_page_release(ctx);
	return s3_parse_versions(a->http.body.data, a->http.body.len, ctx, e);
}

/* The next page after the markers (NULL: the first). */
static bool get_page(struct s3 *s, const char *full, const char *key, const char *version,
		     struct s3_page *page, struct err *e)
{
	struct s3_call call = { .method = "GET" };
	struct s3_answer answer = { .http = { 0 } };
	struct buf query = BUF_INIT;
	struct retry retry;
	bool ok = false;

	s3_retry_init(s, &retry);
	s3_add_parameter(&query, "encoding-type", "url");
	if (key)
		s3_add_parameter(&query, "key-marker", key);
	s3_add_parameter(&query, "prefix", full);
	if (key && version)
		s3_add_parameter(&query, "version-id-marker", version);
	s3_add_parameter(&query, "versions", "");
	if (!buf_ok(&query, e))
		goto out;
	call.query = buf_str(&query);
	ok = s3_perform_checked(s, &call, &retry, &answer, read_page, page, e);
out:
	s3_answer_release(&answer);
	buf_release(&query);
	return ok;
}

bool s3_list_versions(struct s3 *s, const char *key,
		      bool (*visit)(void *ctx, const char *version, struct err *e), void *ctx,
		      struct err *e)
{
	struct buf full = BUF_INIT;
	char *next_key = NULL, *next_version = NULL;
	bool ok, more;

	buf_printf(&full, "%s%s", s->prefix, key);
	ok = buf_ok(&full, e);
	do {
		struct s3_page page = { 0 };

		ok = ok && get_page(s, buf_str(&full), next_key, next_version, &page, e);
		/* Keys come in their order, and this one is the first of those that begin with it. */
		more = ok && page.truncated;
		for (size_t i = 0; ok && i < page.count; i++) {
			if (str_eq(page.entries[i].key, buf_str(&full)))
				ok = visit(ctx, page.entries[i].id, e);
			else
				more = false;
		}
		if (ok && more && str_eq(page.next_key, next_key) &&
		    str_eq(page.next_upload, next_version))
			ok = err_set(e, ERR_DATA, "the archive's listing does not come to an end");
		free(next_key);
		free(next_version);
		next_key = page.next_key;
		next_version = page.next_upload;
		page.next_key = page.next_upload = NULL;
		s3_page_release(&page);
	} while (ok && more);
	free(next_key);
	free(next_version);
	buf_release(&full);
	return ok || err_wrap(e, "could not list the versions of object \"%s\"", key);
}

bool s3_is_locked(struct s3 *s, const char *key, const char *version, char *until, size_t until_len)
{
	struct s3_call call = { .method = "HEAD", .key = key, .sse = S3_SSE_READ };
	struct s3_answer answer = { .http = { 0 } };
	struct buf query = BUF_INIT;
	struct retry retry;
	struct err e = { 0 };
	const char *hold, *date;
	int64_t date_s;
	bool locked = false;

	s3_retry_init(s, &retry);
	s3_add_parameter(&query, "versionId", version);
	if (!buf_ok(&query, &e))
		goto out;
	call.query = buf_str(&query);
	if (!s3_perform(s, &call, &retry, &answer, &e))
		goto out;
	hold = http_response_header(&answer.http, "x-amz-object-lock-legal-hold");
	date = http_response_header(&answer.http, "x-amz-object-lock-retain-until-date");
	if (date && s3_parse_time(date, &date_s) && date_s > clock_wall_s(s->store->clock)) {
		snprintf(until, until_len, "until %.19sZ", date);
		locked = true;
	}
	if (str_eq(hold, "ON")) {
		snprintf(until, until_len, "by a legal hold");
		locked = true;
	}
out:
	s3_answer_release(&answer);
	buf_release(&query);
	return locked;
}
