/* The rows of a split: copied by blocks, brought up to date by key, compared. */
#include "catalog/split_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

#define BLOCKS_FIRST 16
#define BLOCKS_MAX   8192
/* Of so few keys each is looked up; of more the planner decides. */
#define KEYS_LOOKED_UP 20000

/* ---- copying ---- */

struct position {
	const struct leaf *leaf;
	int64_t filenode, next, end;
};

/* *found_out false: every leaf is copied. */
static bool read_position(struct split *s, struct position *at, bool *found_out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok = true;

	pg_param_i64(&p, s->id);
	if (!pg_query(s->pg,
		      "SELECT leaf, filenode, next_block, end_block FROM firn.split_leaf WHERE "
		      "split_id = $1::bigint AND next_block < end_block ORDER BY leaf LIMIT 1",
		      &p, &r, e))
		return false;
	*found_out = pg_rows(r) > 0;
	at->leaf = NULL;
	for (size_t i = 0; *found_out && i < s->table->leaf_count; i++)
		if (s->table->leaves[i].oid == (uint32_t)pg_i64(r, 0, 0))
			at->leaf = &s->table->leaves[i];
	if (*found_out && !at->leaf) {
		ok = err_set(e, ERR_CONFIG, "a partition of \"%s\" was taken off it meanwhile",
			     s->table->label);
		err_hint(e, "Run \"firn partitions split --rollback\", and begin again.");
	}
	if (ok && *found_out) {
		at->filenode = pg_i64(r, 0, 1);
		at->next = pg_i64(r, 0, 2);
		at->end = pg_i64(r, 0, 3);
	}
	pg_result_free(r);
	return ok;
}

/* *same_out false: the leaf was rewritten (VACUUM FULL, CLUSTER), its rows lie elsewhere: it is read from the beginning. */
static bool check_filenode(struct split *s, const struct position *at, bool *same_out,
			   struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_i64(&p, s->id);
	pg_param_i64(&p, at->leaf->oid);
	if (!pg_query(s->pg,
		      "UPDATE firn.split_leaf SET next_block = 0, filenode = "
		      "pg_catalog.pg_relation_filenode(leaf::pg_catalog.regclass), end_block = "
		      "pg_catalog.pg_relation_size(leaf::pg_catalog.regclass) / "
		      "pg_catalog.current_setting('block_size')::bigint WHERE split_id = "
		      "$1::bigint AND "
		      "leaf = $2::bigint::oid AND filenode <> "
		      "pg_catalog.pg_relation_filenode(leaf::pg_catalog.regclass)",
		      &p, &r, e))
		return false;
	*same_out = pg_affected(r) == 0;
	pg_result_free(r);
	return true;
}

static bool insert_blocks(struct split *s, const struct position *at, int64_t to, int64_t *rows_out,
			  struct err *e)
{
	struct buf sql = BUF_INIT;
	struct pg_result *r = NULL;
	bool ok;

	buf_add_str(&sql, "INSERT INTO ");
	split_add_new(s, &sql);
	buf_add_str(&sql, " (");
	split_add_columns(s, &sql, "");
	buf_add_str(&sql, ") OVERRIDING SYSTEM VALUE SELECT ");
	split_add_columns(s, &sql, "o");
	buf_printf(&sql, " FROM ONLY %s o WHERE ", at->leaf->qualified);
	pg_add_blocks(s->pg, &sql, "o.ctid", at->next, to);
	/* What is there already was brought up to date while its block waited. */
	buf_add_str(&sql, " ON CONFLICT DO NOTHING");
	ok = buf_ok(&sql, e) && pg_query(s->pg, buf_str(&sql), NULL, &r, e);
	*rows_out = ok ? pg_affected(r) : 0;
	pg_result_free(r);
	buf_release(&sql);
	return ok;
}

