#include "catalog/catalog.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Class of the advisory locks of segments; the other half of the key is the segment's id. */
#define SEGMENT_LOCK_CLASS 0x66697273

static const char *const state_names[] = { "intent", "active", "retired", "abandoned", "removed" };

const char *segment_state_name(enum segment_state state)
{
	return state_names[state];
}

/* One statement that gives one bigint. */
static bool query_i64(struct pg *pg, const char *sql, const struct pg_params *p, int64_t *out,
		      struct err *e)
{
	struct pg_result *result = NULL;
	bool ok = pg_query(pg, sql, p, &result, e);

	if (ok && pg_rows(result) != 1)
		ok = err_set(e, ERR_INTERNAL, "the catalog gave %d rows where one was expected",
			     pg_rows(result));
	if (ok)
		*out = pg_i64(result, 0, 0);
	pg_result_free(result);
	return ok;
}

/* ---- tables ---- */

/* *id_out 0: not registered. */
static bool look_up_table(struct pg *pg, const char *label, int64_t *id_out, char **archive_out,
			  int64_t *cold_out, struct err *e)
{
	static const char sql[] =
		"SELECT m.id, m.archive, (SELECT count(*) FROM firn.segment s WHERE s.table_id = "
		"m.id "
		"AND s.state = 'active') FROM firn.managed_table m WHERE m.label = $1";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *result = NULL;
	bool ok;

	*id_out = 0;
	*archive_out = NULL;
	pg_param_text(&p, label);
	ok = pg_query(pg, sql, &p, &result, e);
	if (ok && pg_rows(result) == 1) {
		*id_out = pg_i64(result, 0, 0);
		*archive_out = mem_strdup(pg_text(result, 0, 1), e);
		*cold_out = pg_i64(result, 0, 2);
		ok = *archive_out != NULL;
	}
	pg_result_free(result);
	return ok;
}

static bool refuse_archive(const char *label, const char *known, const char *given, struct err *e)
{
	err_set(e, ERR_CONFIG, "the cold rows of table \"%s\" are in archive \"%s\", not in \"%s\"",
		label, known, given);
	return err_hint(e, "Use that archive, or bring everything back first (rehydrate "
			   "--where-cold all) and run init "
			   "with the new one.");
}

bool catalog_register_table(struct pg *pg, const char *label, const char *archive_url,
			    int64_t *id_out, struct err *e)
{
	static const char insert[] =
		"INSERT INTO firn.managed_table AS m (label, archive) VALUES ($1, $2) "
		"ON CONFLICT (label) DO UPDATE SET archive = excluded.archive RETURNING m.id";
	struct pg_params p = PG_PARAMS_INIT, lease = PG_PARAMS_INIT;
	char *known = NULL;
	int64_t cold = 0;
	bool ok;

	ok = look_up_table(pg, label, id_out, &known, &cold, e);
	if (ok && *id_out && strcmp(known, archive_url) != 0 && cold > 0)
		ok = refuse_archive(label, known, archive_url, e);
	if (ok && (!*id_out || strcmp(known, archive_url) != 0)) {
		pg_param_text(&p, label);
		pg_param_text(&p, archive_url);
		ok = query_i64(pg, insert, &p, id_out, e);
	}
	free(known);
	pg_param_i64(&lease, *id_out);
	ok = ok &&
	     pg_query(
		     pg,
		     "INSERT INTO firn.lease (table_id) VALUES ($1::bigint) ON CONFLICT DO NOTHING",
		     &lease, NULL, e);
	return ok || err_wrap(e, "could not register table \"%s\"", label);
}

bool catalog_find_table(struct pg *pg, const char *label, const char *archive_url, int64_t *id_out,
			struct err *e)
{
	char *known = NULL;
	int64_t cold = 0;
	bool ok = look_up_table(pg, label, id_out, &known, &cold, e);

	if (ok && !*id_out) {
		ok = err_set(e, ERR_CONFIG, "table \"%s\" is not managed by firn yet", label);
		err_hint(e, "Run \"firn init\" for it first.");
	}
	if (ok && archive_url && strcmp(known, archive_url) != 0)
		ok = refuse_archive(label, known, archive_url, e);
	free(known);
	return ok;
}

