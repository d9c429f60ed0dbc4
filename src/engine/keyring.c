#include "engine/keyring.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "catalog/key_store.h"
#include "segment/describe.h"

/* Locked memory is had by pages: keys that lie together. They never move. */
#define KEYS_A_SHEET 120

struct sheet {
	struct sheet *next;
	size_t used;
	uint8_t keys[KEYS_A_SHEET][SEAL_KEY_BYTES];
};

struct ring_entry {
	uint8_t *name; /* the workspace as in a group; none for the table */
	size_t name_len;
	struct segment_key key;
};

struct keyring {
	struct keyring_options o;
	char *table;
	struct segment_keys keys;
	struct sheet *sheets;
	struct ring_entry *entries; /* a hash table: open addressing, no more than half full */
	size_t capacity, count;
	struct buf name;
	uint8_t *fresh; /* room for a key that is being made */
};

static bool find_key(void *ctx, const struct field *workspace, struct segment_key *out,
		     struct err *e);

struct keyring *keyring_new(const struct keyring_options *options, struct err *e)
{
	struct keyring *k = mem_new(1, sizeof(*k), e);

	if (!k)
		return NULL;
	k->o = *options;
	k->keys = (struct segment_keys){ find_key, k };
	k->table = mem_strdup(options->table, e);
	k->fresh = secret_new(SEAL_KEY_BYTES, e);
	if (k->table && k->fresh)
		return k;
	keyring_free(k);
	return NULL;
}

void keyring_free(struct keyring *k)
{
	if (!k)
		return;
	while (k->sheets) {
		struct sheet *next = k->sheets->next;

		secret_free(k->sheets);
		k->sheets = next;
	}
	for (size_t i = 0; i < k->capacity; i++)
		free(k->entries[i].name);
	secret_free(k->fresh);
	free(k->entries);
	free(k->table);
	buf_release(&k->name);
	free(k);
}

const struct segment_keys *keyring_keys(struct keyring *k)
{
	return &k->keys;
}

/* ---- the keys that are open ---- */

/* Where the name is or belongs. */
static struct ring_entry *place_of(struct ring_entry *entries, size_t capacity, const uint8_t *name,
				   size_t len)
{
	size_t at = (size_t)hash64(name, len) & (capacity - 1);

	while (entries[at].key.key &&
	       (entries[at].name_len != len || (len && memcmp(entries[at].name, name, len) != 0)))
		at = (at + 1) & (capacity - 1);
	return &entries[at];
}

static bool make_room(struct keyring *k, struct err *e)
{
	size_t capacity = k->capacity ? 2 * k->capacity : 64;
	struct ring_entry *entries;

	if (2 * (k->count + 1) <= k->capacity)
		return true;
	entries = mem_new(capacity, sizeof(*entries), e);
	if (!entries)
		return false;
	for (size_t i = 0; i < k->capacity; i++)
		if (k->entries[i].key.key)
			*place_of(entries, capacity, k->entries[i].name, k->entries[i].name_len) =
				k->entries[i];
	free(k->entries);
	k->entries = entries;
	k->capacity = capacity;
	return true;
}

static uint8_t *room_for_key(struct keyring *k, struct err *e)
{
	if (!k->sheets || k->sheets->used == KEYS_A_SHEET) {
		struct sheet *sheet = secret_new(sizeof(*sheet), e);

		if (!sheet)
			return NULL;
		sheet->next = k->sheets;
		k->sheets = sheet;
	}
	return k->sheets->keys[k->sheets->used];
}

/* ---- the catalog's ---- */

static bool wrong_master(const struct keyring *k, const uint8_t *wanted, struct err *e)
{
	char hex[KEY_ID_TEXT_BYTES];

	hex_encode(wanted, SEAL_ID_BYTES, hex);
	if (k->o.master)
		err_set(e, ERR_CONFIG,
			"the keys of table \"%s\" are wrapped by master key %s, and the one that "
			"is configured is %s",
			k->table, hex, k->o.master->id_hex);
	else
		err_set(e, ERR_CONFIG,
			"table \"%s\" has encrypted segments, and master key %s is not configured",
			k->table, hex);
	return err_hint(e,
			"Set encryption.key_file or key_command in the configuration to that "
			"key%s.",
			k->o.master ? ", or encryption.old_key_file where it is the one before"
				    : "");
}

