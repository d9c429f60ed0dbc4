/* What is found in a table; what is refused is tried in test_table_checks.c. */
#include "catalog/table_info.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/table_fixture.h"

static const struct column *column_named(const struct table_info *t, const char *name)
{
	for (size_t i = 0; i < t->column_count; i++)
		if (str_eq(t->columns[i].name, name))
			return &t->columns[i];
	return NULL;
}

static void the_reference_schema_needs_no_configuration(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t = load_chunk(f->pg);

	assert_usable(t);
	assert_string_equal(t->label, "app.chunk");
	assert_string_equal(t->qualified, "\"app\".\"chunk\"");
	assert_false(t->partitioned);
	assert_true(t->workspace_in_leaf);
	assert_int_equal(t->column_count, 8);
	assert_int_equal(t->leaf_count, 1);
	assert_string_equal(t->leaves[0].label, "app.chunk");
	assert_ptr_equal(table_info_leaf(t, "app.chunk"), &t->leaves[0]);
	assert_null(table_info_leaf(t, "app.other"));
	assert_role(t, COLUMN_ID, "id");
	assert_role(t, COLUMN_WORKSPACE, "workspace_id");
	assert_role(t, COLUMN_DOCUMENT, "document_id");
	assert_role(t, COLUMN_EMBEDDING, "embedding");
	assert_role(t, COLUMN_VERSION, "embedding_version");
	assert_role(t, COLUMN_CREATED, "created_at");
	assert_string_equal(column_named(t, "embedding")->type_name, "vector");
	assert_string_equal(column_named(t, "embedding")->type_full, "public.vector(3)");
	assert_true(column_named(t, "id")->in_key);
	assert_false(column_named(t, "document_id")->in_key);
	assert_true(column_named(t, "workspace_id")->not_null);
	assert_int_equal(t->foreign_key_count, 1);
	assert_string_equal(t->foreign_keys[0].referenced, "\"app\".\"document\"");
	assert_int_equal(t->foreign_keys[0].column_count, 1);
	assert_string_equal(t->foreign_keys[0].columns[0], "document_id");
	assert_string_equal(t->foreign_keys[0].referenced_columns[0], "id");
	assert_int_equal(t->active.kind, ACTIVE_TABLE);
	assert_string_equal(t->active.table, "\"app\".\"workspace_index_state\"");
	assert_string_equal(t->active.workspace_column, "\"workspace_id\"");
	table_info_free(t);
}

static void the_reference_schema_can_be_hash_partitioned(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	sql(f->pg, "DROP TABLE app.chunk; CREATE TABLE app.chunk (id uuid, tenant text, embedding "
		   "public.vector(3), "
		   "embedding_version text, created_at timestamptz, PRIMARY KEY (tenant, id)) "
		   "PARTITION BY HASH (tenant)");
	for (int i = 0; i < 12; i++)
		sql(f->pg,
		    "CREATE TABLE app.chunk_p%d PARTITION OF app.chunk FOR VALUES WITH (MODULUS "
		    "12, REMAINDER %d)",
		    i, i);
	t = load_chunk(f->pg);
	assert_usable(t);
	assert_true(t->partitioned);
	assert_true(t->workspace_in_leaf);
	assert_int_equal(t->leaf_count, 12);
	assert_string_equal(t->leaves[2].label, "app.chunk_p2");
	assert_string_equal(t->leaves[10].label, "app.chunk_p10");
	assert_role(t, COLUMN_WORKSPACE, "tenant");
	assert_role(t, COLUMN_ID, "id");
	table_info_free(t);
}

static void the_hash_partition_key_is_the_workspace_whatever_its_name(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	sql(f->pg,
	    "DROP TABLE app.chunk; CREATE TABLE app.chunk (id int, org_id int, realm int, "
	    "embedding public.vector(3), PRIMARY KEY (realm, id)) PARTITION BY HASH (realm); "
	    "CREATE TABLE app.chunk_p0 PARTITION OF app.chunk FOR VALUES WITH (MODULUS 1, "
	    "REMAINDER 0)");
	t = load_chunk(f->pg);
	assert_role(t, COLUMN_WORKSPACE, "realm");
	table_info_free(t);
	/* But not where rows are spread by their own id. */
	sql(f->pg, "DROP TABLE app.chunk; CREATE TABLE app.chunk (id int PRIMARY KEY, org_id int, "
		   "embedding public.vector(3)) PARTITION BY HASH (id); "
		   "CREATE TABLE app.chunk_p0 PARTITION OF app.chunk FOR VALUES WITH (MODULUS 1, "
		   "REMAINDER 0)");
	t = load_chunk(f->pg);
	assert_usable(t);
	assert_role(t, COLUMN_WORKSPACE, "org_id");
	assert_false(t->workspace_in_leaf);
	table_info_free(t);
}