bool catalog_id(struct pg *pg, char out[37], struct err *e)
{
	struct pg_result *result = NULL;
	bool ok = pg_query(pg, "SELECT id FROM firn.catalog", NULL, &result, e);

	if (ok && (pg_rows(result) != 1 || strlen(pg_text(result, 0, 0)) != 36))
		ok = err_set(e, ERR_DATA, "the catalog has lost its id");
	if (ok)
		memcpy(out, pg_text(result, 0, 0), 37);
	pg_result_free(result);
	return ok;
}

static bool read_turn(struct pg *pg, const char *sql, const struct pg_params *p,
		      int64_t *number_out, char token[CATALOG_TOKEN_MAX], struct err *e)
{
	struct pg_result *result = NULL;
	bool ok = pg_query(pg, sql, p, &result, e);

	if (ok && (pg_rows(result) != 1 || strlen(pg_text(result, 0, 1)) != CATALOG_TOKEN_MAX - 1))
		ok = err_set(e, ERR_DATA, "the catalog has lost its turn");
	if (ok) {
		*number_out = pg_i64(result, 0, 0);
		memcpy(token, pg_text(result, 0, 1), CATALOG_TOKEN_MAX);
	}
	pg_result_free(result);
	return ok;
}

bool catalog_turn(struct pg *pg, int64_t *number_out, char token[CATALOG_TOKEN_MAX], struct err *e)
{
	return read_turn(pg, "SELECT turn, turn_token FROM firn.catalog", NULL, number_out, token,
			 e);
}

bool catalog_turn_take(struct pg *pg, int64_t beyond, int64_t *number_out,
		       char token[CATALOG_TOKEN_MAX], struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, beyond);
	return read_turn(pg,
			 "UPDATE firn.catalog SET turn = greatest(turn, $1::bigint) + 1, "
			 "turn_token = pg_catalog.gen_random_uuid() RETURNING turn, turn_token",
			 &p, number_out, token, e);
}

bool catalog_now(struct pg *pg, char iso_out[32], int64_t *seconds_out, struct err *e)
{
	static const char sql[] =
		"SELECT pg_catalog.to_char(n AT TIME ZONE 'UTC', "
		"'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
		"floor(extract(epoch FROM n))::bigint FROM pg_catalog.clock_timestamp() n";
	struct pg_result *result = NULL;
	bool ok = pg_query(pg, sql, NULL, &result, e);

	if (ok && iso_out)
		snprintf(iso_out, 32, "%s", pg_text(result, 0, 0));
	if (ok && seconds_out)
		*seconds_out = pg_i64(result, 0, 1);
	pg_result_free(result);
	return ok;
}

/* ---- passes ---- */

/* Passes of earlier epochs that never ended: what they moved is what they wrote when their moves had ended, or what their
 * segments say. */
static bool end_dead_passes(struct pg *pg, const struct pg_params *table_and_epoch, struct err *e)
{
	static const char sql[] =
		"UPDATE firn.pass p SET finished_at = d.at, "
		"outcome = CASE WHEN moved_at IS NULL THEN 'died' ELSE outcome || '; died in its "
		"index work' END, "
		"rows_moved = CASE WHEN moved_at IS NULL THEN d.rows ELSE p.rows_moved END, "
		"segments = CASE WHEN moved_at IS NULL THEN d.segments ELSE p.segments END, "
		"raw_bytes = CASE WHEN moved_at IS NULL THEN d.raw_bytes ELSE p.raw_bytes END, "
		"stored_bytes = CASE WHEN moved_at IS NULL THEN d.stored_bytes ELSE "
		"p.stored_bytes END "
		"FROM (SELECT q.id, greatest(q.started_at, q.moved_at, max(s.activated_at), "
		"max(s.created_at)) "
		"AS at, coalesce(sum(s.rows_total) FILTER (WHERE s.activated_at IS NOT NULL), 0) "
		"AS "
		"rows, count(s.activated_at) AS segments, "
		"coalesce(sum(s.raw_bytes) FILTER (WHERE s.activated_at IS NOT NULL), 0) AS "
		"raw_bytes, "
		"coalesce(sum(s.bytes + s.index_bytes) FILTER (WHERE s.activated_at IS NOT NULL), "
		"0) AS stored_bytes "
		"FROM firn.pass q LEFT JOIN firn.segment s ON s.pass_id = q.id "
		"WHERE q.table_id = $1::bigint AND q.finished_at IS NULL AND q.epoch < $2::bigint "
		"GROUP BY q.id) d WHERE p.id = d.id";

	return pg_query(pg, sql, table_and_epoch, NULL, e);
}

