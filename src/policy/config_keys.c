#include "policy/config_keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "policy/yaml_file.h"

#define KEY(name, kind, member)                                       \
	{                                                             \
		name, kind, offsetof(struct config, member), false, 0 \
	}
#define KEY_OR(name, kind, member, none)                                \
	{                                                               \
		name, kind, offsetof(struct config, member), true, none \
	}
#define TABLE_KEY(name, kind, member)                                                   \
	{                                                                               \
		"tables[]." name, kind, offsetof(struct config_table, member), false, 0 \
	}

const struct config_key config_keys[] = {
	KEY("database", CONFIG_TEXT, database),
	KEY("archive", CONFIG_TEXT, archive),
	KEY("s3.endpoint", CONFIG_TEXT, s3.endpoint),
	KEY("s3.region", CONFIG_TEXT, s3.region),
	KEY("s3.profile", CONFIG_TEXT, s3.profile),
	KEY("s3.ca_file", CONFIG_TEXT, s3.ca_file),
	KEY("s3.path_style", CONFIG_BOOL, s3.path_style),
	KEY("s3.object_tags", CONFIG_BOOL, s3.object_tags),
	KEY("s3.upload_jobs", CONFIG_I64, s3.upload_jobs),
	KEY_OR("s3.resend_percent", CONFIG_I64, s3.resend_percent, 0),
	KEY("s3.sse", CONFIG_TEXT, s3.sse),
	KEY("s3.sse_kms_key_id", CONFIG_TEXT, s3.sse_kms_key_id),
	KEY("s3.sse_customer_key_file", CONFIG_TEXT, s3.sse_customer_key_file),
	KEY("cache.dir", CONFIG_TEXT, cache.dir),
	KEY("cache.max_bytes", CONFIG_BYTES, cache.max_bytes),
	KEY("segment.target_bytes", CONFIG_BYTES, segment.target_bytes),
	KEY("segment.max_rows", CONFIG_U32, segment.max_rows),
	KEY("segment.zstd_level", CONFIG_INT, segment.zstd_level),
	KEY("segment.text_dictionary", CONFIG_BOOL, segment.text_dictionary),
	KEY("encryption.key_file", CONFIG_TEXT, encryption.key_file),
	KEY("encryption.key_command", CONFIG_TEXT, encryption.key_command),
	KEY("encryption.old_key_file", CONFIG_TEXT, encryption.old_key_file),
	KEY("encryption.old_key_command", CONFIG_TEXT, encryption.old_key_command),
	KEY("heat.half_life", CONFIG_DURATION, heat.half_life_s),
	KEY("cost.replicas", CONFIG_I64, cost.replicas),
	KEY("cost.wal_percent", CONFIG_I64, cost.wal_percent),
	KEY("cost.index_memory_percent", CONFIG_I64, cost.index_memory_percent),
	KEY("cost.egress_percent", CONFIG_I64, cost.egress_percent),
	KEY("gc.horizon", CONFIG_DURATION, gc.horizon_s),
	KEY("gc.pass_log", CONFIG_DURATION, gc.pass_log_s),
	KEY("maintain.concurrently", CONFIG_BOOL, maintain.concurrently),
	KEY("maintain.work_mem", CONFIG_TEXT, maintain.work_mem),
	KEY_OR("maintain.build_memory", CONFIG_BYTES, maintain.build_memory_bytes, 0),
	KEY_OR("maintain.build_workers", CONFIG_I64, maintain.build_workers, -1),
	KEY_OR("maintain.disk_free_bytes", CONFIG_BYTES, maintain.disk_free_bytes, 0),
	KEY("maintain.builds", CONFIG_I64, maintain.builds),
	KEY("maintain.pause_ingest_rows", CONFIG_I64, maintain.pause_ingest_rows),
	KEY("maintain.pause_replica_lag", CONFIG_BYTES, maintain.pause_replica_lag_bytes),
	KEY("maintain.pause_at_most", CONFIG_DURATION, maintain.pause_at_most_s),
	KEY("policy", CONFIG_TEXT, policy),
	KEY("prices", CONFIG_TEXT, prices),
	/* Those of tables last: they are shown once for each. */
	TABLE_KEY("table", CONFIG_TEXT, table),
	TABLE_KEY("columns.id", CONFIG_LIST, id_columns),
	TABLE_KEY("columns.workspace", CONFIG_TEXT, workspace_column),
	TABLE_KEY("columns.document", CONFIG_TEXT, document_column),
	TABLE_KEY("columns.embedding", CONFIG_TEXT, embedding_column),
	TABLE_KEY("columns.version", CONFIG_TEXT, version_column),
	TABLE_KEY("columns.created", CONFIG_TEXT, created_column),
	TABLE_KEY("active_version.table", CONFIG_TEXT, active_version.table),
	TABLE_KEY("active_version.workspace_column", CONFIG_TEXT, active_version.workspace_column),
	TABLE_KEY("active_version.version_column", CONFIG_TEXT, active_version.version_column),
	TABLE_KEY("active_version.since_column", CONFIG_TEXT, active_version.since_column),
	TABLE_KEY("active_version.query", CONFIG_TEXT, active_version.query),
	TABLE_KEY("active_version.value", CONFIG_TEXT, active_version.value),
	TABLE_KEY("active_version.promote_statement", CONFIG_TEXT,
		  active_version.promote_statement),
	{ 0 },
};

