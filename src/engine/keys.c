/* firn keys: which master key wraps the keys of tables and workspaces, and wrapping them by another one. */
#include "engine/engine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/str.h"
#include "catalog/key_store.h"
#include "catalog/migrate.h"
#include "catalog/sizes.h"
#include "engine/keyring.h"

static struct pg *open_catalog(struct firn *f, struct err *e)
{
	struct pg *pg = engine_pg(f, e);

	return pg && migrate_check(pg, e) ? pg : NULL;
}

/* The configured one that wraps the key; NULL: neither does. */
static const struct master_key *master_of(const struct firn *f, const struct stored_key *key)
{
	if (f->master && memcmp(f->master->id, key->master_id, SEAL_ID_BYTES) == 0)
		return f->master;
	if (f->old_master && memcmp(f->old_master->id, key->master_id, SEAL_ID_BYTES) == 0)
		return f->old_master;
	return NULL;
}

/* ---- status ---- */

struct keys_status {
	struct firn *f;
	struct firn_keys_status *result;
	size_t capacity;
	uint8_t *room; /* for a key that is tried */
};

static struct firn_master_key *entry_of(struct keys_status *s, const uint8_t *id, struct err *e)
{
	struct firn_keys_status *result = s->result;
	void *masters = result->masters;
	struct firn_master_key *m;
	char hex[KEY_ID_TEXT_BYTES];

	hex_encode(id, SEAL_ID_BYTES, hex);
	for (size_t i = 0; i < result->master_count; i++)
		if (str_eq(result->masters[i].id, hex))
			return &result->masters[i];
	if (!mem_grow(&masters, &s->capacity, result->master_count + 1, sizeof(*m), e))
		return NULL;
	result->masters = masters;
	m = &result->masters[result->master_count++];
	*m = (struct firn_master_key){
		.configured = s->f->master && str_eq(s->f->master->id_hex, hex),
		.configured_old = s->f->old_master && str_eq(s->f->old_master->id_hex, hex)
	};
	memcpy(m->id, hex, sizeof(hex));
	return m;
}

static bool count_key(void *ctx, const struct key_row *row, struct err *e)
{
	struct keys_status *s = ctx;
	const struct master_key *master = master_of(s->f, &row->key);
	struct firn_master_key *m = entry_of(s, row->key.master_id, e);
	struct err why = { 0 };

	if (!m)
		return false;
	if (row->workspace_len > 0)
		m->workspaces++;
	else
		m->tables++;
	if (!master || !master_key_unwrap(master, row->table, row->workspace, row->workspace_len,
					  row->key.wrapped, s->room, &why))
		s->result->unopened++;
	secret_wipe(s->room, SEAL_KEY_BYTES);
	return true;
}

bool firn_keys_status(struct firn *f, struct firn_keys_status *result, struct err *e)
{
	struct keys_status s = { .f = f, .result = result };
	struct pg *pg = open_catalog(f, e);
	uint8_t id[KEY_STORE_ID_BYTES];
	struct firn_master_key *m;
	bool found = false, ok;

	*result = (struct firn_keys_status){ 0 };
	s.room = secret_new(SEAL_KEY_BYTES, e);
	ok = pg && s.room && engine_master_keys(f, e) && key_store_master(pg, id, &found, e) &&
	     key_store_each(pg, count_key, &s, e) &&
	     sizes_encrypted(pg, &result->segments_encrypted, &result->segments_not_encrypted, e);
	if (ok && found) {
		m = entry_of(&s, id, e);
		ok = m != NULL;
		if (ok)
			m->current = 1;
	}
	secret_free(s.room);
	if (ok && result->unopened > 0) {
		err_set(e, ERR_CONFIG,
			"%" PRId64 " keys do not open with the master key that is configured",
			result->unopened);
		return err_hint(e, "Set encryption.key_file or key_command to the key that is "
				   "named, or old_key_file.");
	}
	return ok;
}

void firn_keys_status_release(struct firn_keys_status *r)
{
	free(r->masters);
	*r = (struct firn_keys_status){ 0 };
}

/* ---- rotate ---- */