bool catalog_pass_begin(struct pg *pg, int64_t table_id, int64_t epoch, int64_t *pass_id_out,
			struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, table_id);
	pg_param_i64(&p, epoch);
	return (end_dead_passes(pg, &p, e) &&
		query_i64(pg,
			  "INSERT INTO firn.pass (table_id, epoch) VALUES ($1::bigint, $2::bigint) "
			  "RETURNING id",
			  &p, pass_id_out, e)) ||
	       err_wrap(e, "could not record the pass");
}

bool catalog_pass_moved(struct pg *pg, int64_t pass_id, const struct catalog_pass_totals *t,
			const char *outcome, struct err *e)
{
	static const char sql[] = "UPDATE firn.pass SET moved_at = "
				  "pg_catalog.clock_timestamp(), rows_moved = $2::bigint, "
				  "rows_changed = $3::bigint, segments = $4::bigint, raw_bytes = "
				  "$5::bigint, stored_bytes = $6::bigint, "
				  "outcome = $7 WHERE id = $1::bigint AND finished_at IS NULL";
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, pass_id);
	pg_param_i64(&p, t->rows_moved);
	pg_param_i64(&p, t->rows_changed);
	pg_param_i64(&p, t->segments);
	pg_param_i64(&p, t->raw_bytes);
	pg_param_i64(&p, t->stored_bytes);
	pg_param_text(&p, outcome);
	return pg_query(pg, sql, &p, NULL, e) ||
	       err_wrap(e, "could not record what the pass moved");
}

bool catalog_pass_end(struct pg *pg, int64_t pass_id, const char *failure, struct err *e)
{
	/* Whoever took its lease since then has ended it as a dead one. */
	static const char sql[] =
		"UPDATE firn.pass SET finished_at = pg_catalog.clock_timestamp(), outcome = "
		"coalesce($2, outcome) WHERE id = $1::bigint AND finished_at IS NULL";
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, pass_id);
	pg_param_text(&p, failure);
	return pg_query(pg, sql, &p, NULL, e) ||
	       err_wrap(e, "could not record the end of the pass");
}

/* ---- listing segments ---- */

struct last_visit {
	bool (*visit)(void *ctx, const char *leaf, int64_t segment, struct err *e);
	void *ctx;
};

static bool visit_last(void *ctx, const struct pg_result *row, struct err *e)
{
	const struct last_visit *v = ctx;

	return v->visit(v->ctx, pg_text(row, 0, 0), pg_i64(row, 0, 1), e);
}

bool catalog_last_segments(struct pg *pg, int64_t table_id,
			   bool (*visit)(void *ctx, const char *leaf, int64_t segment,
					 struct err *e),
			   void *ctx, struct err *e)
{
	struct last_visit v = { visit, ctx };
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, table_id);
	return pg_query_each(pg,
			     "SELECT leaf, max(id) FROM firn.segment WHERE table_id = $1::bigint "
			     "GROUP BY leaf",
			     &p, visit_last, &v, e);
}

/* A text[] literal, passed as a parameter. */
static void text_array(struct buf *b, const char *const *values, size_t count)
{
	buf_add_byte(b, '{');
	for (size_t i = 0; i < count; i++)
		pg_add_array_item(b, values[i]);
	buf_add_byte(b, '}');
}

static void i64_array(struct buf *b, const int64_t *values, size_t count)
{
	buf_add_byte(b, '{');
	for (size_t i = 0; i < count; i++)
		buf_printf(b, "%s%" PRId64, i ? "," : "", values[i]);
	buf_add_byte(b, '}');
}

static void state_array(struct buf *b, const bool *states)
{
	bool any = false;

	for (size_t i = 0; i <= SEGMENT_REMOVED; i++)
		any |= states[i];
	buf_add_byte(b, '{');
	for (size_t i = 0; i <= SEGMENT_REMOVED; i++)
		if (!any || states[i])
			pg_add_array_item(b, state_names[i]);
	buf_add_byte(b, '}');
}

static bool read_digest(const struct pg_result *r, int row, int column, uint8_t out[SHA256_BYTES],
			struct err *e)
{
	struct buf bytes = BUF_INIT;
	bool ok = pg_bytea(r, row, column, &bytes, e);

