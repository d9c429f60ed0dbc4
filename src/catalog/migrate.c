#include "catalog/migrate.h"

#include "sql.h"

/* Of the advisory lock, in its two-int form: "firn", and what it is for. */
#define MIGRATE_LOCK_CLASS 0x6669726e
#define MIGRATE_LOCK_KEY   0

int migrate_known_version(void)
{
	return sql_migration_count;
}

/* Looks at the schema without touching what is in it: to_regclass would fail on a schema one may not use. */
static bool look(struct pg *pg, bool *schema_out, bool *catalog_out, struct err *e)
{
	static const char sql[] =
		"SELECT n.oid IS NOT NULL, m.oid IS NOT NULL, "
		"EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid) OR "
		"EXISTS (SELECT 1 FROM pg_catalog.pg_proc p WHERE p.pronamespace = n.oid) OR "
		"EXISTS (SELECT 1 FROM pg_catalog.pg_type t WHERE t.typnamespace = n.oid) "
		"FROM (VALUES (1)) v LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = 'firn' "
		"LEFT JOIN pg_catalog.pg_class m ON m.relnamespace = n.oid AND m.relname = "
		"'migration' "
		"AND m.relkind = 'r'";
	struct pg_result *r = NULL;
	bool foreign;

	if (!pg_query(pg, sql, NULL, &r, e))
		return false;
	*schema_out = pg_bool(r, 0, 0);
	*catalog_out = pg_bool(r, 0, 1);
	foreign = !*catalog_out && pg_bool(r, 0, 2);
	pg_result_free(r);
	if (foreign) {
		err_set(e, ERR_CONFIG, "schema \"firn\" exists, but firn did not make it");
		return err_hint(e, "Rename that schema (ALTER SCHEMA firn RENAME TO ...), or use "
				   "another database.");
	}
	return true;
}

static bool read_version(struct pg *pg, bool *schema_out, int *version_out, struct err *e)
{
	struct pg_result *r = NULL;
	bool catalog;

	*version_out = 0;
	if (!look(pg, schema_out, &catalog, e))
		return false;
	if (!catalog)
		return true;
	if (!pg_query(pg, "SELECT coalesce(max(version), 0) FROM firn.migration", NULL, &r, e)) {
		if (e->code == ERR_DENIED)
			err_hint(e, "Run as the role that ran \"firn init\", or let that role "
				    "GRANT USAGE ON SCHEMA firn "
				    "and rights on its tables to this one.");
		return false;
	}
	*version_out = (int)pg_i64(r, 0, 0);
	pg_result_free(r);
	return true;
}

bool migrate_current_version(struct pg *pg, int *version_out, struct err *e)
{
	bool schema;

	if (!read_version(pg, &schema, version_out, e))
		return err_wrap(e, "could not read the catalog's version");
	return true;
}

static bool fail_newer(int version, struct err *e)
{
	err_set(e, ERR_CONFIG, "the catalog has version %d, this program knows %d", version,
		migrate_known_version());
	return err_hint(e, "Upgrade firn to the version that this database was upgraded with.");
}

static void hint_create(struct pg *pg, struct err *e)
{
	struct pg_result *r = NULL;
	struct err ignored = { 0 };

	if (!pg_query(pg,
		      "SELECT pg_catalog.quote_ident(current_user), "
		      "pg_catalog.quote_ident(pg_catalog.current_database())",
		      NULL, &r, &ignored))
		return;
	err_hint(e,
		 "Let the database's owner or an administrator run: GRANT CREATE ON DATABASE %s TO "
		 "%s;",
		 pg_text(r, 0, 1), pg_text(r, 0, 0));
	pg_result_free(r);
}

/* Applies the next migration, if there is one; *version_out is what the catalog has after that. */
static bool step(struct pg *pg, int *before_out, int *version_out, struct err *e)
{
	bool schema, denied = false;
	int version;

	if (!pg_begin(pg, NULL, e))
		return false;
	/* The lock is the transaction's, so that nothing is left to be undone when this process dies. */
	if (!pg_exec(pg, "SET LOCAL lock_timeout = '60s'", e) ||
	    !pg_execf(pg, e, "SELECT pg_catalog.pg_advisory_xact_lock(%d, %d)", MIGRATE_LOCK_CLASS,
		      MIGRATE_LOCK_KEY) ||
	    !read_version(pg, &schema, &version, e))
		goto fail;
	*before_out = version;
	if (version > migrate_known_version()) {
		fail_newer(version, e);
		goto fail;
	}
	if (version == migrate_known_version()) {
		*version_out = version;
		pg_rollback(pg);
		return true;
	}
	if (!schema && (!pg_exec(pg, "CREATE SCHEMA firn", e) ||
			!pg_exec(pg,
				 "COMMENT ON SCHEMA firn IS 'catalog of firn, tiered storage for "
				 "pgvector: do not edit "
				 "by hand'",
				 e))) {
		denied = e->code == ERR_DENIED;
		goto fail;
	}
	if (!pg_exec(pg, sql_migrations[version], e) ||
	    !pg_execf(pg, e, "INSERT INTO firn.migration (version) VALUES (%d)", version + 1))
		goto fail;
	if (!pg_commit(pg, e))
		goto fail;
	*version_out = version + 1;
	return true;
fail:
	pg_rollback(pg);
	if (denied)
		hint_create(pg, e);
	return false;
}

bool migrate_run(struct pg *pg, int *before_out, struct err *e)
{
	int before, version = 0;

	for (bool first = true; first || version < migrate_known_version(); first = false) {
		if (!step(pg, &before, &version, e))
			return err_wrap(e, "could not install the catalog");
		if (first && before_out)
			*before_out = before;
	}
	return true;
}

bool migrate_check(struct pg *pg, struct err *e)
{
	int version;

	if (!migrate_current_version(pg, &version, e))
		return false;
	if (version > migrate_known_version())
		return fail_newer(version, e);
	if (version == migrate_known_version())
		return true;
	if (version == 0)
		err_set(e, ERR_CONFIG, "database (%s) has no catalog of firn", pg_describe(pg));
	else
		err_set(e, ERR_CONFIG, "the catalog has version %d, this program needs %d", version,
			migrate_known_version());
	return err_hint(e, "Run \"firn init\" once.");
}
