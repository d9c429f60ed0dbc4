/* The master key: what its owner keeps, in a file or behind a command, and firn only reads. Never shown: not in messages, logs,
 * arguments of programs or the catalog. */
#ifndef ENGINE_MASTER_KEY_H
#define ENGINE_MASTER_KEY_H

#include "base/seal.h"
#include "segment/segment.h"

struct master_key {
	uint8_t key[SEAL_KEY_BYTES];
	uint8_t id[SEAL_ID_BYTES];
	char id_hex[2 * SEAL_ID_BYTES + 1]; /* for people */
};

struct key_source {
	const char *file, *command; /* one of them; both NULL: none */
	const char *name;           /* of the setting, for messages */
};

/* Reads it, in memory of secret_new that the caller frees with secret_free. A command has a minute. NULL and ERR_CONFIG where
 * the file can be read by others, or there is no key; ERR_OFFLINE and others when a command fails. */
struct master_key *master_key_load(const struct key_source *source, struct err *e);

/* Wrapping: a key of the table ("schema.table") or, with workspace_len over 0, of the workspace in it, as describe_field
 * has it. FORMAT.md, "Keys". */
bool master_key_wrap(const struct master_key *m, const char *table, const void *workspace,
		     size_t workspace_len, const uint8_t key[SEAL_KEY_BYTES],
		     uint8_t wrapped[SEGMENT_WRAPPED_KEY_BYTES], struct err *e);
/* ERR_DATA when it is not this table's and workspace's, or another master key's. */
bool master_key_unwrap(const struct master_key *m, const char *table, const void *workspace,
		       size_t workspace_len, const uint8_t wrapped[SEGMENT_WRAPPED_KEY_BYTES],
		       uint8_t key[SEAL_KEY_BYTES], struct err *e);

#endif
