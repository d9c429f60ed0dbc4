/* Which keys there are to work with: those that the configuration names, and the catalog's, which they open. */
#include "engine/engine.h"

#include <string.h>

#include "catalog/key_store.h"
#include "engine/keyring.h"

bool engine_encrypts(const struct firn *f)
{
	return f->config.encryption.key_file || f->config.encryption.key_command;
}

bool engine_master_keys(struct firn *f, struct err *e)
{
	const struct config *c = &f->config;
	const struct key_source present = { c->encryption.key_file, c->encryption.key_command,
					    c->encryption.key_file ? "encryption.key_file"
								   : "encryption.key_command" };
	const struct key_source old = { c->encryption.old_key_file, c->encryption.old_key_command,
					c->encryption.old_key_file ? "encryption.old_key_file"
								   : "encryption.old_key_command" };

	if (!f->master && (present.file || present.command))
		f->master = master_key_load(&present, e);
	if (f->master && !f->old_master && (old.file || old.command)) {
		f->old_master = master_key_load(&old, e);
		if (!f->old_master)
			return false;
	}
	return f->master || !engine_encrypts(f);
}

bool engine_encryption_check(struct firn *f, bool claim, struct err *e)
{
	struct pg *pg = engine_pg(f, e);
	uint8_t id[KEY_STORE_ID_BYTES];
	char hex[KEY_ID_TEXT_BYTES];
	bool found;

	if (!engine_encrypts(f))
		return true;
	if (!pg || !engine_master_keys(f, e) || (claim && !key_store_claim(pg, f->master->id, e)) ||
	    !key_store_master(pg, id, &found, e))
		return false;
	if (!found || memcmp(id, f->master->id, sizeof(id)) == 0)
		return true;
	hex_encode(id, sizeof(id), hex);
	err_set(e, ERR_CONFIG,
		"this catalog's master key is %s, and the one that is configured is %s", hex,
		f->master->id_hex);
	return err_hint(e, "Set encryption.key_file or key_command to that key, or change the "
			   "catalog's to the new one by \"firn keys rotate\".");
}

struct keyring *engine_keyring(struct firn *f, int64_t table_id, const char *table, bool may_make,
			       struct err *e)
{
	struct pg *pg = engine_pg(f, e);

	if (!pg || !engine_master_keys(f, e))
		return NULL;
	return keyring_new(
		&(struct keyring_options){
			.pg = pg,
			.table_id = table_id,
			.table = table,
			.master = f->master,
			.old_master = f->old_master,
			.may_make = may_make,
		},
		e);
}

bool engine_segment_keys(struct firn *f, const struct segment_record *r,
			 const struct segment_keys **out, struct err *e)
{
	struct segment_key table_key;

	*out = NULL;
	if (r->format_version < SEGMENT_FORMAT_SEALED)
		return true;
	if (f->keyring && f->keyring_table != r->table_id)
		engine_forget_keys(f);
	if (!f->keyring)
		f->keyring = engine_keyring(f, r->table_id, r->table, false, e);
	f->keyring_table = r->table_id;
	if (!f->keyring)
		return false;
	*out = keyring_keys(f->keyring);
	return (*out)->find((*out)->ctx, NULL, &table_key, e);
}

void engine_forget_keys(struct firn *f)
{
	keyring_free(f->keyring);
	f->keyring = NULL;
}
