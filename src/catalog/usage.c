#include "catalog/usage.h"

struct segment_visit {
	bool (*visit)(void *ctx, const struct usage_segment *s, struct err *e);
	void *ctx;
};

static bool visit_segment(void *ctx, const struct pg_result *r, struct err *e)
{
	const struct segment_visit *v = ctx;
	struct usage_segment s = {
		.id = pg_i64(r, 0, 0),
		.leaf = pg_text(r, 0, 1),
		.storage_class = pg_text(r, 0, 2),
		.rows_total = pg_i64(r, 0, 3),
		.rows_live = pg_i64(r, 0, 4),
		.bytes = pg_i64(r, 0, 5),
		.index_bytes = pg_i64(r, 0, 6),
		.raw_bytes = pg_i64(r, 0, 7),
		.age_days = pg_i64(r, 0, 8),
		.bytes_live = pg_i64(r, 0, 9),
	};

	return v->visit(v->ctx, &s, e);
}

bool usage_segments(struct pg *pg, int64_t table_id,
		    bool (*visit)(void *ctx, const struct usage_segment *s, struct err *e),
		    void *ctx, struct err *e)
{
	static const char sql[] =
		"SELECT id, leaf, coalesce(storage_class, ''), rows_total, rows_live, bytes, "
		"index_bytes, "
		"(raw_bytes::numeric * rows_live / rows_total)::bigint, "
		"greatest(0, extract(epoch FROM now() - coalesce(storage_class_since, "
		"activated_at, "
		"created_at)) / 86400)::bigint, "
		"((bytes + index_bytes)::numeric * rows_live / rows_total)::bigint "
		"FROM firn.segment WHERE table_id = $1::bigint AND state = 'active' ORDER BY id";
	struct segment_visit v = { visit, ctx };
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, table_id);
	return pg_query_each(pg, sql, &p, visit_segment, &v, e) ||
	       err_wrap(e, "could not read what is cold");
}

bool usage_vector_index_bytes(struct pg *pg, const struct leaf *leaf, int64_t *out, struct err *e)
{
	static const char sql[] =
		"SELECT coalesce(sum(pg_catalog.pg_relation_size(i.indexrelid)), 0)::bigint "
		"FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid "
		"JOIN pg_catalog.pg_am a ON a.oid = c.relam "
		"WHERE i.indrelid = $1::bigint::oid AND a.amname IN ('hnsw', 'ivfflat')";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	pg_param_i64(&p, leaf->oid);
	ok = pg_query(pg, sql, &p, &r, e);
	*out = ok && pg_rows(r) == 1 ? pg_i64(r, 0, 0) : 0;
	pg_result_free(r);
	return ok || err_wrap(e, "could not measure the indexes of leaf \"%s\"", leaf->label);
}