static void partitions_by_time_and_of_several_levels_are_accepted(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	sql(f->pg, "DROP TABLE app.chunk; CREATE TABLE app.chunk (id int, workspace_id text, "
		   "embedding public.vector(3), "
		   "created_at timestamptz, PRIMARY KEY (workspace_id, id, created_at)) PARTITION "
		   "BY RANGE (created_at); "
		   "CREATE TABLE app.chunk_old PARTITION OF app.chunk FOR VALUES FROM (MINVALUE) "
		   "TO ('2026-01-01') "
		   "PARTITION BY HASH (workspace_id); "
		   "CREATE TABLE app.chunk_old_0 PARTITION OF app.chunk_old FOR VALUES WITH "
		   "(MODULUS 2, REMAINDER 0); "
		   "CREATE TABLE app.chunk_old_1 PARTITION OF app.chunk_old FOR VALUES WITH "
		   "(MODULUS 2, REMAINDER 1); "
		   "CREATE TABLE app.chunk_new PARTITION OF app.chunk DEFAULT");
	t = load_chunk(f->pg);
	assert_usable(t);
	assert_int_equal(t->leaf_count, 3);
	assert_string_equal(t->leaves[0].label, "app.chunk_new");
	assert_string_equal(t->leaves[1].label, "app.chunk_old_0");
	assert_false(t->workspace_in_leaf);
	assert_role(t, COLUMN_CREATED, "created_at");
	assert_role(t, COLUMN_ID, "id");
	table_info_free(t);
	/* Two levels, both by workspace. */
	sql(f->pg, "DROP TABLE app.chunk; CREATE TABLE app.chunk (workspace_id text, id int, "
		   "embedding public.vector(3), "
		   "PRIMARY KEY (workspace_id, id)) PARTITION BY LIST (workspace_id); "
		   "CREATE TABLE app.chunk_big PARTITION OF app.chunk FOR VALUES IN ('big'); "
		   "CREATE TABLE app.chunk_rest PARTITION OF app.chunk DEFAULT PARTITION BY HASH "
		   "(workspace_id); "
		   "CREATE TABLE app.chunk_rest_0 PARTITION OF app.chunk_rest FOR VALUES WITH "
		   "(MODULUS 1, REMAINDER 0)");
	t = load_chunk(f->pg);
	assert_usable(t);
	assert_true(t->workspace_in_leaf);
	assert_int_equal(t->leaf_count, 2);
	table_info_free(t);
	/* A partitioned table that has none yet. */
	sql(f->pg, "DROP TABLE app.chunk_big, app.chunk_rest");
	t = load_chunk(f->pg);
	check_in(t, "partitioning", TABLE_CHECK_WARNING);
	assert_int_equal(t->leaf_count, 0);
	table_info_free(t);
}

static void names_of_any_kind_are_found(void **state)
{
	static const char *const spellings[] = { "\"Odd Schema\".\"Weird Ta.ble\"",
						 "Odd Schema.\"Weird Ta.ble\"", NULL };
	struct pg_fixture *f = *state;
	struct table_info *t;

	sql(f->pg,
	    "DROP SCHEMA IF EXISTS \"Odd Schema\" CASCADE; CREATE SCHEMA \"Odd Schema\"; "
	    "CREATE TABLE \"Odd Schema\".\"Weird Ta.ble\" (\"Co\"\"l\" bigint PRIMARY KEY, "
	    "\"workspaceId\" int, "
	    "\"documentId\" text, \"Vec Tor\" public.vector, \"embeddingVersion\" varchar(10), "
	    "\"createdAt\" timestamp)");
	for (size_t i = 0; spellings[i]; i++) {
		t = must_load(f->pg, &(struct table_wanted){ .table = spellings[i] });
		assert_usable(t);
		assert_string_equal(t->qualified, "\"Odd Schema\".\"Weird Ta.ble\"");
		assert_role(t, COLUMN_ID, "Co\"l");
		assert_role(t, COLUMN_WORKSPACE, "workspaceId");
		assert_role(t, COLUMN_DOCUMENT, "documentId");
		assert_role(t, COLUMN_EMBEDDING, "Vec Tor");
		assert_role(t, COLUMN_VERSION, "embeddingVersion");
		assert_role(t, COLUMN_CREATED, "createdAt");
		assert_string_equal(column_named(t, "Vec Tor")->type_full, "public.vector");
		assert_string_equal(column_named(t, "embeddingVersion")->type_full,
				    "character varying(10)");
		table_info_free(t);
	}
	sql(f->pg, "DROP SCHEMA \"Odd Schema\" CASCADE");
}