_Static_assert(offsetof(struct config_table, id_column_count) ==
		       offsetof(struct config_table, id_columns) + sizeof(char **),
	       "CONFIG_LIST has its count behind it");

struct unit {
	const char *name;
	uint64_t factor;
};

/* In the largest unit of which it is a whole number; the last one is 1. */
static void put_units(struct buf *b, uint64_t n, const struct unit *units)
{
	if (n == 0) {
		buf_add_str(b, "0");
		return;
	}
	while (n % units->factor != 0)
		units++;
	buf_printf(b, "%" PRIu64 "%s", n / units->factor, units->name);
}

static void put_number(struct buf *b, const struct config_key *k, int64_t n)
{
	static const struct unit bytes[] = { { "TiB", 1ull << 40 },
					     { "GiB", 1ull << 30 },
					     { "MiB", 1ull << 20 },
					     { "KiB", 1ull << 10 },
					     { "", 1 } };
	static const struct unit seconds[] = {
		{ "d", 86400 }, { "h", 3600 }, { "min", 60 }, { "s", 1 }
	};

	if (k->has_unset && n == k->unset)
		return;
	if (k->kind == CONFIG_BYTES)
		put_units(b, (uint64_t)n, bytes);
	else if (k->kind == CONFIG_DURATION)
		put_units(b, (uint64_t)n, seconds);
	else
		buf_printf(b, "%" PRId64, n);
}

/* Nothing for a value that is not given. */
static void put_value(struct buf *b, const struct config_key *k, const void *member)
{
	char *const *list;
	size_t count;

	switch (k->kind) {
	case CONFIG_TEXT:
		if (*(char *const *)member)
			buf_add_str(b, *(char *const *)member);
		break;
	case CONFIG_LIST:
		list = *(char *const *const *)member;
		count = *(const size_t *)((const char *)member + sizeof(char **));
		for (size_t i = 0; i < count; i++)
			buf_printf(b, "%s%s", i ? ", " : "", list[i]);
		break;
	case CONFIG_BOOL:
		buf_add_str(b, *(const bool *)member ? "true" : "false");
		break;
	case CONFIG_U32:
		put_number(b, k, *(const uint32_t *)member);
		break;
	case CONFIG_INT:
		put_number(b, k, *(const int *)member);
		break;
	case CONFIG_I64:
	case CONFIG_BYTES:
	case CONFIG_DURATION:
		put_number(b, k, *(const int64_t *)member);
		break;
	}
}

static bool add(struct config_values *out, const struct config_key *k, const void *base,
		const char *name, struct yaml_file *f, struct err *e)
{
	struct config_value *v;
	struct buf text = BUF_INIT;

	if (!mem_grow((void **)&out->items, &out->capacity, out->count + 1, sizeof(*out->items), e))
		return false;
	v = &out->items[out->count];
	*v = (struct config_value){ 0 };
	snprintf(v->key, sizeof(v->key), "%s", name);
	if (f && yaml_file_has(f, name))
		v->line = yaml_file_line(f, name);
	put_value(&text, k, (const char *)base + k->offset);
	if (text.len > 0) {
		v->value = buf_take(&text, e);
		if (!v->value)
			return false;
	}
	buf_release(&text);
	out->count++;
	return true;
}

bool config_describe(const struct config *c, const char *path, struct config_values *out,
		     struct err *e)
{
	const struct config_key *k = config_keys, *of_tables;
	struct yaml_file f;
	bool ok = !path || yaml_file_load(&f, path, "the configuration", config_schema(), e);

	*out = (struct config_values){ 0 };
	for (; ok && k->name && !str_starts_with(k->name, "tables[]"); k++)
		ok = add(out, k, c, k->name, path ? &f : NULL, e);
	of_tables = k;
	for (size_t i = 0; ok && i < c->table_count; i++)
		for (k = of_tables; ok && k->name; k++) {
			char name[CONFIG_KEY_MAX];

			snprintf(name, sizeof(name), "tables[%zu]%s", i,
				 k->name + strlen("tables[]"));
			ok = add(out, k, &c->tables[i], name, path ? &f : NULL, e);
		}
	if (path)
		yaml_file_release(&f);
	return ok;
}

void config_values_release(struct config_values *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->items[i].value);
	free(v->items);
	*v = (struct config_values){ 0 };
}