	if (ok && bytes.len != SHA256_BYTES)
		ok = err_set(e, ERR_DATA, "segment %s has a digest of %zu bytes in the catalog",
			     pg_text(r, row, 0), bytes.len);
	if (ok)
		memcpy(out, bytes.data, SHA256_BYTES);
	buf_release(&bytes);
	return ok;
}

static bool read_state(const char *name, enum segment_state *out, struct err *e)
{
	for (size_t i = 0; i <= SEGMENT_REMOVED; i++)
		if (strcmp(name, state_names[i]) == 0) {
			*out = (enum segment_state)i;
			return true;
		}
	return err_set(e, ERR_DATA, "\"%s\" is no state of a segment", name);
}

/* Columns in the order of segments_sql. */
static bool read_record(const struct pg_result *r, int row, struct segment_record *out,
			struct err *e)
{
	*out = (struct segment_record){
		.id = pg_i64(r, row, 0),
		.table_id = pg_i64(r, row, 1),
		.pass_id = pg_i64(r, row, 2),
		.epoch = pg_i64(r, row, 3),
		.table = mem_strdup(pg_text(r, row, 5), e),
		.leaf = mem_strdup(pg_text(r, row, 6), e),
		.rule = mem_strdup(pg_text(r, row, 7), e),
		.object_key = mem_strdup(pg_text(r, row, 8), e),
		.index_key = mem_strdup(pg_text(r, row, 9), e),
		.storage_class = mem_strdup(pg_text(r, row, 10), e),
		.format_version = (int)pg_i64(r, row, 11),
		.rows_total = pg_i64(r, row, 12),
		.rows_live = pg_i64(r, row, 13),
		.bytes = pg_i64(r, row, 14),
		.index_bytes = pg_i64(r, row, 15),
		.raw_bytes = pg_i64(r, row, 16),
		.has_digests = !pg_is_null(r, row, 17) && !pg_is_null(r, row, 18),
		.unreferenced_age_s = pg_i64(r, row, 20),
		.created_age_s = pg_i64(r, row, 21),
		.class_age_s = pg_i64(r, row, 22),
	};
	if (!out->table || !out->leaf || !out->rule || !out->object_key || !out->index_key ||
	    !out->storage_class)
		return false;
	return read_state(pg_text(r, row, 4), &out->state, e) &&
	       (!out->has_digests || (read_digest(r, row, 17, out->sha256, e) &&
				      read_digest(r, row, 18, out->index_sha256, e))) &&
	       pg_bytea(r, row, 19, &out->dead, e);
}

static const char segments_sql[] =
	"SELECT s.id, s.table_id, s.pass_id, s.epoch, s.state, m.label, s.leaf, s.rule, "
	"s.object_key, s.index_key, "
	"coalesce(s.storage_class, ''), s.format_version, s.rows_total, s.rows_live, s.bytes, "
	"s.index_bytes, "
	"s.raw_bytes, s.sha256, s.index_sha256, s.dead, "
	"coalesce(floor(extract(epoch FROM pg_catalog.clock_timestamp() - "
	"s.unreferenced_at))::bigint, -1), "
	"floor(extract(epoch FROM pg_catalog.clock_timestamp() - s.created_at))::bigint, "
	"floor(extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(s.storage_class_since, "
	"s.created_at)))::bigint "
	"FROM firn.segment s JOIN firn.managed_table m ON m.id = s.table_id "
	"WHERE ($1::bigint = 0 OR s.table_id = $1::bigint) AND s.state = ANY ($2::text[]) "
	"AND ($3::bigint[] IS NULL OR s.id = ANY ($3::bigint[])) "
	"AND ($6::text IS NULL OR m.archive = $6::text) "
	"AND (($4::text[] IS NULL AND $5::text[] IS NULL) OR EXISTS (SELECT 1 FROM "
	"firn.segment_workspace w "
	"WHERE w.segment_id = s.id AND w.rows_live > 0 "
	"AND ($4::text[] IS NULL OR (NOT w.workspace_null AND w.workspace = ANY ($4::text[]))) "
	"AND ($5::text[] IS NULL OR (NOT w.version_null AND w.version = ANY ($5::text[]))))) "
	"ORDER BY s.id";

