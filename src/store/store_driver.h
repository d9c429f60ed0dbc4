/* What a driver of the archive implements, and what drivers share. Only files of src/store include
 * this. */
#ifndef STORE_STORE_DRIVER_H
#define STORE_STORE_DRIVER_H

#include "store/store.h"

/* As the functions of store.h, with keys and prefixes checked already and impl made by the driver's
 * open. */
struct store_driver {
	void (*close)(struct store *s);
	bool (*put)(struct store *s, const char *key, const struct io_reader *src,
		    const uint8_t *sha256, const struct store_keeping *keeping, struct err *e);
	bool (*get_range)(struct store *s, const char *key, uint64_t offset, uint64_t len,
			  struct buf *out, struct err *e);
	bool (*get_file)(struct store *s, const char *key, const char *path,
			 uint8_t sha256_out[SHA256_BYTES], uint64_t *bytes_out, struct err *e);
	bool (*head)(struct store *s, const char *key, struct store_object *out, struct err *e);
	bool (*list)(struct store *s, const char *prefix,
		     bool (*visit)(void *ctx, const struct store_object *object, struct err *e),
		     void *ctx, struct err *e);
	bool (*delete)(struct store *s, const char *const *keys, size_t count, size_t *failed_out,
		       struct err *e);
	bool (*list_uploads)(struct store *s, const char *prefix,
			     bool (*visit)(void *ctx, const struct store_upload *upload,
					   struct err *e),
			     void *ctx, struct err *e);
	/* NULL: the archive has no storage classes. */
	bool (*set_class)(struct store *s, const char *key, const char *storage_class,
			  struct err *e);
	bool (*thaw)(struct store *s, const char *key, const struct store_thaw *wanted,
		     struct err *e);
	bool (*abort_upload)(struct store *s, const struct store_upload *upload, struct err *e);
	/* NULL: the archive needs no credentials. */
	const char *(*credentials_source)(const struct store *s);
};

struct store {
	const struct store_driver *driver;
	void *impl; /* the driver's own */
	char *url;
	const struct clock *clock;
	const struct log *log;
	struct store_counters counters;
};

/* Each sets driver and impl, or fails leaving both NULL. location is the URL after its scheme and
 * "://". */
bool store_file_open(struct store *s, const char *location, bool make_folder, struct err *e);
bool store_s3_open(struct store *s, const char *location, const struct store_options *options,
		   struct err *e);

/* Counts a call; storage_class NULL or "": the default, or not known. */
void store_count(struct store *s, enum store_request request, const char *storage_class,
		 uint64_t bytes);

/* For tests: how many objects an S3 listing asks for at a time (1 to 1000), so that paging needs
 * few objects. Nothing on other drivers. */
void store_s3_set_page_size(struct store *s, unsigned objects);

/* ERR_DATA unless key is one that the archive may hold (see store.h). */
bool store_key_check(const char *key, struct err *e);

/* The same for what a listing may be asked for: "" and the beginning of a key. */
bool store_prefix_check(const char *prefix, struct err *e);

/* The same of what stands behind the bucket in an archive's URL, which may have "//" in it. */
bool store_url_prefix_check(const char *prefix, struct err *e);

#endif
