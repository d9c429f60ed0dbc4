/* One page of an S3 listing: of objects (ListObjectsV2), of their versions (ListObjectVersions) or of
 * unfinished uploads (ListMultipartUploads). */
#ifndef STORE_S3_LIST_H
#define STORE_S3_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define S3_LIST_MAX 1000 /* entries on a page; more is ERR_DATA */

struct s3_entry {
	char *key; /* whole, decoded */
	char *id;  /* of an upload or a version; NULL for objects */
	uint64_t bytes;
	int64_t time_s; /* last modified, or upload begun */
	char storage_class[32];
};

struct s3_page {
	struct s3_entry *entries;
	size_t count, capacity;
	bool truncated;    /* there is another page, which starts at */
	char *next_token;  /* for objects; NULL: not given */
	char *next_key;    /* for uploads and versions */
	char *next_upload; /* or version */
};

/* Fills page (zeroed, or released before) from the answer. ERR_DATA for anything that is not such a
 * listing, one that says that it goes on but not where included. Release it in any case. */
bool s3_parse_objects(const void *xml, size_t len, struct s3_page *page, struct err *e);
bool s3_parse_versions(const void *xml, size_t len, struct s3_page *page, struct err *e);
bool s3_parse_uploads(const void *xml, size_t len, struct s3_page *page, struct err *e);

void s3_page_release(struct s3_page *page);

/* Seconds since 1970 of "2024-01-31T12:00:00.000Z". */
bool s3_parse_time(const char *text, int64_t *seconds_out);

#endif
