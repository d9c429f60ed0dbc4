/* Segments in storage classes that cannot be read at once: their restores are asked for, and waited for (rehydrate). */
#ifndef ENGINE_THAW_H
#define ENGINE_THAW_H

#include "engine/restore.h"

/* Whether the segment's object can be read now. Where it cannot, its restore is asked for unless it is under way (or it is
 * a dry run), and the result says so: segments_frozen and a note with when it may be there. */
bool thaw_segment(struct restore *r, const struct segment_record *record, bool *readable_out,
		  struct err *e);

/* Polls until one of the segments can be read, or a signal comes (ERR_INTERRUPTED). */
bool thaw_wait(struct restore *r, const struct segment_record *const *segments, size_t count,
	       struct err *e);

#endif
