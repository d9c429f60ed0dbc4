#include "store/s3_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/s3_xml.h"

#define OBJECTS  "ListBucketResult"
#define UPLOADS  "ListMultipartUploadsResult"
#define VERSIONS "ListVersionsResult"

bool s3_parse_time(const char *text, int64_t *seconds_out)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (!rest)
		return false;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (!str_eq(rest, "Z"))
		return false;
	*seconds_out = timegm(&tm);
	return true;
}

static void entry_release(struct s3_entry *entry)
{
	free(entry->key);
	free(entry->id);
	*entry = (struct s3_entry){ 0 };
}

void s3_page_release(struct s3_page *page)
{
	for (size_t i = 0; i < page->count; i++)
		entry_release(&page->entries[i]);
	free(page->entries);
	free(page->next_token);
	free(page->next_key);
	free(page->next_upload);
	*page = (struct s3_page){ 0 };
}

struct listing {
	struct s3_page *page;
	struct s3_entry entry; /* the one being read */
	bool encoded, seen_root;
	uint64_t key_count;
};

static bool set_string(char **to, const char *text, struct err *e)
{
	free(*to);
	*to = mem_strdup(text, e);
	return *to != NULL;
}

static bool set_time(int64_t *to, const char *text, struct err *e)
{
	return s3_parse_time(text, to)
		       ? true
		       : err_set(e, ERR_DATA, "\"%.64s\" in a listing is no time", text);
}

static bool set_truncated(struct s3_page *page, const char *text, struct err *e)
{
	return str_parse_bool(text, &page->truncated, e);
}

/* The entry is whole: moves it into the page. */
static bool add_entry(struct listing *l, struct err *e)
{
	struct s3_page *page = l->page;
	void *entries = page->entries;

	if (!l->entry.key)
		return err_set(e, ERR_DATA, "the archive listed something without a key");
	if (page->count >= S3_LIST_MAX)
		return err_set(e, ERR_DATA, "the archive listed more than %d objects at a time",
			       S3_LIST_MAX);
	if (!mem_grow(&entries, &page->capacity, page->count + 1, sizeof(*page->entries), e))
		return false;
	page->entries = entries;
	page->entries[page->count++] = l->entry;
	l->entry = (struct s3_entry){ 0 };
	return true;
}

static bool on_object(void *ctx, const char *path, const char *text, struct err *e)
{
	struct listing *l = ctx;
	struct s3_entry *entry = &l->entry;

	if (str_eq(path, OBJECTS))
		l->seen_root = true;
	else if (str_eq(path, OBJECTS "/Contents"))
		return add_entry(l, e);
	else if (str_eq(path, OBJECTS "/Contents/Key"))
		return set_string(&entry->key, text, e);
	else if (str_eq(path, OBJECTS "/Contents/Size"))
		return str_parse_u64(text, &entry->bytes, e);
	else if (str_eq(path, OBJECTS "/Contents/LastModified"))
		return set_time(&entry->time_s, text, e);
	else if (str_eq(path, OBJECTS "/Contents/StorageClass"))
		snprintf(entry->storage_class, sizeof(entry->storage_class), "%.31s", text);
	else if (str_eq(path, OBJECTS "/IsTruncated"))
		return set_truncated(l->page, text, e);
	else if (str_eq(path, OBJECTS "/NextContinuationToken"))
		return set_string(&l->page->next_token, text, e);
	else if (str_eq(path, OBJECTS "/KeyCount"))
		return str_parse_u64(text, &l->key_count, e);
	else if (str_eq(path, OBJECTS "/EncodingType"))
		l->encoded = str_eq(text, "url");
	return true;
}

/* Versions and delete markers alike. */
static bool on_version(void *ctx, const char *path, const char *text, struct err *e)
{
	struct listing *l = ctx;
	struct s3_entry *entry = &l->entry;

	if (str_eq(path, VERSIONS))
		l->seen_root = true;
	else if (str_eq(path, VERSIONS "/Version") || str_eq(path, VERSIONS "/DeleteMarker"))
		return entry->id && *entry->id
			       ? add_entry(l, e)
			       : err_set(e, ERR_DATA, "the archive listed a version without an id");
	else if (str_eq(path, VERSIONS "/Version/Key") ||
		 str_eq(path, VERSIONS "/DeleteMarker/Key"))
		return set_string(&entry->key, text, e);
	else if (str_eq(path, VERSIONS "/Version/VersionId") ||
		 str_eq(path, VERSIONS "/DeleteMarker/VersionId"))
		return set_string(&entry->id, text, e);
	else if (str_eq(path, VERSIONS "/IsTruncated"))
		return set_truncated(l->page, text, e);
	else if (str_eq(path, VERSIONS "/NextKeyMarker"))
		return set_string(&l->page->next_key, text, e);
	else if (str_eq(path, VERSIONS "/NextVersionIdMarker"))
		return set_string(&l->page->next_upload, text, e);
	else if (str_eq(path, VERSIONS "/EncodingType"))
		l->encoded = str_eq(text, "url");
	return true;
}

