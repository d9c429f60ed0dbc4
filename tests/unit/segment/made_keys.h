/* Keys for tests: each the SHA-256 of what it is for, so that files made with them can be read at any time. */
#ifndef TESTS_MADE_KEYS_H
#define TESTS_MADE_KEYS_H

#include <string.h>

#include "base/hash.h"
#include "segment/segment.h"

struct made_keys {
	struct segment_keys keys;
	const char *seed;    /* another one gives other keys */
	const char *without; /* a workspace whose key is gone; NULL: none is */
	uint8_t ring[512][SEAL_KEY_BYTES];
	size_t next;
};

static inline bool made_key_find(void *ctx, const struct field *workspace, struct segment_key *out,
				 struct err *e)
{
	struct made_keys *m = ctx;
	uint8_t text[300] = { 0 };
	uint8_t *key = m->ring[m->next++ % 512];
	size_t len = strlen(m->seed);

	memcpy(text, m->seed, len);
	text[len] = !workspace ? 'T' : workspace->len < 0 ? 'N' : 'W';
	if (workspace && workspace->len > 0)
		memcpy(text + len + 1, workspace->data, (size_t)workspace->len);
	len += 1 + (workspace && workspace->len > 0 ? (size_t)workspace->len : 0);
	if (m->without && workspace && workspace->len == (int32_t)strlen(m->without) &&
	    memcmp(workspace->data, m->without, strlen(m->without)) == 0) {
		e->code = ERR_CONFIG;
		return false;
	}
	*out = (struct segment_key){ .key = key };
	memset(out->master_id, 0xa1, sizeof(out->master_id));
	memset(out->wrapped, 0xb2, sizeof(out->wrapped));
	return sha256_once(text, len, key, e);
}

static inline void made_keys_init(struct made_keys *m, const char *seed)
{
	*m = (struct made_keys){ .keys = { made_key_find, m }, .seed = seed };
}

#endif
