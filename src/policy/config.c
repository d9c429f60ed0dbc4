#include "policy/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "policy/config_keys.h"
#include "policy/yaml_file.h"

#define KEY_MAX 128
#define MIB     ((uint64_t)1 << 20)

struct raw_s3 {
	char *endpoint, *region, *profile, *ca_file, *path_style, *object_tags, *upload_jobs,
		*resend_percent;
	char *sse, *sse_kms_key_id, *sse_customer_key_file;
};

struct raw_cache {
	char *dir, *max_bytes;
};

struct raw_segment {
	char *target_bytes, *max_rows, *zstd_level, *text_dictionary;
};

struct raw_gc {
	char *horizon, *pass_log;
};

struct raw_heat {
	char *half_life;
};

struct raw_cost {
	char *replicas, *wal_percent, *index_memory_percent, *egress_percent;
};

struct raw_maintain {
	char *concurrently, *work_mem, *disk_free_bytes;
	char *build_memory, *build_workers;
	char *builds, *pause_ingest_rows, *pause_replica_lag, *pause_at_most;
};

struct raw_encryption {
	char *key_file, *key_command, *old_key_file, *old_key_command;
};

struct raw_columns {
	char *workspace, *document, *embedding, *version, *created;
};

struct raw_active {
	char *table, *workspace_column, *version_column, *since_column, *query, *value;
	char *promote_statement;
};

struct raw_table {
	char *table;
	struct raw_columns *columns;
	struct raw_active *active_version;
};

struct raw_config {
	char *database, *archive, *policy, *prices;
	struct raw_s3 *s3;
	struct raw_cache *cache;
	struct raw_segment *segment;
	struct raw_gc *gc;
	struct raw_heat *heat;
	struct raw_cost *cost;
	struct raw_maintain *maintain;
	struct raw_encryption *encryption;
	struct raw_table *tables;
	size_t table_count;
};

