#include "catalog/key_store.h"

#include <string.h>

/* Keys that are in memory at a time. */
#define REWRAP_AT_ONCE "1000"

/* Of a binary result. */
static bool take_bytes(const struct pg_result *r, int row, int column, void *out, size_t len,
		       struct err *e)
{
	size_t found;
	const uint8_t *bytes = pg_bytes(r, row, column, &found);

	if (found != len)
		return err_set(e, ERR_DATA, "a key in the catalog is damaged");
	memcpy(out, bytes, len);
	return true;
}

static bool take_key(const struct pg_result *r, int row, int column, struct stored_key *out,
		     struct err *e)
{
	return take_bytes(r, row, column, out->master_id, sizeof(out->master_id), e) &&
	       take_bytes(r, row, column + 1, out->wrapped, sizeof(out->wrapped), e);
}

bool key_store_master(struct pg *pg, uint8_t id[KEY_STORE_ID_BYTES], bool *found_out, struct err *e)
{
	struct pg_result *r = NULL;
	bool ok = pg_query_binary(pg, "SELECT key_id FROM firn.master_key", NULL, &r, e);

	*found_out = ok && pg_rows(r) == 1;
	ok = ok && (!*found_out || take_bytes(r, 0, 0, id, KEY_STORE_ID_BYTES, e));
	pg_result_free(r);
	return ok || err_wrap(e, "could not look up the master key's id");
}

bool key_store_claim(struct pg *pg, const uint8_t id[KEY_STORE_ID_BYTES], struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_bytea(&p, id, KEY_STORE_ID_BYTES);
	return pg_query(pg,
			"INSERT INTO firn.master_key (key_id) VALUES ($1) ON CONFLICT (one) DO "
			"NOTHING",
			&p, NULL, e) ||
	       err_wrap(e, "could not note the master key's id");
}

bool key_store_find(struct pg *pg, int64_t table_id, const void *workspace, size_t workspace_len,
		    struct stored_key *out, bool *found_out, struct err *e)
{
	static const char sql[] = "SELECT key_id, wrapped FROM firn.workspace_key WHERE table_id = "
				  "$1::bigint AND workspace = $2";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	pg_param_i64(&p, table_id);
	pg_param_bytea(&p, workspace_len ? workspace : "", workspace_len);
	ok = pg_query_binary(pg, sql, &p, &r, e);
	*found_out = ok && pg_rows(r) == 1;
	ok = ok && (!*found_out || take_key(r, 0, 0, out, e));
	pg_result_free(r);
	return ok || err_wrap(e, "could not look up a key");
}

/* The row's lock makes it wait for a change of the master key that is under way, and see it then. */
bool key_store_add(struct pg *pg, int64_t table_id, const void *workspace, size_t workspace_len,
		   const struct stored_key *key, bool *added_out, struct err *e)
{
	static const char sql[] =
		"WITH master AS (SELECT key_id FROM firn.master_key WHERE key_id = $3 FOR SHARE) "
		"INSERT INTO firn.workspace_key (table_id, workspace, key_id, wrapped) "
		"SELECT $1::bigint, $2, m.key_id, $4 FROM master m "
		"ON CONFLICT (table_id, workspace) DO NOTHING";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	pg_param_i64(&p, table_id);
	pg_param_bytea(&p, workspace_len ? workspace : "", workspace_len);
	pg_param_bytea(&p, key->master_id, sizeof(key->master_id));
	pg_param_bytea(&p, key->wrapped, sizeof(key->wrapped));
	ok = pg_query(pg, sql, &p, &r, e);
	*added_out = ok && pg_affected(r) == 1;
	pg_result_free(r);
	return ok || err_wrap(e, "could not store a key");
}

#define ROW_COLUMNS "k.table_id::text, k.key_id, k.wrapped, k.workspace, m.label"

static bool take_row(const struct pg_result *r, int row, struct key_row *out, struct buf *texts,
		     struct err *e)
{
	size_t id_len, label_len;
	const uint8_t *id = pg_bytes(r, row, 0, &id_len), *label = pg_bytes(r, row, 4, &label_len);

	buf_clear(texts);
	buf_add(texts, label, label_len);
	out->table_id = 0;
	for (size_t i = 0; i < id_len; i++)
		out->table_id = 10 * out->table_id + (id[i] - '0');
	out->workspace = pg_bytes(r, row, 3, &out->workspace_len);
	out->table = buf_str(texts);
	return buf_ok(texts, e) && take_key(r, row, 1, &out->key, e);
}