static void unquoted_names_fold_as_in_sql_unless_only_the_spelling_exists(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	t = must_load(f->pg, &(struct table_wanted){ .table = "APP.Chunk" });
	assert_string_equal(t->label, "app.chunk");
	table_info_free(t);
	sql(f->pg, "CREATE TABLE app.\"Chunk\" (LIKE app.chunk)");
	t = must_load(f->pg, &(struct table_wanted){ .table = "app.Chunk" });
	assert_string_equal(t->label, "app.chunk");
	table_info_free(t);
	t = must_load(f->pg, &(struct table_wanted){ .table = "app.\"Chunk\"" });
	assert_string_equal(t->label, "app.Chunk");
	table_info_free(t);
	sql(f->pg, "DROP TABLE app.chunk");
	t = must_load(f->pg, &(struct table_wanted){ .table = "app.Chunk" });
	assert_string_equal(t->label, "app.Chunk");
	table_info_free(t);
}

static void bare_names_are_looked_up_where_the_role_looks(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;
	struct pg *other;

	sql(f->pg, "CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.chunk (LIKE app.chunk)");
	sql(f->pg, "ALTER DATABASE %s SET search_path = elsewhere, app", f->database);
	other = must_connect(f->conninfo);
	t = must_load(other, &(struct table_wanted){ .table = "chunk" });
	assert_string_equal(t->label, "elsewhere.chunk");
	/* The default table of active versions is found by the path, too: there is none beside this one. */
	assert_int_equal(t->active.kind, ACTIVE_TABLE);
	assert_string_equal(t->active.table, "\"app\".\"workspace_index_state\"");
	table_info_free(t);
	pg_close(other);
	sql(f->pg, "ALTER DATABASE %s RESET search_path", f->database);
}

