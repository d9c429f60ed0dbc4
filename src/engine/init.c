/* firn init: judge first, install afterwards, so that nothing is half done when something is refused. */
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "catalog/candidates.h"
#include "catalog/migrate.h"

static const char *role_name(enum column_role role)
{
	static const char *const names[] = {
		[COLUMN_OTHER] = "",
		[COLUMN_ID] = "id",
		[COLUMN_WORKSPACE] = "workspace",
		[COLUMN_DOCUMENT] = "document",
		[COLUMN_EMBEDDING] = "embedding",
		[COLUMN_VERSION] = "version",
		[COLUMN_CREATED] = "created",
	};

	return names[role];
}

static bool copy_columns(const struct table_info *t, struct firn_table_info *out, struct err *e)
{
	out->columns = mem_new(t->column_count, sizeof(*out->columns), e);
	if (!out->columns)
		return false;
	out->column_count = t->column_count;
	for (size_t i = 0; i < t->column_count; i++) {
		struct firn_column_info *c = &out->columns[i];

		snprintf(c->name, sizeof(c->name), "%s", t->columns[i].name);
		snprintf(c->type, sizeof(c->type), "%s", t->columns[i].type_full);
		snprintf(c->role, sizeof(c->role), "%s", role_name(t->columns[i].role));
		c->in_key = t->columns[i].in_key;
	}
	return true;
}

static bool copy_checks(const struct table_info *t, struct firn_table_info *out, struct err *e)
{
	out->checks = mem_new(t->check_count, sizeof(*out->checks), e);
	if (!out->checks)
		return false;
	for (size_t i = 0; i < t->check_count; i++) {
		const struct table_check *from = &t->checks[i];
		struct firn_check *c = &out->checks[out->check_count++];

		c->state = from->state == TABLE_CHECK_OK        ? FIRN_CHECK_OK
			   : from->state == TABLE_CHECK_WARNING ? FIRN_CHECK_WARNING
								: FIRN_CHECK_REFUSED;
		snprintf(c->name, sizeof(c->name), "%s", from->name);
		c->message = mem_strdup(from->message, e);
		c->hint = mem_strdup(from->hint, e);
		if (!c->message || (from->hint && !c->hint))
			return false;
	}
	return true;
}

static bool describe(const struct table_info *t, struct firn_table_info *out, struct err *e)
{
	out->table = mem_strdup(t->label, e);
	out->partitioned = t->partitioned;
	out->leaf_count = t->leaf_count;
	out->rows_estimate = t->rows_estimate;
	return out->table && copy_columns(t, out, e) && copy_checks(t, out, e);
}

/* The refusal of the first table that has one is the error; all of them are in result. */
static bool judge_tables(struct firn *f, struct table_info **infos, struct firn_init_result *result,
			 struct err *e)
{
	struct err refusal = { 0 }, ignored = { 0 };
	int64_t refused = 0;

	for (size_t i = 0; i < f->table_count; i++) {
		infos[i] = table_info_load(f->pg, &f->tables[i], e);
		if (!infos[i] || !describe(infos[i], &result->tables[result->table_count++], e))
			return false;
		table_info_usable(infos[i], refusal.code == ERR_NONE ? &refusal : &ignored);
		for (size_t k = 0; k < infos[i]->check_count; k++)
			refused += infos[i]->checks[k].state == TABLE_CHECK_REFUSED;
	}
	if (refused == 0)
		return true;
	*e = refusal;
	engine_hint_failed(e, refused);
	return false;
}

static bool describe_server(struct firn *f, struct firn_init_result *result, struct err *e)
{
	int version = pg_server_version(f->pg);

	snprintf(result->server_version, sizeof(result->server_version), "%d.%d", version / 10000,
		 version % 10000);
	result->archive = mem_strdup(f->config.archive, e);
	return result->archive && table_info_pgvector_version(f->pg, result->pgvector_version, e);
}

bool firn_init(struct firn *f, const struct firn_init_options *options,
	       struct firn_init_result *result, struct err *e)
{
	struct table_info **infos = NULL;
	struct err ignored = { 0 };
	bool ok = false;

	*result = (struct firn_init_result){ 0 };
	f->may_make_archive = true;
	if (!engine_tables_given(f, e) || !engine_store(f, e) || !engine_pg(f, e))
		return false;
	infos = mem_new(f->table_count, sizeof(struct table_info *), e);
	result->tables = mem_new(f->table_count, sizeof(*result->tables), e);
	if (!infos || !result->tables || !describe_server(f, result, e) ||
	    !migrate_current_version(f->pg, &result->catalog_version_before, e))
		goto out;
	result->catalog_version = result->catalog_version_before;
	if (!judge_tables(f, infos, result, e) || !engine_archive_probe(f, e) ||
	    !migrate_run(f->pg, &result->catalog_version_before, e))
		goto out;
	result->catalog_version = migrate_known_version();
	ok = true;
	for (size_t i = 0; ok && i < f->table_count; i++) {
		int64_t id;

		ok = catalog_register_table(f->pg, infos[i]->label, store_url(f->store), &id, e);
		/* Grace periods begin now, where nobody else says since when a version is active; what is wrong with that
		 * source a pass says. */
		if (ok && !candidates_note_versions(f->pg, infos[i], id, &ignored))
			log_debug(&f->log, "%s", ignored.message);
	}
	ok = ok && engine_archive_mark(f, e) &&
	     (options->take_over ? engine_archive_take_over(f, e) : engine_archive_ours(f, e));
out:
	for (size_t i = 0; infos && i < f->table_count; i++)
		table_info_free(infos[i]);
	free(infos);
	return ok;
}