static const struct master_key *master_of(const struct keyring *k, const uint8_t *id)
{
	if (k->o.master && memcmp(k->o.master->id, id, SEAL_ID_BYTES) == 0)
		return k->o.master;
	if (k->o.old_master && memcmp(k->o.old_master->id, id, SEAL_ID_BYTES) == 0)
		return k->o.old_master;
	return NULL;
}

static bool open_key(struct keyring *k, const struct stored_key *stored, struct segment_key *out,
		     struct err *e)
{
	const struct master_key *master = master_of(k, stored->master_id);
	uint8_t *key;

	if (!master)
		return wrong_master(k, stored->master_id, e);
	key = room_for_key(k, e);
	if (!key)
		return false;
	if (!master_key_unwrap(master, k->table, k->name.data, k->name.len, stored->wrapped, key,
			       e)) {
		if (e->code == ERR_DATA)
			err_set(e, ERR_DATA, "a key of table \"%s\" in the catalog is damaged",
				k->table);
		return false;
	}
	k->sheets->used++;
	*out = (struct segment_key){ .key = key };
	memcpy(out->master_id, stored->master_id, sizeof(out->master_id));
	memcpy(out->wrapped, stored->wrapped, sizeof(out->wrapped));
	return true;
}

/* Another process may be faster, or have changed the master key: what is in the catalog then counts. */
static bool make_key(struct keyring *k, struct stored_key *out, struct err *e)
{
	bool added = false, found = false;
	uint8_t master_id[SEAL_ID_BYTES];
	bool ok;

	memcpy(out->master_id, k->o.master->id, sizeof(out->master_id));
	ok = secret_random_key(k->fresh, e) &&
	     master_key_wrap(k->o.master, k->table, k->name.data, k->name.len, k->fresh,
			     out->wrapped, e) &&
	     key_store_add(k->o.pg, k->o.table_id, k->name.data, k->name.len, out, &added, e);
	secret_wipe(k->fresh, SEAL_KEY_BYTES);
	if (!ok || added)
		return ok;
	if (!key_store_find(k->o.pg, k->o.table_id, k->name.data, k->name.len, out, &found, e))
		return false;
	if (found)
		return true;
	if (!key_store_master(k->o.pg, master_id, &found, e))
		return false;
	return found ? wrong_master(k, master_id, e)
		     : err_set(e, ERR_INTERNAL, "the catalog took no key of table \"%s\"",
			       k->table);
}

static bool fetch_key(struct keyring *k, struct stored_key *out, struct err *e)
{
	bool found;

	if (!key_store_find(k->o.pg, k->o.table_id, k->name.data, k->name.len, out, &found, e))
		return false;
	if (found)
		return true;
	if (k->o.may_make && k->o.master)
		return make_key(k, out, e);
	err_set(e, ERR_DATA, "the catalog has no key of %s \"%s\"",
		k->name.len ? "a workspace of table" : "table", k->table);
	return err_hint(e, "What it sealed cannot be read without it: restore firn.workspace_key "
			   "from a backup of the database.");
}

static bool find_key(void *ctx, const struct field *workspace, struct segment_key *out,
		     struct err *e)
{
	struct keyring *k = ctx;
	struct stored_key stored;
	struct ring_entry *entry;

	buf_clear(&k->name);
	if (workspace)
		describe_field(workspace, &k->name);
	if (!buf_ok(&k->name, e) || !make_room(k, e))
		return false;
	entry = place_of(k->entries, k->capacity, k->name.data, k->name.len);
	if (entry->key.key) {
		*out = entry->key;
		return true;
	}
	if (!fetch_key(k, &stored, e) || !open_key(k, &stored, out, e))
		return false;
	entry->name = (uint8_t *)mem_strndup(k->name.len ? (const char *)k->name.data : "",
					     k->name.len, e);
	if (!entry->name)
		return false;
	entry->name_len = k->name.len;
	entry->key = *out;
	k->count++;
	return true;
}