/* Keys beyond the one that table $1 and workspace $2 name, in order. */
static bool next_keys(struct pg *pg, const char *and_where, int64_t table_id,
		      const struct buf *from, const uint8_t *new_id, struct pg_result **out,
		      struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct buf sql = BUF_INIT;
	bool ok;

	buf_printf(&sql,
		   "SELECT " ROW_COLUMNS " FROM firn.workspace_key k JOIN firn.managed_table m ON "
		   "m.id = k.table_id WHERE (k.table_id, k.workspace) > ($1::bigint, $2) %s "
		   "ORDER BY k.table_id, k.workspace LIMIT " REWRAP_AT_ONCE,
		   and_where);
	pg_param_i64(&p, table_id);
	pg_param_bytea(&p, from->len ? (const void *)from->data : "", from->len);
	if (new_id)
		pg_param_bytea(&p, new_id, KEY_STORE_ID_BYTES);
	ok = buf_ok(&sql, e) && pg_query_binary(pg, buf_str(&sql), &p, out, e);
	buf_release(&sql);
	return ok;
}

bool key_store_each(struct pg *pg,
		    bool (*visit)(void *ctx, const struct key_row *row, struct err *e), void *ctx,
		    struct err *e)
{
	struct buf from = BUF_INIT, texts = BUF_INIT;
	int64_t table_id = 0;
	int rows = 1;
	bool ok = true;

	while (ok && rows > 0) {
		struct pg_result *r = NULL;

		ok = next_keys(pg, "", table_id, &from, NULL, &r, e);
		rows = ok ? pg_rows(r) : 0;
		for (int i = 0; ok && i < rows; i++) {
			struct key_row row;

			ok = take_row(r, i, &row, &texts, e) && visit(ctx, &row, e);
			if (!ok || i < rows - 1)
				continue;
			table_id = row.table_id;
			buf_clear(&from);
			buf_add(&from, row.workspace, row.workspace_len);
			ok = buf_ok(&from, e);
		}
		pg_result_free(r);
	}
	buf_release(&from);
	buf_release(&texts);
	return ok || err_wrap(e, "could not read the keys of the catalog");
}

bool key_store_begin_rewrap(struct pg *pg, const uint8_t new_id[KEY_STORE_ID_BYTES], struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_bytea(&p, new_id, KEY_STORE_ID_BYTES);
	return pg_query(pg,
			"INSERT INTO firn.master_key AS m (key_id) VALUES ($1) ON CONFLICT (one) "
			"DO UPDATE SET key_id = excluded.key_id, since = "
			"pg_catalog.clock_timestamp()",
			&p, NULL, e) ||
	       err_wrap(e, "could not change the master key's id");
}

static bool replace(struct pg *pg, const struct key_row *row, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, row->table_id);
	pg_param_bytea(&p, row->workspace_len ? (const void *)row->workspace : "",
		       row->workspace_len);
	pg_param_bytea(&p, row->key.master_id, sizeof(row->key.master_id));
	pg_param_bytea(&p, row->key.wrapped, sizeof(row->key.wrapped));
	return pg_query(pg,
			"UPDATE firn.workspace_key SET key_id = $3, wrapped = $4 WHERE table_id = "
			"$1::bigint AND workspace = $2",
			&p, NULL, e);
}

bool key_store_rewrap_some(struct pg *pg, const uint8_t new_id[KEY_STORE_ID_BYTES],
			   bool (*rewrap)(void *ctx, struct key_row *row, struct err *e), void *ctx,
			   bool *done_out, struct err *e)
{
	struct buf from = BUF_INIT, texts = BUF_INIT;
	struct pg_result *r = NULL;
	bool ok = next_keys(pg, "AND k.key_id <> $3", 0, &from, new_id, &r, e);
	int rows = ok ? pg_rows(r) : 0;

	*done_out = ok && rows == 0;
	for (int i = 0; ok && i < rows; i++) {
		struct key_row row;

		ok = take_row(r, i, &row, &texts, e) && rewrap(ctx, &row, e) &&
		     replace(pg, &row, e);
	}
	pg_result_free(r);
	buf_release(&texts);
	return ok || err_wrap(e, "could not change keys of the catalog");
}
