/* A dictionary for a segment's texts, trained on its first rows. */
#ifndef SEGMENT_DICTIONARY_H
#define SEGMENT_DICTIONARY_H

#include "segment/encode_pool.h"

/* Looks at the text columns of the jobs (linked by next). out stays empty where there is too little to learn from;
 * false only without memory. The same jobs always give the same bytes. */
bool dictionary_train(const struct column *columns, size_t column_count,
		      const struct encode_job *jobs, struct buf *out, struct err *e);

#endif
