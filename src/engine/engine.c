#include "engine/engine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/board.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "catalog/migrate.h"

/* Where index objects and work files go when nobody says: the user's cache, else the system's, else /tmp. */
static char *default_cache_dir(struct err *e)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	struct buf path = BUF_INIT;

	if (xdg && *xdg == '/')
		buf_printf(&path, "%s/firn", xdg);
	else if (home && *home == '/' && access(home, W_OK) == 0)
		buf_printf(&path, "%s/.cache/firn", home);
	else if (access("/var/cache/firn", W_OK) == 0)
		buf_add_str(&path, "/var/cache/firn");
	else
		buf_printf(&path, "/tmp/firn-%ld", (long)getuid());
	return buf_take(&path, e);
}

/* The part of "schema.table" after the dot, so that "document_chunk" finds the entry "public.document_chunk". */
static bool same_table(const char *a, const char *b)
{
	const char *dot_a = strrchr(a, '.'), *dot_b = strrchr(b, '.');

	if (str_eq(a, b))
		return true;
	if ((dot_a == NULL) == (dot_b == NULL))
		return false;
	return dot_a ? str_eq(dot_a + 1, b) : str_eq(a, dot_b + 1);
}

static struct table_wanted wanted_from(const struct config_table *c)
{
	return (struct table_wanted){
		.table = c->table,
		.id_columns = c->id_columns,
		.id_column_count = c->id_column_count,
		.workspace_column = c->workspace_column,
		.document_column = c->document_column,
		.embedding_column = c->embedding_column,
		.version_column = c->version_column,
		.created_column = c->created_column,
		.active_table = c->active_version.table,
		.active_workspace_column = c->active_version.workspace_column,
		.active_version_column = c->active_version.version_column,
		.active_since_column = c->active_version.since_column,
		.active_query = c->active_version.query,
		.active_value = c->active_version.value,
		.promote_statement = c->active_version.promote_statement,
	};
}

static bool choose_tables(struct firn *f, const struct firn_options *o, struct err *e)
{
	size_t count = o->table_count ? o->table_count : f->config.table_count;

	f->tables = mem_new(count, sizeof(*f->tables), e);
	f->table_names = mem_new(count + 1, sizeof(*f->table_names), e);
	if (!f->tables || !f->table_names)
		return false;
	f->table_count = count;
	for (size_t i = 0; i < count; i++) {
		if (!o->table_count) {
			f->tables[i] = wanted_from(&f->config.tables[i]);
			continue;
		}
		f->table_names[i] = mem_strdup(o->tables[i], e);
		if (!f->table_names[i])
			return false;
		f->tables[i].table = f->table_names[i];
		for (size_t c = 0; c < f->config.table_count; c++)
			if (same_table(f->config.tables[c].table, o->tables[i]))
				f->tables[i] = wanted_from(&f->config.tables[c]);
	}
	return true;
}

/* Options win over the file; the file's own strings are replaced in place. */
static bool override(char **value, const char *option, struct err *e)
{
	if (!option || !*option)
		return true;
	free(*value);
	*value = mem_strdup(option, e);
	return *value != NULL;
}

static bool apply_options(struct firn *f, const struct firn_options *o, struct err *e)
{
	struct config *c = &f->config;

	if (!override(&c->database, o->database, e) || !override(&c->archive, o->archive, e) ||
	    !override(&c->policy, o->policy_path, e) || !override(&c->prices, o->prices_path, e) ||
	    !override(&c->s3.endpoint, o->s3_endpoint, e) ||
	    !override(&c->s3.region, o->s3_region, e) ||
	    !override(&c->s3.profile, o->s3_profile, e) ||
	    !override(&c->s3.ca_file, o->s3_ca_file, e) ||
	    !override(&c->cache.dir, o->cache_dir, e))
		return false;
	if (o->s3_path_style)
		c->s3.path_style = o->s3_path_style > 0;
	if (!c->cache.dir)
		c->cache.dir = default_cache_dir(e);
	return c->cache.dir != NULL;
}

struct firn *firn_open(const struct firn_options *o, struct err *e)
{
	struct firn *f = mem_new(1, sizeof(*f), e);

	if (!f)
		return NULL;
	f->clock = &clock_system;
	f->log = (struct log){
		.out = o->log_out ? o->log_out : stderr,
		.level = (enum log_level)o->log_level,
		.json = o->log_json != 0,
		.program = "firn",
	};
	f->progress = o->progress;
	if (f->progress == PROGRESS_TERMINAL && !board_possible(f->log.out))
		f->progress = PROGRESS_LOG;
	if (f->progress == PROGRESS_TERMINAL)
		f->log.board = board_new(f->log.out, e);
	if (f->progress == PROGRESS_TERMINAL && !f->log.board) {
		firn_close(f);
		return NULL;
	}
	if (!config_load(&f->config, o->config_path, e) || !apply_options(f, o, e) ||
	    !choose_tables(f, o, e)) {
		firn_close(f);
		return NULL;
	}
	return f;
}