bool catalog_segments(struct pg *pg, const struct segment_filter *f, struct segment_list *out,
		      struct err *e)
{
	struct buf states = BUF_INIT, ids = BUF_INIT, workspaces = BUF_INIT, versions = BUF_INIT,
		   sql = BUF_INIT;
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *result = NULL;
	bool ok = false;

	*out = (struct segment_list){ 0 };
	state_array(&states, f->states);
	i64_array(&ids, f->ids, f->id_count);
	text_array(&workspaces, f->workspaces, f->workspace_count);
	text_array(&versions, f->versions, f->version_count);
	buf_printf(&sql, "%s%s", segments_sql, f->lock ? " FOR UPDATE OF s" : "");
	if (!buf_ok(&states, e) || !buf_ok(&ids, e) || !buf_ok(&workspaces, e) ||
	    !buf_ok(&versions, e) || !buf_ok(&sql, e))
		goto out;
	pg_param_i64(&p, f->table_id);
	pg_param_text(&p, buf_str(&states));
	pg_param_text(&p, f->id_count ? buf_str(&ids) : NULL);
	pg_param_text(&p, f->workspace_count ? buf_str(&workspaces) : NULL);
	pg_param_text(&p, f->version_count ? buf_str(&versions) : NULL);
	pg_param_text(&p, f->archive);
	if (!pg_query(pg, buf_str(&sql), &p, &result, e))
		goto out;
	out->items = mem_new((size_t)pg_rows(result), sizeof(*out->items), e);
	ok = out->items != NULL;
	for (int i = 0; ok && i < pg_rows(result); i++) {
		out->count++;
		ok = read_record(result, i, &out->items[i], e);
	}
	if (!ok)
		segment_list_release(out);
out:
	pg_result_free(result);
	buf_release(&states);
	buf_release(&ids);
	buf_release(&workspaces);
	buf_release(&versions);
	buf_release(&sql);
	return ok || err_wrap(e, "could not read the segments of the catalog");
}

void segment_list_release(struct segment_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		struct segment_record *r = &l->items[i];

		free(r->table);
		free(r->leaf);
		free(r->rule);
		free(r->object_key);
		free(r->index_key);
		free(r->storage_class);
		buf_release(&r->dead);
	}
	free(l->items);
	*l = (struct segment_list){ 0 };
}

struct bitmap *segment_record_dead(const struct segment_record *r, struct err *e)
{
	struct bitmap *b = NULL;

	if (r->rows_total < 0 || r->rows_total > UINT32_MAX)
		err_set(e, ERR_DATA,
			"segment %" PRId64 " has an impossible number of rows in the catalog",
			r->id);
	else
		b = bitmap_read(r->dead.data, r->dead.len, (uint32_t)r->rows_total, e);
	if (!b)
		err_wrap(e, "segment %" PRId64, r->id);
	return b;
}

/* ---- the life of a segment ---- */

bool catalog_segment_intent(struct pg *pg, const struct segment_intent *i, int64_t *id_out,
			    struct err *e)
{
	static const char sql[] = "INSERT INTO firn.segment (table_id, pass_id, epoch, leaf, rule, "
				  "state, object_key, index_key, "
				  "storage_class, format_version) VALUES ($1::bigint, $2::bigint, "
				  "$3::bigint, $4, $5, 'intent', $6, $7, $8, "
				  "$9::int) RETURNING id";
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, i->table_id);
	pg_param_i64(&p, i->pass_id);
	pg_param_i64(&p, i->epoch);
	pg_param_text(&p, i->leaf);
	pg_param_text(&p, i->rule);
	pg_param_text(&p, i->object_key);
	pg_param_text(&p, i->index_key);
	pg_param_text(&p, i->storage_class);
	pg_param_i64(&p, i->format_version);
	return query_i64(pg, sql, &p, id_out, e) ||
	       err_wrap(e, "could not record the intent of a segment");
}

/* Groups that go into one statement: a segment of many small tenants has one a tenant, and rows stay locked meanwhile. */
#define GROUPS_AT_ONCE 1000

