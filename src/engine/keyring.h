/* The keys of one table and its workspaces: wrapped in the catalog, open in this process's memory only. Not for several
 * threads. */
#ifndef ENGINE_KEYRING_H
#define ENGINE_KEYRING_H

#include "engine/engine.h"
#include "engine/master_key.h"

struct keyring_options {
	struct pg *pg; /* borrowed; used outside transactions where may_make */
	int64_t table_id;
	const char *table;                            /* "schema.table"; copied */
	const struct master_key *master, *old_master; /* either may be NULL */
	/* A workspace without a key gets one, committed to the catalog before it is given out: what it seals can be
	 * opened whatever happens to this process. */
	bool may_make;
};

struct keyring *keyring_new(const struct keyring_options *options, struct err *e);
void keyring_free(struct keyring *k); /* NULL is fine; keys that it gave end */
/* Borrowed. What it finds is ERR_CONFIG where the master key is missing or another one, naming the one that is wanted;
 * ERR_DATA where the catalog has no such key, or one that does not open. */
const struct segment_keys *keyring_keys(struct keyring *k);

/* How a master key's id is shown. */
#define KEY_ID_TEXT_BYTES (2 * SEAL_ID_BYTES + 1)

#endif
