/* Buckets that keep versions, and objects that are locked: what has to be known for deleting
 * (s3_delete.c). */
#ifndef STORE_S3_VERSIONS_H
#define STORE_S3_VERSIONS_H

#include "store/s3.h"

/* Whether a plain DELETE would only hide objects: versioning is on, or was. Asked once a store. A
 * server that does not know versions, or credentials that may not ask (s3:GetBucketVersioning), mean
 * no. */
bool s3_keeps_versions(struct s3 *s, bool *out, struct err *e);

/* Calls visit for each version and each delete marker of the object. */
bool s3_list_versions(struct s3 *s, const char *key,
		      bool (*visit)(void *ctx, const char *version, struct err *e), void *ctx,
		      struct err *e);

/* Whether Object Lock keeps the version from being deleted, and how long, as in "until
 * 2027-01-31T12:00:00Z". False where that cannot be learned, too. */
bool s3_is_locked(struct s3 *s, const char *key, const char *version, char *until,
		  size_t until_len);

#endif