static void a_missing_table_is_answered_with_what_there_is(void **state)
{
	static const char *const bad[] = { "",      "app.",   ".chunk",     "a.b.c",
					   "\"app", "\"\".x", "app..chunk", NULL };
	struct pg_fixture *f = *state;
	struct err e = { 0 };

	assert_null(table_info_load(f->pg, &(struct table_wanted){ .table = "app.nothing" }, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_contains(e.hint, "app.chunk");
	assert_null(
		table_info_load(f->pg, &(struct table_wanted){ .table = "elsewhere.chunk" }, &e));
	assert_contains(e.hint, "app.chunk");
	for (size_t i = 0; bad[i]; i++) {
		assert_null(table_info_load(f->pg, &(struct table_wanted){ .table = bad[i] }, &e));
		assert_int_equal(e.code, ERR_CONFIG);
	}
	assert_null(table_info_load(f->pg, &(struct table_wanted){ 0 }, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_false(pg_in_transaction(f->pg));
}

static void composite_keys_name_the_chunk_by_what_is_left(void **state)
{
	static const struct {
		const char *columns, *key, *ids, *document, *version;
	} cases[] = {
		{ "", "workspace_id, id", "id", "document_id", "embedding_version" },
		{ "", "id, embedding_version", "id", "document_id", "embedding_version" },
		{ "", "document_id, n", "n", "document_id", "embedding_version" },
		{ "", "id, n, workspace_id", "id,n", "document_id", "embedding_version" },
		{ "", "document_id", "document_id", NULL, "embedding_version" },
		{ "", "workspace_id, document_id, embedding_version", "document_id", NULL,
		  "embedding_version" },
	};
	struct pg_fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct table_info *t;
		char ids[256] = "";

		sql(f->pg,
		    "DROP TABLE app.chunk; CREATE TABLE app.chunk (id int, n int, document_id "
		    "text, "
		    "workspace_id text, embedding_version text, embedding public.halfvec(3), "
		    "PRIMARY KEY (%s))",
		    cases[i].key);
		t = load_chunk(f->pg);
		assert_usable(t);
		for (size_t k = 0; k < t->column_count; k++)
			if (t->columns[k].role == COLUMN_ID) {
				size_t n = strlen(ids);

				snprintf(ids + n, sizeof(ids) - n, "%s%s", n ? "," : "",
					 t->columns[k].name);
			}
		assert_string_equal(ids, cases[i].ids);
		assert_role(t, COLUMN_DOCUMENT, cases[i].document);
		assert_role(t, COLUMN_VERSION, cases[i].version);
		table_info_free(t);
	}
}

static void a_unique_index_stands_in_for_a_primary_key(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	sql(f->pg, "ALTER TABLE app.chunk DROP CONSTRAINT chunk_pkey; ALTER TABLE app.chunk ALTER "
		   "chunk_index SET NOT NULL; "
		   "CREATE UNIQUE INDEX ON app.chunk (workspace_id, chunk_index)");
	t = load_chunk(f->pg);
	assert_usable(t);
	assert_true(column_named(t, "chunk_index")->in_key);
	assert_false(column_named(t, "id")->in_key);
	assert_role(t, COLUMN_ID, "chunk_index");
	assert_contains(check_in(t, "primary-key", TABLE_CHECK_OK)->message, "unique index");
	table_info_free(t);
}

static void dropped_and_generated_columns_are_left_out(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	sql(f->pg, "ALTER TABLE app.chunk DROP COLUMN chunk_index; "
		   "ALTER TABLE app.chunk ADD words tsvector GENERATED ALWAYS AS "
		   "(to_tsvector('english', chunk_text)) STORED; "
		   "ALTER TABLE app.chunk ADD serial bigint GENERATED ALWAYS AS IDENTITY");
	t = load_chunk(f->pg);
	assert_usable(t);
	assert_int_equal(t->column_count, 8);
	assert_null(column_named(t, "words"));
	assert_non_null(column_named(t, "serial"));
	assert_true(t->identity_always);
	table_info_free(t);
}

static void documents_are_found_by_foreign_key(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	sql(f->pg,
	    "ALTER TABLE app.chunk RENAME document_id TO source; "
	    "ALTER TABLE app.document ADD UNIQUE (workspace_id, id); "
	    "ALTER TABLE app.chunk ADD CONSTRAINT both_of_it FOREIGN KEY (workspace_id, source) "
	    "REFERENCES app.document (workspace_id, id)");
	t = load_chunk(f->pg);
	assert_role(t, COLUMN_DOCUMENT, "source");
	assert_role(t, COLUMN_WORKSPACE, "workspace_id");
	assert_int_equal(t->foreign_key_count, 2);
	assert_string_equal(t->foreign_keys[0].name, "both_of_it");
	assert_int_equal(t->foreign_keys[0].column_count, 2);
	assert_string_equal(t->foreign_keys[0].columns[1], "source");
	assert_string_equal(t->foreign_keys[0].referenced_columns[1], "id");
	table_info_free(t);
}

static void what_the_configuration_says_goes_before_what_is_found(void **state)
{
	char *ids[] = { "chunk_index", "id" };
	struct pg_fixture *f = *state;
	struct table_info *t;
	size_t count = 0;

	sql(f->pg, "ALTER TABLE app.chunk ADD other public.vector(2), ADD realm text, ADD model "
		   "int, ADD paper text, "
		   "ADD born timestamptz");
	t = must_load(f->pg, &(struct table_wanted){ .table = "app.chunk",
						     .id_columns = ids,
						     .id_column_count = 2,
						     .workspace_column = "realm",
						     .document_column = "paper",
						     .embedding_column = "other",
						     .version_column = "model",
						     .created_column = "born" });
	assert_usable(t);
	assert_role(t, COLUMN_WORKSPACE, "realm");
	assert_role(t, COLUMN_DOCUMENT, "paper");
	assert_role(t, COLUMN_EMBEDDING, "other");
	assert_role(t, COLUMN_VERSION, "model");
	assert_role(t, COLUMN_CREATED, "born");
	for (size_t i = 0; i < t->column_count; i++)
		count += t->columns[i].role == COLUMN_ID;
	assert_int_equal(count, 2);
	table_info_free(t);
}

static void configured_columns_must_be_there(void **state)
{
	char *ids[] = { "nr" };
	struct pg_fixture *f = *state;
	struct err e = { 0 };

	sql(f->pg, "ALTER TABLE app.chunk ADD made text GENERATED ALWAYS AS ('v' || "
		   "chunk_index::text) STORED");
	assert_null(table_info_load(
		f->pg, &(struct table_wanted){ .table = "app.chunk", .version_column = "v" }, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_contains(e.message, "columns.version");
	assert_contains(e.hint, "\"embedding_version\"");
	assert_null(table_info_load(
		f->pg, &(struct table_wanted){ .table = "app.chunk", .version_column = "made" },
		&e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_contains(e.message, "generated");
	assert_null(table_info_load(f->pg,
				    &(struct table_wanted){ .table = "app.chunk",
							    .id_columns = ids,
							    .id_column_count = 1 },
				    &e));
	assert_contains(e.message, "\"nr\"");
	assert_null(table_info_load(f->pg,
				    &(struct table_wanted){ .table = "app.chunk",
							    .workspace_column = "id",
							    .document_column = "id" },
				    &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_contains(e.message, "twice");
}

static void absent_roles_are_warned_of_by_what_they_cost(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	sql(f->pg, "ALTER TABLE app.chunk DROP document_id, DROP embedding_version, DROP "
		   "created_at, ADD version int");
	t = load_chunk(f->pg);
	assert_usable(t);
	assert_contains(check_in(t, "document-column", TABLE_CHECK_WARNING)->hint,
			"columns.document");
	/* A number of that name counts edits. */
	assert_contains(check_in(t, "version-column", TABLE_CHECK_WARNING)->hint,
			"columns.version");
	assert_contains(check_in(t, "created-column", TABLE_CHECK_WARNING)->hint,
			"columns.created");
	table_info_free(t);
}

static void stored_columns_match_by_name_and_full_type(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t = load_chunk(f->pg);
	struct column stored = *column_named(t, "embedding");
	struct err e = { 0 };
	bool missing = true;

	assert_true(table_info_match_column(t, &stored, &missing, &e));
	assert_false(missing);
	snprintf(stored.type_full, sizeof(stored.type_full), "public.vector(4)");
	assert_false(table_info_match_column(t, &stored, &missing, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_contains(e.hint, "public.vector(4)");
	snprintf(stored.name, sizeof(stored.name), "gone");
	assert_true(table_info_match_column(t, &stored, &missing, &e));
	assert_true(missing);
	table_info_free(t);
}

static void rows_are_estimated_from_statistics(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	sql(f->pg, "INSERT INTO app.chunk (workspace_id) SELECT 'w' FROM generate_series(1, 100)");
	sql(f->pg, "ANALYZE app.chunk");
	t = load_chunk(f->pg);
	assert_int_equal(t->rows_estimate, 100);
	table_info_free(t);
}

/* ---- the active version ---- */

static void assert_active(struct pg *pg, const struct table_info *t, const char *expected)
{
	char *query = NULL;

	assert_non_null(t->active.select);
	assert_true(asprintf(&query,
			     "SELECT string_agg(concat_ws('|', workspace, version, since::text, "
			     "coalesce(target, '-')), ', ' "
			     "ORDER BY workspace) FROM (%s) s",
			     t->active.select) >= 0);
	assert_value(pg, query, expected);
	free(query);
}

static void the_active_version_comes_from_a_table(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;
	struct err e = { 0 };

	sql(f->pg,
	    "INSERT INTO app.workspace_index_state VALUES ('a', 'v2', 'v3'), ('b', 'v1', NULL)");
	t = load_chunk(f->pg);
	assert_active(f->pg, t, "a|v2|v3, b|v1|-");
	table_info_free(t);
	sql(f->pg, "ALTER TABLE app.workspace_index_state ADD updated_at timestamptz DEFAULT "
		   "'2026-01-02 00:00Z'");
	t = load_chunk(f->pg);
	assert_active(f->pg, t, "a|v2|2026-01-02 00:00:00+00|v3, b|v1|2026-01-02 00:00:00+00|-");
	table_info_free(t);

	sql(f->pg, "CREATE TABLE app.\"Live Models\" (who text, what int, \"at\" timestamptz, "
		   "since timestamptz); "
		   "INSERT INTO app.\"Live Models\" VALUES ('a', 7, '2026-02-03 00:00Z', NULL)");
	t = must_load(f->pg, &(struct table_wanted){ .table = "app.chunk",
						     .active_table = "\"Live Models\"",
						     .active_workspace_column = "who",
						     .active_version_column = "what",
						     .active_since_column = "at" });
	assert_usable(t);
	assert_active(f->pg, t, "a|7|2026-02-03 00:00:00+00|-");
	assert_string_equal(t->active.workspace_column, "\"who\"");
	table_info_free(t);

	assert_null(table_info_load(
		f->pg, &(struct table_wanted){ .table = "app.chunk", .active_table = "app.none" },
		&e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_null(table_info_load(f->pg,
				    &(struct table_wanted){ .table = "app.chunk",
							    .active_table = "\"Live Models\"",
							    .active_version_column = "which" },
				    &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_contains(e.hint, "what");
	assert_null(table_info_load(f->pg,
				    &(struct table_wanted){ .table = "app.chunk",
							    .active_since_column = "index_epoch" },
				    &e));
	assert_int_equal(e.code, ERR_CONFIG);
	t = must_load(f->pg, &(struct table_wanted){ .table = "app.chunk",
						     .active_table = "app.\"Live Models\"" });
	assert_only_refused(t, "active-version", ERR_CONFIG, "no column",
			    "active_version.version_column");
	table_info_free(t);
}

static void the_active_version_comes_from_a_view(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	sql(f->pg, "INSERT INTO app.workspace_index_state VALUES ('a', 'v2', 'v3'); "
		   "CREATE VIEW app.live AS SELECT workspace_id, max(active_embedding_version) AS "
		   "active_version "
		   "FROM app.workspace_index_state GROUP BY 1");
	t = must_load(f->pg,
		      &(struct table_wanted){ .table = "app.chunk", .active_table = "app.live" });
	assert_usable(t);
	assert_int_equal(t->active.kind, ACTIVE_QUERY);
	assert_active(f->pg, t, "a|v2|-");
	table_info_free(t);
}

static void the_active_version_comes_from_a_query_under_the_roles_own_path(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;
	struct pg *other;

	sql(f->pg, "INSERT INTO app.workspace_index_state VALUES ('a', 'v2', 'v3'); "
		   "CREATE FUNCTION app.say(text) RETURNS text LANGUAGE sql RETURN $1 || '!'");
	sql(f->pg, "ALTER DATABASE %s SET search_path = app, public", f->database);
	other = must_connect(f->conninfo);
	t = must_load(other,
		      &(struct table_wanted){
			      .table = "chunk",
			      .active_query = "SELECT workspace_id, say(active_embedding_version) "
					      "FROM workspace_index_state -- all of them\n ; \n" });
	assert_usable(t);
	assert_int_equal(t->active.kind, ACTIVE_QUERY);
	assert_contains(t->active.select, "app.workspace_index_state");
	assert_active(other, t, "a|v2!|-");
	/* A connection with another path reads the same. */
	assert_active(f->pg, t, "a|v2!|-");
	table_info_free(t);
	t = must_load(
		other,
		&(struct table_wanted){
			.table = "chunk",
			.active_query = "VALUES ('x', 1, '2026-01-02 00:00Z'::timestamptz, 2)" });
	assert_usable(t);
	assert_active(other, t, "x|1|2026-01-02 00:00:00+00|2");
	table_info_free(t);
	assert_value(other, "SELECT count(*) FROM pg_class WHERE relname = 'firn_active_query'",
		     "0");
	pg_close(other);
	sql(f->pg, "ALTER DATABASE %s RESET search_path", f->database);
}

static void queries_that_cannot_serve_are_refused(void **state)
{
	static const char *const bad[] = {
		"SELECT workspace_id FROM app.workspace_index_state",
		"SELECT workspace_id, active_embedding_version, index_epoch FROM "
		"app.workspace_index_state",
		"SELECT nothing FROM app.workspace_index_state",
		"SELECT 'a', 'b'; DROP TABLE app.chunk",
		"DELETE FROM app.chunk RETURNING workspace_id, embedding_version",
		"WITH d AS (DELETE FROM app.chunk RETURNING 1) SELECT 'a', 'b' FROM d",
		"SELECT $1, $2",
		"not SQL",
		"",
		NULL,
	};
	struct pg_fixture *f = *state;

	for (size_t i = 0; bad[i]; i++) {
		struct table_info *t =
			must_load(f->pg, &(struct table_wanted){ .table = "app.chunk",
								 .active_query = bad[i] });

		assert_only_refused(t, "active-version", ERR_CONFIG, "query", "");
		assert_int_equal(t->active.kind, ACTIVE_NONE);
		assert_null(t->active.select);
		table_info_free(t);
	}
	assert_value(f->pg, "SELECT to_regclass('app.chunk') IS NOT NULL", "t");
}

static void the_active_version_is_one_value(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;
	struct err e = { 0 };

	t = must_load(f->pg, &(struct table_wanted){ .table = "app.chunk", .active_value = "v7" });
	assert_usable(t);
	assert_int_equal(t->active.kind, ACTIVE_VALUE);
	assert_string_equal(t->active.value, "v7");
	assert_null(t->active.select);
	table_info_free(t);
	assert_null(table_info_load(f->pg,
				    &(struct table_wanted){ .table = "app.chunk",
							    .active_value = "v7",
							    .active_query = "SELECT 1, 2" },
				    &e));
	assert_int_equal(e.code, ERR_CONFIG);
}

static void a_table_without_the_columns_that_were_wanted_is_told_what_it_has(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	sql(f->pg, "CREATE TABLE app.tenant_settings (workspace_id text, model_in_use text)");
	t = must_load(f->pg, &(struct table_wanted){ .table = "app.chunk",
						     .active_table = "app.tenant_settings" });
	assert_only_refused(t, "active-version", ERR_CONFIG,
			    "found no column for the active version",
			    "active_version.version_column. The table has: \"workspace_id\", "
			    "\"model_in_use\".");
	table_info_free(t);
}

static void without_an_active_version_there_is_a_warning(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	sql(f->pg, "ALTER TABLE app.workspace_index_state DROP active_embedding_version");
	t = load_chunk(f->pg);
	assert_usable(t);
	assert_int_equal(t->active.kind, ACTIVE_NONE);
	check_in(t, "active-version", TABLE_CHECK_WARNING);
	table_info_free(t);
	sql(f->pg, "DROP TABLE app.workspace_index_state");
	t = load_chunk(f->pg);
	assert_usable(t);
	assert_contains(check_in(t, "active-version", TABLE_CHECK_WARNING)->hint, "active_version");
	table_info_free(t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, table_setup)
	const struct CMUnitTest tests[] = {
		TEST(the_reference_schema_needs_no_configuration),
		TEST(the_reference_schema_can_be_hash_partitioned),
		TEST(the_hash_partition_key_is_the_workspace_whatever_its_name),
		TEST(partitions_by_time_and_of_several_levels_are_accepted),
		TEST(names_of_any_kind_are_found),
		TEST(unquoted_names_fold_as_in_sql_unless_only_the_spelling_exists),
		TEST(bare_names_are_looked_up_where_the_role_looks),
		TEST(a_missing_table_is_answered_with_what_there_is),
		TEST(composite_keys_name_the_chunk_by_what_is_left),
		TEST(a_unique_index_stands_in_for_a_primary_key),
		TEST(dropped_and_generated_columns_are_left_out),
		TEST(documents_are_found_by_foreign_key),
		TEST(what_the_configuration_says_goes_before_what_is_found),
		TEST(configured_columns_must_be_there),
		TEST(absent_roles_are_warned_of_by_what_they_cost),
		TEST(stored_columns_match_by_name_and_full_type),
		TEST(rows_are_estimated_from_statistics),
		TEST(the_active_version_comes_from_a_table),
		TEST(the_active_version_comes_from_a_view),
		TEST(the_active_version_comes_from_a_query_under_the_roles_own_path),
		TEST(queries_that_cannot_serve_are_refused),
		TEST(the_active_version_is_one_value),
		TEST(a_table_without_the_columns_that_were_wanted_is_told_what_it_has),
		TEST(without_an_active_version_there_is_a_warning),
	};

	return cmocka_run_group_tests(tests, table_group_setup, pg_fixture_teardown);
}