static bool on_upload(void *ctx, const char *path, const char *text, struct err *e)
{
	struct listing *l = ctx;
	struct s3_entry *entry = &l->entry;

	if (str_eq(path, UPLOADS))
		l->seen_root = true;
	else if (str_eq(path, UPLOADS "/Upload"))
		return entry->id
			       ? add_entry(l, e)
			       : err_set(e, ERR_DATA, "the archive listed an upload without an id");
	else if (str_eq(path, UPLOADS "/Upload/Key"))
		return set_string(&entry->key, text, e);
	else if (str_eq(path, UPLOADS "/Upload/UploadId"))
		return set_string(&entry->id, text, e);
	else if (str_eq(path, UPLOADS "/Upload/Initiated"))
		return set_time(&entry->time_s, text, e);
	else if (str_eq(path, UPLOADS "/IsTruncated"))
		return set_truncated(l->page, text, e);
	else if (str_eq(path, UPLOADS "/NextKeyMarker"))
		return set_string(&l->page->next_key, text, e);
	else if (str_eq(path, UPLOADS "/NextUploadIdMarker"))
		return set_string(&l->page->next_upload, text, e);
	return true;
}

/* In place. "+" is a space: what encodes keys this way writes a plus sign as %2B. */
static bool decode(char *text, struct err *e)
{
	char *to = text;

	for (const char *at = text; *at; at++) {
		char digits[3] = { 0 };
		uint8_t byte;

		if (*at != '%') {
			*to++ = *at == '+' ? ' ' : *at;
			continue;
		}
		digits[0] = at[1];
		digits[1] = at[1] ? at[2] : '\0';
		if (!hex_decode(digits, &byte, 1) || byte == 0)
			return err_set(e, ERR_DATA,
				       "the archive listed a key whose encoding is damaged");
		*to++ = (char)byte;
		at += 2;
	}
	*to = '\0';
	return true;
}

static bool parse(const void *xml, size_t len, struct s3_page *page,
		  bool (*on_close)(void *ctx, const char *path, const char *text, struct err *e),
		  struct err *e)
{
	struct listing l = { .page = page };
	bool ok;

	*page = (struct s3_page){ 0 };
	ok = s3_xml_walk(xml, len, on_close, &l, e);
	entry_release(&l.entry);
	if (ok && !l.seen_root)
		ok = err_set(e, ERR_DATA, "the archive answered a listing with another document");
	if (ok && page->count < l.key_count)
		ok = err_set(e, ERR_DATA, "the archive listed fewer objects than it says");
	for (size_t i = 0; ok && l.encoded && i < page->count; i++)
		ok = decode(page->entries[i].key, e);
	if (ok && l.encoded && page->next_key)
		ok = decode(page->next_key, e);
	return ok;
}

bool s3_parse_objects(const void *xml, size_t len, struct s3_page *page, struct err *e)
{
	if (!parse(xml, len, page, on_object, e))
		return false;
	if (page->truncated && (!page->next_token || !*page->next_token))
		return err_set(e, ERR_DATA,
			       "the archive's listing goes on, but does not say where");
	if (!page->truncated && page->next_token && *page->next_token)
		return err_set(e, ERR_DATA,
			       "the archive says where its listing goes on, but not that it does");
	return true;
}

bool s3_parse_versions(const void *xml, size_t len, struct s3_page *page, struct err *e)
{
	if (!parse(xml, len, page, on_version, e))
		return false;
	if (page->truncated && (!page->next_key || !*page->next_key))
		return err_set(e, ERR_DATA,
			       "the archive's listing of versions goes on, but does not say where");
	return true;
}

bool s3_parse_uploads(const void *xml, size_t len, struct s3_page *page, struct err *e)
{
	if (!parse(xml, len, page, on_upload, e))
		return false;
	if (page->truncated && (!page->next_key || !*page->next_key))
		return err_set(e, ERR_DATA,
			       "the archive's listing of uploads goes on, but does not say where");
	return true;
}