static bool insert_groups(struct pg *pg, int64_t segment_id, const struct segment_group_row *groups,
			  size_t count, struct err *e)
{
	static const char sql[] = "INSERT INTO firn.segment_workspace (segment_id, workspace, "
				  "version, workspace_null, version_null, "
				  "first_row, rows_total, rows_live, bytes, raw_bytes) SELECT "
				  "$1::bigint, coalesce(g.w, ''), coalesce(g.v, ''), "
				  "g.w IS NULL, g.v IS NULL, g.f, g.t, g.l, g.b, g.r FROM ROWS "
				  "FROM (unnest($2::text[]), unnest($3::text[]), "
				  "unnest($4::bigint[]), unnest($5::bigint[]), "
				  "unnest($6::bigint[]), unnest($7::bigint[]), "
				  "unnest($8::bigint[])) AS g (w, v, f, t, l, b, r)";
	struct buf columns[7] = { BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT,
				  BUF_INIT, BUF_INIT, BUF_INIT };
	struct pg_params p = PG_PARAMS_INIT;
	bool ok = true;

	for (size_t c = 0; c < 7; c++)
		buf_add_byte(&columns[c], '{');
	for (size_t i = 0; i < count; i++) {
		const struct segment_group_row *g = &groups[i];

		pg_add_array_item(&columns[0], g->workspace);
		pg_add_array_item(&columns[1], g->version);
		pg_add_array_i64(&columns[2], g->first_row);
		pg_add_array_i64(&columns[3], g->rows_total);
		pg_add_array_i64(&columns[4], g->rows_live);
		pg_add_array_i64(&columns[5], g->bytes);
		pg_add_array_i64(&columns[6], g->raw_bytes);
	}
	pg_param_i64(&p, segment_id);
	for (size_t c = 0; c < 7; c++) {
		buf_add_byte(&columns[c], '}');
		ok = ok && buf_ok(&columns[c], e);
		pg_param_text(&p, buf_str(&columns[c]));
	}
	ok = ok && pg_query(pg, sql, &p, NULL, e);
	for (size_t c = 0; c < 7; c++)
		buf_release(&columns[c]);
	return ok;
}

static bool update_groups(struct pg *pg, int64_t segment_id, const struct segment_group_row *groups,
			  size_t count, struct err *e)
{
	static const char sql[] = "UPDATE firn.segment_workspace w SET rows_live = g.l FROM ROWS "
				  "FROM (unnest($2::bigint[]), "
				  "unnest($3::bigint[])) AS g (f, l) WHERE w.segment_id = "
				  "$1::bigint AND w.first_row = g.f AND w.rows_live <> g.l";
	struct buf first = BUF_INIT, live = BUF_INIT;
	struct pg_params p = PG_PARAMS_INIT;
	bool ok;

	buf_add_byte(&first, '{');
	buf_add_byte(&live, '{');
	for (size_t i = 0; i < count; i++) {
		pg_add_array_i64(&first, groups[i].first_row);
		pg_add_array_i64(&live, groups[i].rows_live);
	}
	buf_add_byte(&first, '}');
	buf_add_byte(&live, '}');
	pg_param_i64(&p, segment_id);
	pg_param_text(&p, buf_str(&first));
	pg_param_text(&p, buf_str(&live));
	ok = buf_ok(&first, e) && buf_ok(&live, e) && pg_query(pg, sql, &p, NULL, e);
	buf_release(&first);
	buf_release(&live);
	return ok;
}

static bool each_batch(struct pg *pg, int64_t segment_id, const struct segment_group_row *groups,
		       size_t count,
		       bool (*run)(struct pg *, int64_t, const struct segment_group_row *, size_t,
				   struct err *),
		       struct err *e)
{
	for (size_t i = 0; i < count; i += GROUPS_AT_ONCE)
		if (!run(pg, segment_id, groups + i,
			 count - i < GROUPS_AT_ONCE ? count - i : GROUPS_AT_ONCE, e))
			return false;
	return true;
}