static bool move_position(struct split *s, const struct position *at, int64_t to, int64_t rows,
			  struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, s->id);
	pg_param_i64(&p, at->leaf->oid);
	pg_param_i64(&p, to);
	pg_param_i64(&p, rows);
	return pg_query(s->pg,
			"WITH moved AS (UPDATE firn.split_leaf SET next_block = $3::bigint WHERE "
			"split_id = $1::bigint AND leaf = $2::bigint::oid) UPDATE firn.split SET "
			"rows_copied = rows_copied + $4::bigint WHERE id = $1::bigint",
			&p, NULL, e);
}

static bool end_copy(struct split *s, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, s->id);
	if (!pg_query(s->pg, "UPDATE firn.split SET phase = 'index' WHERE id = $1::bigint", &p,
		      NULL, e))
		return false;
	s->phase = SPLIT_INDEX;
	return true;
}

/* The next batch's size by what this one had. */
static void adapt(struct split *s, int64_t wanted, int64_t got)
{
	int64_t blocks = got > 0 ? s->blocks * wanted / got : s->blocks * 4;

	if (blocks > s->blocks * 4)
		blocks = s->blocks * 4;
	s->blocks = blocks < 1 ? 1 : blocks > BLOCKS_MAX ? BLOCKS_MAX : blocks;
}

bool split_copy(struct split *s, int64_t rows, int64_t *rows_out, bool *done_out, struct err *e)
{
	struct position at;
	struct buf lock = BUF_INIT;
	bool found, same = false, ok;
	int64_t to = 0;

	*rows_out = 0;
	*done_out = false;
	if (!s->blocks)
		s->blocks = BLOCKS_FIRST;
	if (!read_position(s, &at, &found, e))
		return err_wrap(e, "could not read how far the copying is");
	if (!found) {
		*done_out = true;
		return end_copy(s, e) || err_wrap(e, "could not end the copying");
	}
	to = at.end - at.next < s->blocks ? at.end : at.next + s->blocks;
	/* Locked before the snapshot is taken, so that nobody rewrites the leaf between the two. */
	buf_printf(&lock, "LOCK TABLE ONLY %s IN ACCESS SHARE MODE", at.leaf->qualified);
	ok = buf_ok(&lock, e) &&
	     split_begin_tx(s, "ISOLATION LEVEL REPEATABLE READ", buf_str(&lock), e) &&
	     check_filenode(s, &at, &same, e) &&
	     (!same || (insert_blocks(s, &at, to, rows_out, e) &&
			move_position(s, &at, to, *rows_out, e))) &&
	     pg_commit(s->pg, e);
	if (!ok)
		pg_rollback(s->pg);
	if (ok && same) {
		s->rows_copied += *rows_out;
		adapt(s, rows, *rows_out);
	}
	buf_release(&lock);
	return ok || err_wrap(e, "could not copy rows of \"%s\"", at.leaf->label);
}

/* ---- changes ---- */

bool split_make_keys(struct split *s, struct err *e)
{
	struct buf sql = BUF_INIT;
	bool ok;

	if (s->tells_changes)
		return true;
	buf_add_str(&sql, "DROP TABLE IF EXISTS pg_temp.firn_split_keys; CREATE TEMP TABLE "
			  "firn_split_keys (LIKE ");
	split_add_changes(s, &sql);
	buf_add_str(&sql, ") ON COMMIT DELETE ROWS");
	ok = buf_ok(&sql, e) && pg_exec(s->pg, buf_str(&sql), e);
	buf_release(&sql);
	s->tells_changes = ok;
	return ok || err_wrap(e, "could not make a table of keys");
}

/* Takes records out of the log and puts their keys into the session's table. */
static bool take_records(struct split *s, int64_t limit, int64_t *records_out, int64_t *keys_out,
			 struct err *e)
{
	struct buf sql = BUF_INIT;
	struct pg_result *r = NULL;
	bool ok;