struct rotation {
	const struct firn *f;
	const struct master_key *to;
	uint8_t *key, *again;
	int64_t rewrapped;
};

static bool not_configured(const struct key_row *row, struct err *e)
{
	char hex[KEY_ID_TEXT_BYTES];

	hex_encode(row->key.master_id, SEAL_ID_BYTES, hex);
	err_set(e, ERR_CONFIG,
		"keys of table \"%s\" are wrapped by master key %s, which is not configured",
		row->table, hex);
	return err_hint(e, "Set encryption.key_file or key_command, or old_key_file, to that key.");
}

/* What comes out is tried before it takes the other's place: there is no third copy of a key. */
static bool rewrap(void *ctx, struct key_row *row, struct err *e)
{
	struct rotation *r = ctx;
	const struct master_key *from = master_of(r->f, &row->key);
	bool ok;

	if (!from)
		return not_configured(row, e);
	ok = master_key_unwrap(from, row->table, row->workspace, row->workspace_len,
			       row->key.wrapped, r->key, e) &&
	     master_key_wrap(r->to, row->table, row->workspace, row->workspace_len, r->key,
			     row->key.wrapped, e) &&
	     master_key_unwrap(r->to, row->table, row->workspace, row->workspace_len,
			       row->key.wrapped, r->again, e);
	if (ok && !secret_equal(r->key, r->again, SEAL_KEY_BYTES))
		ok = err_set(e, ERR_INTERNAL, "a key did not come through its wrapping");
	memcpy(row->key.master_id, r->to->id, sizeof(row->key.master_id));
	r->rewrapped++;
	return ok || err_wrap(e, "a key of table \"%s\"", row->table);
}

static bool fault(struct err *e)
{
	return err_set(e, ERR_INTERNAL, "a fault was injected");
}

/* All or nothing: a process that dies leaves every key as it was. */
static bool rewrap_all(struct pg *pg, struct rotation *r, struct err *e)
{
	bool done = false;

	if (!pg_begin(pg, NULL, e))
		return false;
	if (!key_store_begin_rewrap(pg, r->to->id, e))
		goto fail;
	while (!done)
		if (!key_store_rewrap_some(pg, r->to->id, rewrap, r, &done, e))
			goto fail;
	if (FAULT("keys.before_commit")) {
		fault(e);
		goto fail;
	}
	if (pg_commit(pg, e))
		return FAULT("keys.after_commit") ? fault(e) : true;
fail:
	pg_rollback(pg);
	return false;
}

bool firn_keys_rotate(struct firn *f, const struct firn_keys_rotate_options *options,
		      struct firn_keys_rotate_result *result, struct err *e)
{
	const struct key_source source = { options->new_key_file, options->new_key_command,
					   options->new_key_file ? "--new-key-file"
								 : "--new-key-command" };
	struct rotation r = { .f = f };
	struct master_key *to = NULL;
	struct pg *pg;
	bool ok;

	*result = (struct firn_keys_rotate_result){ 0 };
	if ((source.file != NULL) + (source.command != NULL) != 1)
		return err_set(e, ERR_USAGE,
			       "the new master key is given by either --new-key-file or "
			       "--new-key-command");
	if (!engine_encrypts(f)) {
		err_set(e, ERR_CONFIG, "no master key is configured");
		return err_hint(e, "Set encryption.key_file or key_command to the present one.");
	}
	pg = open_catalog(f, e);
	ok = pg && engine_master_keys(f, e);
	to = ok ? master_key_load(&source, e) : NULL;
	r.to = to;
	r.key = to ? secret_new(SEAL_KEY_BYTES, e) : NULL;
	r.again = r.key ? secret_new(SEAL_KEY_BYTES, e) : NULL;
	ok = r.again && rewrap_all(pg, &r, e);
	if (ok) {
		memcpy(result->id, to->id_hex, sizeof(result->id));
		result->rewrapped = r.rewrapped;
		log_notice(&f->log, "%" PRId64 " keys are wrapped by master key %s now",
			   r.rewrapped, to->id_hex);
	}
	secret_free(r.key);
	secret_free(r.again);
	secret_free(to);
	return ok;
}
