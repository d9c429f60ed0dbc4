/*
 * Sessions that bring rows of a segment back side by side: an insert into a vector index is a search, which one processor
 * of the server does alone. The caller reads blocks and gives loads away; the sessions come and go with the first need.
 */
#ifndef ENGINE_RESTORE_POOL_H
#define ENGINE_RESTORE_POOL_H

#include "engine/restore_load.h"

struct restore_pool;

/* NULL without memory. Nothing is connected yet. */
struct restore_pool *restore_pool_new(struct firn *f, int64_t sessions, struct err *e);
/* Waits for who is at work. */
void restore_pool_free(struct restore_pool *p);

/* Takes the rows of the load, which gets empty room for it, as soon as a session is free; where no further session can be
 * had, f's own brings them back before this returns. false: an earlier load failed, with its error, or this one. */
bool restore_pool_give(struct restore_pool *p, struct source *from, struct load *l, struct err *e);

/* Until all that was given is done. false: one failed. */
bool restore_pool_wait(struct restore_pool *p, struct err *e);

#endif
