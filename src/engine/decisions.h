/* What a pass decided, collected until it is written to firn.pass_log. Not for threads: crew.h guards it. */
#ifndef ENGINE_DECISIONS_H
#define ENGINE_DECISIONS_H

#include "catalog/pass_log.h"

struct decisions {
	struct pass_decision *items; /* whose texts are on the heap, but decision */
	size_t count, capacity;
};

/* Adds to the entry of the same texts, if there is one. Without memory it is not noted: a pass does not fail for its log.
 * decision is a constant. */
void decisions_note(struct decisions *d, const struct pass_decision *what);
void decisions_release(struct decisions *d);

#endif