bool catalog_segment_activate(struct pg *pg, const struct segment_activation *a, struct err *e)
{
	static const char sql[] =
		"UPDATE firn.segment SET state = CASE WHEN $3::bigint > 0 THEN 'active' ELSE "
		"'abandoned' END, "
		"rows_total = $2::bigint, rows_live = $3::bigint, bytes = $4::bigint, index_bytes "
		"= $5::bigint, "
		"raw_bytes = $6::bigint, sha256 = $7, index_sha256 = $8, dead = $9, "
		"activated_at = CASE WHEN $3::bigint > 0 THEN pg_catalog.clock_timestamp() END, "
		"unreferenced_at = CASE WHEN $3::bigint > 0 THEN NULL ELSE "
		"pg_catalog.clock_timestamp() END "
		"WHERE id = $1::bigint AND state = 'intent' RETURNING id";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *result = NULL;
	struct buf dead = BUF_INIT;
	bool ok;

	ok = bitmap_count(a->dead) == 0 || bitmap_write(a->dead, &dead, e);
	pg_param_i64(&p, a->segment_id);
	pg_param_i64(&p, a->rows_total);
	pg_param_i64(&p, a->rows_live);
	pg_param_i64(&p, a->bytes);
	pg_param_i64(&p, a->index_bytes);
	pg_param_i64(&p, a->raw_bytes);
	pg_param_bytea(&p, a->sha256, SHA256_BYTES);
	pg_param_bytea(&p, a->index_sha256, SHA256_BYTES);
	pg_param_bytea(&p, dead.data, dead.len);
	ok = ok && pg_query(pg, sql, &p, &result, e);
	if (ok && pg_rows(result) != 1)
		ok = err_set(e, ERR_FENCED, "segment %" PRId64 " is no longer an intent",
			     a->segment_id);
	ok = ok && each_batch(pg, a->segment_id, a->groups, a->group_count, insert_groups, e);
	pg_result_free(result);
	buf_release(&dead);
	return ok || err_wrap(e, "could not activate segment %" PRId64, a->segment_id);
}

bool catalog_segment_update_dead(struct pg *pg, int64_t segment_id, const struct bitmap *dead,
				 int64_t rows_live, const struct segment_group_row *groups,
				 size_t group_count, struct err *e)
{
	static const char update[] =
		"UPDATE firn.segment SET dead = $2, rows_live = $3::bigint, "
		"state = CASE WHEN $3::bigint > 0 THEN state ELSE 'retired' END, "
		"unreferenced_at = CASE WHEN $3::bigint > 0 THEN unreferenced_at ELSE "
		"pg_catalog.clock_timestamp() END "
		"WHERE id = $1::bigint AND state = 'active' RETURNING id";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *result = NULL;
	struct buf bytes = BUF_INIT;
	bool ok = bitmap_write(dead, &bytes, e);

	pg_param_i64(&p, segment_id);
	pg_param_bytea(&p, bytes.data, bytes.len);
	pg_param_i64(&p, rows_live);
	ok = ok && pg_query(pg, update, &p, &result, e);
	if (ok && pg_rows(result) != 1)
		ok = err_set(e, ERR_BUSY, "segment %" PRId64 " is no longer active", segment_id);
	ok = ok && each_batch(pg, segment_id, groups, group_count, update_groups, e);
	pg_result_free(result);
	buf_release(&bytes);
	return ok || err_wrap(e, "could not update segment %" PRId64, segment_id);
}

bool catalog_segment_groups(struct pg *pg, int64_t segment_id, struct segment_group_row **out,
			    size_t *count_out, struct err *e)
{
	static const char sql[] = "SELECT CASE WHEN workspace_null THEN NULL ELSE workspace END, "
				  "CASE WHEN version_null THEN NULL ELSE version "
				  "END, first_row, rows_total, rows_live, bytes, raw_bytes FROM "
				  "firn.segment_workspace "
				  "WHERE segment_id = $1::bigint ORDER BY first_row";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	struct segment_group_row *groups = NULL;
	size_t count = 0;
	bool ok;

	*out = NULL;
	*count_out = 0;
	pg_param_i64(&p, segment_id);
	ok = pg_query(pg, sql, &p, &r, e);
	if (ok) {
		groups = mem_new((size_t)pg_rows(r), sizeof(*groups), e);
		ok = groups != NULL;
	}
	for (int i = 0; ok && i < pg_rows(r); i++) {
		const char *workspace = pg_is_null(r, i, 0) ? NULL : pg_text(r, i, 0);
		const char *version = pg_is_null(r, i, 1) ? NULL : pg_text(r, i, 1);

		groups[count++] = (struct segment_group_row){
			.workspace = mem_strdup(workspace, e),
			.version = mem_strdup(version, e),
			.first_row = pg_i64(r, i, 2),
			.rows_total = pg_i64(r, i, 3),
			.rows_live = pg_i64(r, i, 4),
			.bytes = pg_i64(r, i, 5),
			.raw_bytes = pg_i64(r, i, 6),
		};
		ok = (!workspace || groups[count - 1].workspace) &&
		     (!version || groups[count - 1].version);
	}
	pg_result_free(r);
	if (!ok) {
		segment_groups_free(groups, count);
		return err_wrap(e, "could not read the groups of segment %" PRId64, segment_id);
	}
	*out = groups;
	*count_out = count;
	return true;
}