struct firn engine_split(const struct firn *f)
{
	struct firn split = *f;

	split.pg = NULL;
	split.store = NULL;
	split.scratch = NULL;
	split.keyring = NULL;
	return split;
}

void engine_split_close(struct firn *split)
{
	engine_note_requests(split);
	pg_close(split->pg);
	store_close(split->store);
	scratch_close(split->scratch);
	engine_forget_keys(split);
}

void firn_close(struct firn *f)
{
	if (!f)
		return;
	engine_split_close(f);
	secret_free(f->master);
	secret_free(f->old_master);
	if (f->policy_loaded)
		policy_release(&f->policy);
	for (size_t i = 0; f->table_names && i < f->table_count; i++)
		free(f->table_names[i]);
	free(f->table_names);
	free(f->tables);
	config_release(&f->config);
	board_free(f->log.board);
	free(f);
}

struct pg *engine_pg(struct firn *f, struct err *e)
{
	if (!f->pg)
		f->pg = pg_connect(f->config.database, &f->log, e);
	return f->pg;
}

struct pg *engine_pg_extra(struct firn *f, struct err *e)
{
	return pg_connect(f->config.database, &f->log, e);
}

static bool archive_given(const struct firn *f, struct err *e)
{
	if (f->config.archive)
		return true;
	err_set(e, ERR_USAGE, "no archive is given");
	return err_hint(
		e,
		"Use --archive file:///dir or s3://bucket/prefix, FIRN_ARCHIVE, or archive: in the "
		"configuration file.");
}

struct store *engine_store(struct firn *f, struct err *e)
{
	const struct config *c = &f->config;

	if (f->store || !archive_given(f, e))
		return f->store;
	f->store = store_open(
		&(struct store_options){
			.url = c->archive,
			.make_folder = f->may_make_archive,
			.endpoint = c->s3.endpoint,
			.region = c->s3.region,
			.profile = c->s3.profile,
			.path_style = c->s3.path_style,
			.ca_file = c->s3.ca_file,
			.object_tags = c->s3.object_tags,
			.upload_jobs = (unsigned)c->s3.upload_jobs,
			.resend_percent = (unsigned)c->s3.resend_percent,
			.sse = c->s3.sse,
			.sse_kms_key_id = c->s3.sse_kms_key_id,
			.sse_customer_key_file = c->s3.sse_customer_key_file,
			.clock = f->clock,
			.log = &f->log,
		},
		e);
	return f->store;
}

const char *engine_scratch(struct firn *f, struct err *e)
{
	struct buf parent = BUF_INIT;

	if (!f->scratch) {
		buf_printf(&parent, "%s/work", f->config.cache.dir);
		if (buf_ok(&parent, e))
			f->scratch = scratch_open(buf_str(&parent), e);
		if (!f->scratch && e->code == ERR_IO && !e->hint[0])
			err_hint(e,
				 "--cache-dir (FIRN_CACHE_DIR, cache.dir) chooses another folder "
				 "for work files.");
		buf_release(&parent);
	}
	return f->scratch ? scratch_path(f->scratch) : NULL;
}

const struct policy *engine_policy(struct firn *f, struct err *e)
{
	if (!f->policy_loaded)
		f->policy_loaded = policy_load(&f->policy, f->config.policy, e);
	return f->policy_loaded ? &f->policy : NULL;
}

void engine_hint_failed(struct err *e, int64_t failed)
{
	const struct err first = *e;

	if (failed > 1)
		err_hint(e, "%s%s(%" PRId64 " checks failed: the list above has them all.)",
			 first.hint, first.hint[0] ? " " : "", failed);
}

bool engine_tables_given(const struct firn *f, struct err *e)
{
	if (f->table_count)
		return true;
	err_set(e, ERR_USAGE, "no table is given");
	return err_hint(e, "Use --table schema.table, or tables: in the configuration file.");
}

static bool open_table(struct firn *f, const struct table_wanted *wanted,
		       bool (*may_be_used)(const struct table_info *t, struct err *e),
		       struct engine_table *out, struct err *e)
{
	struct pg *pg = engine_pg(f, e);

	*out = (struct engine_table){ 0 };
	if (!pg || !migrate_check(pg, e))
		return false;
	out->info = table_info_load(pg, wanted, e);
	if (out->info && may_be_used(out->info, e) &&
	    catalog_find_table(pg, out->info->label, f->config.archive, &out->id, e))
		return true;
	engine_table_close(out);
	return false;
}

bool engine_table_open(struct firn *f, const struct table_wanted *wanted, struct engine_table *out,
		       struct err *e)
{
	return open_table(f, wanted, table_info_usable, out, e);
}

bool engine_table_look(struct firn *f, const struct table_wanted *wanted, struct engine_table *out,
		       struct err *e)
{
	return open_table(f, wanted, table_info_readable, out, e);
}

void engine_table_close(struct engine_table *t)
{
	table_info_free(t->info);
	*t = (struct engine_table){ 0 };
}
