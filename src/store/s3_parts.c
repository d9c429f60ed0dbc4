/* ListParts: what the archive has of an unfinished upload. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "store/s3.h"
#include "store/s3_sign.h"

#define RESULT    "ListPartsResult"
#define PAGE_MAX  1000
#define PAGES_MAX 10 /* of as many parts as S3 allows */

struct page {
	struct s3_part parts[PAGE_MAX];
	size_t count;
	struct s3_part part; /* the one being read */
	bool truncated, seen_root;
	uint64_t next;
};

static bool set_number(unsigned *out, const char *text, struct err *e)
{
	uint64_t number;

	if (!str_parse_u64(text, &number, e))
		return false;
	*out = number > 100000 ? 0 : (unsigned)number;
	return true;
}

static bool on_part(void *ctx, const char *path, const char *text, struct err *e)
{
	struct page *p = ctx;

	if (str_eq(path, RESULT)) {
		p->seen_root = true;
	} else if (str_eq(path, RESULT "/Part/PartNumber")) {
		return set_number(&p->part.number, text, e);
	} else if (str_eq(path, RESULT "/Part/Size")) {
		return str_parse_u64(text, &p->part.bytes, e);
	} else if (str_eq(path, RESULT "/Part/ETag")) {
		snprintf(p->part.etag, sizeof(p->part.etag), "%s", text);
	} else if (str_eq(path, RESULT "/Part")) {
		if (p->count == PAGE_MAX || !p->part.etag[0])
			return err_set(e, ERR_DATA, "the archive's list of parts makes no sense");
		p->parts[p->count++] = p->part;
		p->part = (struct s3_part){ 0 };
	} else if (str_eq(path, RESULT "/IsTruncated")) {
		return str_parse_bool(text, &p->truncated, e);
	} else if (str_eq(path, RESULT "/NextPartNumberMarker")) {
		return !*text || str_parse_u64(text, &p->next, e);
	}
	return true;
}

static bool read_page(void *ctx, const struct s3_answer *a, struct err *e)
{
	struct page *p = ctx;

	memset(p, 0, sizeof(*p));
	if (!s3_xml_walk(a->http.body.data, a->http.body.len, on_part, p, e))
		return false;
	return p->seen_root
		       ? true
		       : err_set(e, ERR_DATA,
				 "the archive answered a listing of parts with another document");
}

bool s3_list_parts(struct s3 *s, const char *key, const char *upload_id, struct retry *r,
		   bool (*visit)(void *ctx, const struct s3_part *part, struct err *e), void *ctx,
		   struct err *e)
{
	struct s3_answer answer = { .http = { 0 } };
	struct page *page = mem_new(1, sizeof(*page), e);
	struct buf query = BUF_INIT;
	uint64_t after = 0;
	bool ok = page != NULL, more = ok;

	for (unsigned i = 0; ok && more && i < PAGES_MAX; i++) {
		struct s3_call call = { .method = "GET", .key = key };

		buf_clear(&query);
		if (after > 0)
			buf_printf(&query, "part-number-marker=%u&", (unsigned)after);
		buf_add_str(&query, "uploadId=");
		s3_uri_encode(&query, upload_id, false);
		call.query = buf_str(&query);
		ok = buf_ok(&query, e) &&
		     s3_perform_checked(s, &call, r, &answer, read_page, page, e);
		for (size_t at = 0; ok && at < page->count; at++)
			ok = visit(ctx, &page->parts[at], e);
		more = ok && page->truncated && page->next > after;
		after = page->next;
	}
	free(page);
	s3_answer_release(&answer);
	buf_release(&query);
	return ok;
}