	buf_add_str(&sql, "WITH taken AS (DELETE FROM ");
	split_add_changes(s, &sql);
	if (limit) {
		buf_add_str(&sql, " WHERE ctid = ANY (ARRAY(SELECT ctid FROM ");
		split_add_changes(s, &sql);
		buf_printf(&sql, " LIMIT %" PRId64 "))", limit);
	}
	buf_add_str(&sql, " RETURNING ");
	split_add_key(s, &sql, "");
	buf_add_str(&sql, "), put AS (INSERT INTO pg_temp.firn_split_keys SELECT DISTINCT ");
	split_add_key(s, &sql, "");
	buf_add_str(&sql,
		    " FROM taken RETURNING 1) SELECT (SELECT pg_catalog.count(*) FROM taken), "
		    "(SELECT pg_catalog.count(*) FROM put)");
	ok = buf_ok(&sql, e) && pg_query(s->pg, buf_str(&sql), NULL, &r, e);
	*records_out = ok ? pg_i64(r, 0, 0) : 0;
	*keys_out = ok ? pg_i64(r, 0, 1) : 0;
	pg_result_free(r);
	buf_release(&sql);
	return ok;
}

static bool replace_rows(struct split *s, struct err *e)
{
	struct buf delete = BUF_INIT, insert = BUF_INIT;
	bool ok;

	buf_add_str(&delete, "DELETE FROM ");
	split_add_new(s, &delete);
	buf_add_str(&delete, " n USING pg_temp.firn_split_keys k WHERE ");
	split_add_key_join(s, &delete, "n", "k");
	buf_add_str(&insert, "INSERT INTO ");
	split_add_new(s, &insert);
	buf_add_str(&insert, " (");
	split_add_columns(s, &insert, "");
	buf_add_str(&insert, ") OVERRIDING SYSTEM VALUE SELECT ");
	split_add_columns(s, &insert, "o");
	buf_printf(&insert, " FROM pg_temp.firn_split_keys k JOIN %s o ON ", s->table->qualified);
	split_add_key_join(s, &insert, "o", "k");
	ok = buf_ok(&delete, e) && buf_ok(&insert, e) && pg_exec(s->pg, buf_str(&delete), e) &&
	     pg_exec(s->pg, buf_str(&insert), e);
	buf_release(&delete);
	buf_release(&insert);
	return ok;
}

bool split_apply_here(struct split *s, int64_t limit, int64_t *records_out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	int64_t keys;

	if (!take_records(s, limit, records_out, &keys, e))
		return err_wrap(e, "could not read what was changed");
	if (!*records_out)
		return true;
	pg_param_i64(&p, s->id);
	pg_param_i64(&p, keys);
	if (!pg_exec(s->pg, "ANALYZE pg_temp.firn_split_keys", e) ||
	    (keys <= KEYS_LOOKED_UP &&
	     !pg_exec(s->pg, "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off",
		      e)) ||
	    !replace_rows(s, e) ||
	    !pg_query(s->pg,
		      "UPDATE firn.split SET changes = changes + $2::bigint WHERE id = $1::bigint",
		      &p, NULL, e))
		return err_wrap(e, "could not bring changed rows up to date");
	s->changes += keys;
	return pg_exec(s->pg, "SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on", e);
}

bool split_apply(struct split *s, int64_t limit, int64_t *records_out, struct err *e)
{
	int64_t changes = s->changes;
	bool ok;

	/* One snapshot: the records that are seen are those of the rows that are seen. */
	ok = split_make_keys(s, e) &&
	     split_begin_tx(s, "ISOLATION LEVEL REPEATABLE READ", NULL, e) &&
	     split_apply_here(s, limit, records_out, e) && pg_commit(s->pg, e);
	if (!ok) {
		pg_rollback(s->pg);
		s->changes = changes;
	}
	return ok;
}