void segment_groups_free(struct segment_group_row *groups, size_t count)
{
	for (size_t i = 0; groups && i < count; i++) {
		free((char *)groups[i].workspace);
		free((char *)groups[i].version);
	}
	free(groups);
}

bool catalog_abandon_dead_intents(struct pg *pg, int64_t table_id, int64_t epoch,
				  int64_t *count_out, struct err *e)
{
	static const char sql[] = "WITH done AS (UPDATE firn.segment SET state = 'abandoned', "
				  "unreferenced_at = pg_catalog.clock_timestamp() "
				  "WHERE table_id = $1::bigint AND state = 'intent' AND epoch < "
				  "$2::bigint RETURNING 1) SELECT count(*) FROM done";
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, table_id);
	pg_param_i64(&p, epoch);
	return query_i64(pg, sql, &p, count_out, e) ||
	       err_wrap(e, "could not undo what dead runs left");
}

bool catalog_segment_abandon(struct pg *pg, int64_t segment_id, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, segment_id);
	return pg_query(pg,
			"UPDATE firn.segment SET state = 'abandoned', unreferenced_at = "
			"pg_catalog.clock_timestamp() "
			"WHERE id = $1::bigint AND state = 'intent'",
			&p, NULL, e);
}

bool catalog_segment_removed(struct pg *pg, int64_t segment_id, bool *done_out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *result = NULL;
	bool ok;

	pg_param_i64(&p, segment_id);
	ok = pg_query(pg,
		      "UPDATE firn.segment SET state = 'removed', removed_at = "
		      "pg_catalog.clock_timestamp() "
		      "WHERE id = $1::bigint AND state IN ('retired', 'abandoned') RETURNING id",
		      &p, &result, e);
	*done_out = ok && pg_rows(result) == 1;
	pg_result_free(result);
	return ok;
}

bool catalog_segment_set_class(struct pg *pg, int64_t segment_id, const char *storage_class,
			       struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, segment_id);
	pg_param_text(&p, storage_class);
	return pg_query(pg,
			"UPDATE firn.segment SET storage_class = $2, storage_class_since = "
			"pg_catalog.clock_timestamp() WHERE id = $1::bigint",
			&p, NULL, e) ||
	       err_wrap(e, "could not record the storage class of segment %" PRId64, segment_id);
}

/* ---- locks and due work ---- */

bool catalog_segment_lock(struct pg *pg, int64_t segment_id, struct err *e)
{
	return pg_execf(pg, e, "SELECT pg_catalog.pg_advisory_lock(%d, %d)", SEGMENT_LOCK_CLASS,
			(int)segment_id) ||
	       err_wrap(e, "could not lock segment %" PRId64, segment_id);
}

void catalog_segment_unlock(struct pg *pg, int64_t segment_id)
{
	struct err ignored = { 0 };

	pg_execf(pg, &ignored, "SELECT pg_catalog.pg_advisory_unlock(%d, %d)", SEGMENT_LOCK_CLASS,
		 (int)segment_id);
}

bool catalog_maintenance_add(struct pg *pg, int64_t table_id, const char *leaf, int64_t deleted,
			     int64_t inserted, struct err *e)
{
	static const char sql[] =
		"INSERT INTO firn.maintenance AS m (table_id, leaf, rows_deleted, rows_inserted) "
		"VALUES ($1::bigint, $2, $3::bigint, $4::bigint) ON CONFLICT (table_id, leaf) DO "
		"UPDATE SET "
		"rows_deleted = m.rows_deleted + excluded.rows_deleted, "
		"rows_inserted = m.rows_inserted + excluded.rows_inserted";
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, table_id);
	pg_param_text(&p, leaf);
	pg_param_i64(&p, deleted);
	pg_param_i64(&p, inserted);
	return pg_query(pg, sql, &p, NULL, e) ||
	       err_wrap(e, "could not note the index work of leaf \"%s\"", leaf);
}
