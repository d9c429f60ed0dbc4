/* Storage classes of S3 objects: copying them in place to another, and restoring what cannot be read. */
#ifndef STORE_S3_CLASS_H
#define STORE_S3_CLASS_H

#include "store/s3.h"

/* As store_set_class and store_thaw. */
bool s3_set_class(struct store *store, const char *key, const char *storage_class, struct err *e);
bool s3_thaw(struct store *store, const char *key, const struct store_thaw *wanted, struct err *e);

/* Fills out's access and thawed_until_s from the headers of a HEAD, its storage_class being there. */
void s3_read_access(const struct http_response *r, struct store_object *out);

#endif
