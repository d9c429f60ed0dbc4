/* The parts of an object on their way to S3, several at a time (s3_upload.c). */
#ifndef STORE_S3_UPLOAD_PARTS_H
#define STORE_S3_UPLOAD_PARTS_H

#include "store/s3.h"

struct s3_parts {
	const char *key, *upload_id;
	const struct io_reader
		*src; /* read by one thread at a time, from its beginning to its end */
	uint64_t part_bytes;
	struct sha256 *whole;      /* gets the content; NULL: nobody wants to know */
	const struct retry *retry; /* the deadline of the upload, and how often a part is tried */
	unsigned *taken;           /* gets how many the archive has taken, also on failure */
};

/*
 * Sends all parts by s and up to s->upload_jobs - 1 clones of it, with no more than 64 MiB of parts
 * in memory (but always one part), and then calls visit for each in its order. The first failure ends
 * it, when what was being sent then has arrived or failed.
 */
bool s3_upload_parts(struct s3 *s, const struct s3_parts *p,
		     bool (*visit)(void *ctx, const struct s3_part *part, struct err *e), void *ctx,
		     struct err *e);

#endif