static const cyaml_schema_field_t s3_fields[] = {
	YAML_STRING("endpoint", struct raw_s3, endpoint),
	YAML_STRING("region", struct raw_s3, region),
	YAML_STRING("profile", struct raw_s3, profile),
	YAML_STRING("ca_file", struct raw_s3, ca_file),
	YAML_STRING("path_style", struct raw_s3, path_style),
	YAML_STRING("object_tags", struct raw_s3, object_tags),
	YAML_STRING("upload_jobs", struct raw_s3, upload_jobs),
	YAML_STRING("resend_percent", struct raw_s3, resend_percent),
	YAML_STRING("sse", struct raw_s3, sse),
	YAML_STRING("sse_kms_key_id", struct raw_s3, sse_kms_key_id),
	YAML_STRING("sse_customer_key_file", struct raw_s3, sse_customer_key_file),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t cache_fields[] = {
	YAML_STRING("dir", struct raw_cache, dir),
	YAML_STRING("max_bytes", struct raw_cache, max_bytes),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t segment_fields[] = {
	YAML_STRING("target_bytes", struct raw_segment, target_bytes),
	YAML_STRING("max_rows", struct raw_segment, max_rows),
	YAML_STRING("zstd_level", struct raw_segment, zstd_level),
	YAML_STRING("text_dictionary", struct raw_segment, text_dictionary),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t gc_fields[] = {
	YAML_STRING("horizon", struct raw_gc, horizon),
	YAML_STRING("pass_log", struct raw_gc, pass_log),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t heat_fields[] = {
	YAML_STRING("half_life", struct raw_heat, half_life),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t cost_fields[] = {
	YAML_STRING("replicas", struct raw_cost, replicas),
	YAML_STRING("wal_percent", struct raw_cost, wal_percent),
	YAML_STRING("index_memory_percent", struct raw_cost, index_memory_percent),
	YAML_STRING("egress_percent", struct raw_cost, egress_percent),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t maintain_fields[] = {
	YAML_STRING("concurrently", struct raw_maintain, concurrently),
	YAML_STRING("work_mem", struct raw_maintain, work_mem),
	YAML_STRING("build_memory", struct raw_maintain, build_memory),
	YAML_STRING("build_workers", struct raw_maintain, build_workers),
	YAML_STRING("disk_free_bytes", struct raw_maintain, disk_free_bytes),
	YAML_STRING("builds", struct raw_maintain, builds),
	YAML_STRING("pause_ingest_rows", struct raw_maintain, pause_ingest_rows),
	YAML_STRING("pause_replica_lag", struct raw_maintain, pause_replica_lag),
	YAML_STRING("pause_at_most", struct raw_maintain, pause_at_most),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t encryption_fields[] = {
	YAML_STRING("key_file", struct raw_encryption, key_file),
	YAML_STRING("key_command", struct raw_encryption, key_command),
	YAML_STRING("old_key_file", struct raw_encryption, old_key_file),
	YAML_STRING("old_key_command", struct raw_encryption, old_key_command),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t columns_fields[] = {
	YAML_STRINGS("id"),
	YAML_STRING("workspace", struct raw_columns, workspace),
	YAML_STRING("document", struct raw_columns, document),
	YAML_STRING("embedding", struct raw_columns, embedding),
	YAML_STRING("version", struct raw_columns, version),
	YAML_STRING("created", struct raw_columns, created),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t active_fields[] = {
	YAML_STRING("table", struct raw_active, table),
	YAML_STRING("workspace_column", struct raw_active, workspace_column),
	YAML_STRING("version_column", struct raw_active, version_column),
	YAML_STRING("since_column", struct raw_active, since_column),
	YAML_STRING("query", struct raw_active, query),
	YAML_STRING("value", struct raw_active, value),
	YAML_STRING("promote_statement", struct raw_active, promote_statement),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t table_fields[] = {
	YAML_STRING("table", struct raw_table, table),
	YAML_STRUCT("columns", struct raw_table, columns, columns_fields),
	YAML_STRUCT("active_version", struct raw_table, active_version, active_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t table_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_table, table_fields),
};

static const cyaml_schema_field_t config_fields[] = {
	YAML_STRING("database", struct raw_config, database),
	YAML_STRING("archive", struct raw_config, archive),
	YAML_STRUCT("s3", struct raw_config, s3, s3_fields),
	YAML_STRUCT("cache", struct raw_config, cache, cache_fields),
	YAML_STRUCT("segment", struct raw_config, segment, segment_fields),
	YAML_STRUCT("gc", struct raw_config, gc, gc_fields),
	YAML_STRUCT("heat", struct raw_config, heat, heat_fields),
	YAML_STRUCT("cost", struct raw_config, cost, cost_fields),
	YAML_STRUCT("maintain", struct raw_config, maintain, maintain_fields),
	YAML_STRUCT("encryption", struct raw_config, encryption, encryption_fields),
	YAML_LIST("tables", struct raw_config, tables, table_count, &table_schema),
	YAML_STRING("policy", struct raw_config, policy),
	YAML_STRING("prices", struct raw_config, prices),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_config, config_fields),
};

const cyaml_schema_value_t *config_schema(void)
{
	return &schema;
}

static bool read_archive(struct config *c, const char *text, struct yaml_file *f, struct err *e)
{
	/* The text is not repeated: someone may have put credentials into it. */
	if (text && !str_starts_with(text, "s3://") && !str_starts_with(text, "file:///"))
		return yaml_file_error(f, e, "archive",
				       "archive: it begins with neither s3:// nor file:///");
	return yaml_file_copy(text, &c->archive, e);
}

static bool read_s3(struct config *c, const struct raw_s3 *raw, struct yaml_file *f, struct err *e)
{
	if (!raw)
		return true;
	if (raw->endpoint && !str_starts_with(raw->endpoint, "http://") &&
	    !str_starts_with(raw->endpoint, "https://"))
		return yaml_file_error(f, e, "s3.endpoint",
				       "endpoint: \"%s\" begins with neither https:// nor http://",
				       raw->endpoint);
	if (raw->sse && !str_eq(raw->sse, "AES256") && !str_eq(raw->sse, "aws:kms") &&
	    !str_eq(raw->sse, "customer"))
		return yaml_file_error(f, e, "s3.sse",
				       "sse: \"%s\" is none of AES256, aws:kms and customer",
				       raw->sse);
	return yaml_file_copy(raw->endpoint, &c->s3.endpoint, e) &&
	       yaml_file_copy(raw->sse, &c->s3.sse, e) &&
	       yaml_file_copy(raw->sse_kms_key_id, &c->s3.sse_kms_key_id, e) &&
	       yaml_file_copy(raw->sse_customer_key_file, &c->s3.sse_customer_key_file, e) &&
	       yaml_file_copy(raw->region, &c->s3.region, e) &&
	       yaml_file_copy(raw->profile, &c->s3.profile, e) &&
	       yaml_file_copy(raw->ca_file, &c->s3.ca_file, e) &&
	       yaml_file_bool(f, "s3.path_style", raw->path_style, &c->s3.path_style, e) &&
	       yaml_file_bool(f, "s3.object_tags", raw->object_tags, &c->s3.object_tags, e) &&
	       yaml_file_number(f, "s3.upload_jobs", raw->upload_jobs, 1, 16, &c->s3.upload_jobs,
				e) &&
	       yaml_file_number(f, "s3.resend_percent", raw->resend_percent, 1, 10000,
				&c->s3.resend_percent, e);
}

static bool read_segment(struct config *c, const struct raw_segment *raw, struct yaml_file *f,
			 struct err *e)
{
	int64_t max_rows = c->segment.max_rows, level = c->segment.zstd_level;

	if (!raw)
		return true;
	if (!yaml_file_bytes(f, "segment.target_bytes", raw->target_bytes, &c->segment.target_bytes,
			     e) ||
	    !yaml_file_number(f, "segment.max_rows", raw->max_rows, 1, 16777216, &max_rows, e) ||
	    !yaml_file_number(f, "segment.zstd_level", raw->zstd_level, 1, 19, &level, e) ||
	    !yaml_file_bool(f, "segment.text_dictionary", raw->text_dictionary,
			    &c->segment.text_dictionary, e))
		return false;
	if (c->segment.target_bytes < MIB || c->segment.target_bytes > 65536 * MIB)
		return yaml_file_error(f, e, "segment.target_bytes",
				       "target_bytes: \"%s\" is not from 1MiB to 64GiB",
				       raw->target_bytes);
	c->segment.max_rows = (uint32_t)max_rows;
	c->segment.zstd_level = (int)level;
	return true;
}

static bool read_maintain(struct config *c, const struct raw_maintain *raw, struct yaml_file *f,
			  struct err *e)
{
	uint64_t work_mem;
	char text[32];

	if (!raw)
		return true;
	if (raw->work_mem) {
		/* Postgres knows no GiB, and its GB is one: a size in its smallest unit means the same to both. */
		if (!yaml_file_bytes(f, "maintain.work_mem", raw->work_mem, &work_mem, e))
			return false;
		if (work_mem < MIB || work_mem > (uint64_t)INT32_MAX * 1024)
			return yaml_file_error(f, e, "maintain.work_mem",
					       "work_mem: \"%s\" is not from 1MiB to 2047GiB",
					       raw->work_mem);
		snprintf(text, sizeof(text), "%llukB", (unsigned long long)(work_mem / 1024));
		if (!yaml_file_copy(text, &c->maintain.work_mem, e))
			return false;
	}
	if (!yaml_file_bytes(f, "maintain.build_memory", raw->build_memory,
			     &c->maintain.build_memory_bytes, e) ||
	    !yaml_file_number(f, "maintain.build_workers", raw->build_workers, 0, 64,
			      &c->maintain.build_workers, e))
		return false;
	if (c->maintain.build_memory_bytes > (uint64_t)INT32_MAX * 1024)
		return yaml_file_error(f, e, "maintain.build_memory",
				       "build_memory: \"%s\" is more than 2047GiB",
				       raw->build_memory);
	return yaml_file_bool(f, "maintain.concurrently", raw->concurrently,
			      &c->maintain.concurrently, e) &&
	       yaml_file_bytes(f, "maintain.disk_free_bytes", raw->disk_free_bytes,
			       &c->maintain.disk_free_bytes, e) &&
	       yaml_file_number(f, "maintain.builds", raw->builds, 1, 64, &c->maintain.builds, e) &&
	       yaml_file_number(f, "maintain.pause_ingest_rows", raw->pause_ingest_rows, 0,
				INT64_MAX, &c->maintain.pause_ingest_rows, e) &&
	       yaml_file_bytes(f, "maintain.pause_replica_lag", raw->pause_replica_lag,
			       &c->maintain.pause_replica_lag_bytes, e) &&
	       yaml_file_duration(f, "maintain.pause_at_most", raw->pause_at_most,
				  &c->maintain.pause_at_most_s, e);
}

static bool read_heat(struct config *c, const struct raw_heat *raw, struct yaml_file *f,
		      struct err *e)
{
	if (!raw)
		return true;
	if (!yaml_file_duration(f, "heat.half_life", raw->half_life, &c->heat.half_life_s, e))
		return false;
	/* 6 of them are looked back at, and passes do not run every second. */
	if (c->heat.half_life_s < 60 || c->heat.half_life_s > 3650LL * 86400)
		return yaml_file_error(f, e, "heat.half_life",
				       "half_life: \"%s\" is not from 1min to 3650d",
				       raw->half_life);
	return true;
}

static bool read_cost(struct config *c, const struct raw_cost *raw, struct yaml_file *f,
		      struct err *e)
{
	return !raw ||
	       (yaml_file_number(f, "cost.replicas", raw->replicas, 0, 64, &c->cost.replicas, e) &&
		yaml_file_number(f, "cost.wal_percent", raw->wal_percent, 0, 100000,
				 &c->cost.wal_percent, e) &&
		yaml_file_number(f, "cost.index_memory_percent", raw->index_memory_percent, 0, 100,
				 &c->cost.index_memory_percent, e) &&
		yaml_file_number(f, "cost.egress_percent", raw->egress_percent, 0, 100,
				 &c->cost.egress_percent, e));
}

static bool read_active(struct config_active_version *v, const struct raw_active *raw,
			const char *prefix, struct yaml_file *f, struct err *e)
{
	char key[KEY_MAX];

	if (!raw)
		return true;
	snprintf(key, sizeof(key), "%s.active_version", prefix);
	if ((raw->table != NULL) + (raw->query != NULL) + (raw->value != NULL) != 1)
		return yaml_file_error(
			f, e, key,
			"active_version: exactly one of table, query and value is given");
	if (!raw->table && (raw->workspace_column || raw->version_column || raw->since_column))
		return yaml_file_error(
			f, e, key, "active_version: columns are named only together with a table");
	if (raw->value && raw->promote_statement)
		return yaml_file_error(
			f, e, key,
			"active_version: a fixed value is changed here, by no promote_statement");
	return yaml_file_copy(raw->table, &v->table, e) &&
	       yaml_file_copy(raw->workspace_column, &v->workspace_column, e) &&
	       yaml_file_copy(raw->version_column, &v->version_column, e) &&
	       yaml_file_copy(raw->since_column, &v->since_column, e) &&
	       yaml_file_copy(raw->query, &v->query, e) &&
	       yaml_file_copy(raw->value, &v->value, e) &&
	       yaml_file_copy(raw->promote_statement, &v->promote_statement, e);
}

static bool read_table(struct config *c, const struct raw_table *raw, struct yaml_file *f,
		       struct err *e)
{
	struct config_table *t = &c->tables[c->table_count];
	const struct raw_columns *columns = raw->columns;
	char prefix[32], key[KEY_MAX];

	snprintf(prefix, sizeof(prefix), "tables[%zu]", c->table_count++);
	if (!raw->table || !*raw->table)
		return yaml_file_error(f, e, prefix, "an item of tables needs a \"table\"");
	for (const struct config_table *other = c->tables; other < t; other++)
		if (str_eq(other->table, raw->table))
			return yaml_file_error(f, e, prefix, "table \"%s\" is listed twice",
					       raw->table);
	if (!yaml_file_copy(raw->table, &t->table, e) ||
	    !read_active(&t->active_version, raw->active_version, prefix, f, e))
		return false;
	if (!columns)
		return true;
	snprintf(key, sizeof(key), "%s.columns.id", prefix);
	return yaml_file_strings(f, key, &t->id_columns, &t->id_column_count, e) &&
	       yaml_file_copy(columns->workspace, &t->workspace_column, e) &&
	       yaml_file_copy(columns->document, &t->document_column, e) &&
	       yaml_file_copy(columns->embedding, &t->embedding_column, e) &&
	       yaml_file_copy(columns->version, &t->version_column, e) &&
	       yaml_file_copy(columns->created, &t->created_column, e);
}

static bool read_tables(struct config *c, const struct raw_config *raw, struct yaml_file *f,
			struct err *e)
{
	if (raw->table_count == 0)
		return true;
	c->tables = mem_new(raw->table_count, sizeof(*c->tables), e);
	if (!c->tables)
		return false;
	for (size_t i = 0; i < raw->table_count; i++)
		if (!read_table(c, &raw->tables[i], f, e))
			return false;
	return true;
}

/* A path in the file is meant from where the file is. */
static bool read_path(const char *text, const char *config_path, char **out, struct err *e)
{
	const char *slash = strrchr(config_path, '/');
	size_t dir_len = slash ? (size_t)(slash - config_path) + 1 : 0, len;

	if (!text)
		return true;
	if (*text == '/' || dir_len == 0)
		return yaml_file_copy(text, out, e);
	len = dir_len + strlen(text) + 1;
	*out = mem_new(len, 1, e);
	if (!*out)
		return false;
	snprintf(*out, len, "%.*s%s", (int)dir_len, config_path, text);
	return true;
}

/* A section without a key would be taken for encryption by whoever wrote it. */
static bool read_encryption(struct config *c, const struct raw_encryption *raw, const char *path,
			    struct yaml_file *f, struct err *e)
{
	if (!raw)
		return true;
	if ((raw->key_file != NULL) + (raw->key_command != NULL) != 1)
		return yaml_file_error(
			f, e, "encryption",
			"encryption: exactly one of key_file and key_command is given");
	if (raw->old_key_file && raw->old_key_command)
		return yaml_file_error(
			f, e, "encryption",
			"encryption: one of old_key_file and old_key_command is enough");
	return read_path(raw->key_file, path, &c->encryption.key_file, e) &&
	       read_path(raw->old_key_file, path, &c->encryption.old_key_file, e) &&
	       yaml_file_copy(raw->key_command, &c->encryption.key_command, e) &&
	       yaml_file_copy(raw->old_key_command, &c->encryption.old_key_command, e);
}

static bool read_config(struct config *c, const char *path, struct yaml_file *f, struct err *e)
{
	const struct raw_config *raw = f->data;

	if (!yaml_file_copy(raw->database, &c->database, e) ||
	    !read_archive(c, raw->archive, f, e) || !read_s3(c, raw->s3, f, e) ||
	    !read_segment(c, raw->segment, f, e) || !read_maintain(c, raw->maintain, f, e) ||
	    !read_heat(c, raw->heat, f, e) || !read_cost(c, raw->cost, f, e) ||
	    !read_tables(c, raw, f, e))
		return false;
	if (raw->cache &&
	    (!yaml_file_copy(raw->cache->dir, &c->cache.dir, e) ||
	     !yaml_file_bytes(f, "cache.max_bytes", raw->cache->max_bytes, &c->cache.max_bytes, e)))
		return false;
	if (raw->gc &&
	    (!yaml_file_duration(f, "gc.horizon", raw->gc->horizon, &c->gc.horizon_s, e) ||
	     !yaml_file_duration(f, "gc.pass_log", raw->gc->pass_log, &c->gc.pass_log_s, e)))
		return false;
	return read_encryption(c, raw->encryption, path, f, e) &&
	       read_path(raw->policy, path, &c->policy, e) &&
	       read_path(raw->prices, path, &c->prices, e);
}

bool config_load(struct config *c, const char *path, struct err *e)
{
	struct yaml_file f;
	bool ok;

	*c = (struct config){
		.s3 = { .upload_jobs = 4 },
		.cache = { .max_bytes = 10240 * MIB },
		.segment = { .target_bytes = 128 * MIB,
			     .max_rows = 262144,
			     .zstd_level = 3,
			     .text_dictionary = false },
		.gc = { .horizon_s = 30 * 86400, .pass_log_s = 90 * 86400 },
		.heat = { .half_life_s = 7 * 86400 },
		.maintain = { .concurrently = true,
			      .build_workers = -1,
			      .builds = 1,
			      .pause_ingest_rows = 1000,
			      .pause_replica_lag_bytes = 1024 * MIB,
			      .pause_at_most_s = 600 },
	};
	if (!path)
		return true;
	ok = yaml_file_load(&f, path, "the configuration", &schema, e) &&
	     read_config(c, path, &f, e);
	yaml_file_release(&f);
	if (!ok)
		config_release(c);
	return ok;
}

static void release_table(struct config_table *t)
{
	for (size_t i = 0; i < t->id_column_count; i++)
		free(t->id_columns[i]);
	free(t->id_columns);
	free(t->table);
	free(t->workspace_column);
	free(t->document_column);
	free(t->embedding_column);
	free(t->version_column);
	free(t->created_column);
	free(t->active_version.table);
	free(t->active_version.workspace_column);
	free(t->active_version.version_column);
	free(t->active_version.since_column);
	free(t->active_version.query);
	free(t->active_version.value);
	free(t->active_version.promote_statement);
}

void config_release(struct config *c)
{
	for (size_t i = 0; i < c->table_count; i++)
		release_table(&c->tables[i]);
	free(c->tables);
	free(c->database);
	free(c->archive);
	free(c->s3.endpoint);
	free(c->s3.region);
	free(c->s3.profile);
	free(c->s3.ca_file);
	free(c->s3.sse);
	free(c->s3.sse_kms_key_id);
	free(c->s3.sse_customer_key_file);
	free(c->cache.dir);
	free(c->maintain.work_mem);
	free(c->encryption.key_file);
	free(c->encryption.key_command);
	free(c->encryption.old_key_file);
	free(c->encryption.old_key_command);
	free(c->policy);
	free(c->prices);
	*c = (struct config){ 0 };
}
