#include "catalog/key_probe.h"

static void add_key_columns(struct pg *pg, struct buf *b, const struct table_info *t,
			    const char *prefix, const char *separator, bool equal)
{
	bool first = true;

	for (size_t i = 0; i < t->column_count; i++) {
		if (!t->columns[i].in_key)
			continue;
		buf_printf(b, "%s%s", first ? "" : separator, prefix);
		pg_add_identifier(pg, b, t->columns[i].name);
		if (equal) {
			buf_add_str(b, " = k.");
			pg_add_identifier(pg, b, t->columns[i].name);
		}
		first = false;
	}
}

static bool load_and_count(struct pg *pg, const struct table_info *t, const struct buf *keys,
			   struct pg_result **out, struct err *e)
{
	struct buf create = BUF_INIT, count = BUF_INIT;
	bool ok;

	buf_add_str(&create, "CREATE TEMP TABLE firn_keys ON COMMIT DROP AS SELECT ");
	add_key_columns(pg, &create, t, "t.", ", ", false);
	buf_printf(&create, " FROM %s t LIMIT 0", t->qualified);
	buf_printf(&count, "SELECT count(*) FROM pg_temp.firn_keys k JOIN %s t ON ", t->qualified);
	add_key_columns(pg, &count, t, "t.", " AND ", true);
	ok = buf_ok(&create, e) && buf_ok(&count, e) && pg_local_search_path(pg, true, e) &&
	     pg_exec(pg, buf_str(&create), e) &&
	     pg_copy_in_start(pg, "COPY pg_temp.firn_keys FROM STDIN (FORMAT BINARY)", e) &&
	     pg_copy_in_write(pg, keys->data, keys->len, e) && pg_copy_in_finish(pg, NULL, e) &&
	     pg_exec(pg, "ANALYZE pg_temp.firn_keys", e) &&
	     pg_query(pg, buf_str(&count), NULL, out, e);
	buf_release(&create);
	buf_release(&count);
	return ok;
}

bool key_probe_count(struct pg *pg, const struct table_info *t, const struct buf *keys,
		     int64_t *hot_out, struct err *e)
{
	struct pg_result *result = NULL;
	bool ok = pg_begin(pg, NULL, e) && load_and_count(pg, t, keys, &result, e);

	if (ok)
		*hot_out = pg_i64(result, 0, 0);
	pg_result_free(result);
	pg_rollback(pg);
	return ok || err_wrap(e, "could not look for keys that are hot and cold at once");
}