bool split_waiting(struct split *s, int64_t limit, int64_t *out, struct err *e)
{
	struct buf sql = BUF_INIT;
	struct pg_result *r = NULL;
	bool ok;

	buf_add_str(&sql, "SELECT pg_catalog.count(*) FROM (SELECT 1 FROM ");
	split_add_changes(s, &sql);
	buf_printf(&sql, " LIMIT %" PRId64 ") c", limit);
	ok = buf_ok(&sql, e) && pg_query(s->pg, buf_str(&sql), NULL, &r, e);
	if (ok)
		*out = pg_i64(r, 0, 0);
	pg_result_free(r);
	buf_release(&sql);
	return ok || err_wrap(e, "could not count what was changed");
}

bool split_tidy(struct split *s, struct err *e)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_str(&sql, "VACUUM ");
	split_add_changes(s, &sql);
	ok = buf_ok(&sql, e) && pg_exec(s->pg, buf_str(&sql), e);
	buf_release(&sql);
	return ok;
}

/* ---- comparing ---- */

/* A row's fields as they travel, type by type and bit by bit; the sum tells sets of rows apart, whatever their order. */
static void add_side(struct split *s, struct buf *b, const char *alias, bool new,
		     enum split_depth depth)
{
	buf_add_str(b, "(SELECT pg_catalog.count(*) AS n, ");
	if (depth == SPLIT_HASH)
		buf_add_str(b,
			    "pg_catalog.sum(('x' || pg_catalog.left(pg_catalog.md5("
			    "pg_catalog.record_send(t)), 16))::bit(64)::bigint)::text AS h FROM ");
	else
		buf_add_str(b, "NULL::text AS h FROM ");
	if (new)
		split_add_new(s, b);
	else
		buf_add_str(b, s->table->qualified);
	buf_add_str(b, " t WHERE NOT EXISTS (SELECT 1 FROM ");
	split_add_changes(s, b);
	buf_add_str(b, " c WHERE ");
	split_add_key_join(s, b, "c", "t");
	buf_printf(b, ")) %s", alias);
}

bool split_compare_here(struct split *s, enum split_depth depth, int64_t *rows_out, struct err *e)
{
	struct buf sql = BUF_INIT;
	struct pg_result *r = NULL;
	bool ok;

	buf_add_str(&sql, "SELECT o.n, n.n, o.h IS NOT DISTINCT FROM n.h FROM ");
	add_side(s, &sql, "o", false, depth);
	buf_add_str(&sql, ", ");
	add_side(s, &sql, "n", true, depth);
	ok = buf_ok(&sql, e) && pg_query(s->pg, buf_str(&sql), NULL, &r, e);
	if (ok) {
		*rows_out = pg_i64(r, 0, 0);
		if (pg_i64(r, 0, 0) != pg_i64(r, 0, 1))
			ok = err_set(e, ERR_DATA,
				     "the new table has %" PRId64 " rows where \"%s\" has %" PRId64,
				     pg_i64(r, 0, 1), s->table->label, pg_i64(r, 0, 0));
		else if (!pg_bool(r, 0, 2))
			ok = err_set(
				e, ERR_DATA,
				"the new table has other content than \"%s\" in some of %" PRId64
				" rows",
				s->table->label, pg_i64(r, 0, 0));
		if (!ok)
			err_hint(e,
				 "Something changed the table past its triggers (a partition "
				 "attached or detached, triggers disabled). Nothing was swapped: "
				 "run \"firn partitions split --rollback\", and begin again.");
	}
	pg_result_free(r);
	buf_release(&sql);
	return ok || err_wrap(e, "could not compare the tables");
}

bool split_compare(struct split *s, enum split_depth depth, int64_t *rows_out, struct err *e)
{
	/* Read committed would do: it is one statement. */
	bool ok = split_begin_tx(s, "ISOLATION LEVEL REPEATABLE READ", NULL, e) &&
		  split_compare_here(s, depth, rows_out, e);

	pg_rollback(s->pg);
	return ok;
}
