/* What firn knows of a managed table: found in Postgres's own catalogs, by name and type where not told. */
#ifndef CATALOG_TABLE_INFO_H
#define CATALOG_TABLE_INFO_H

#include "base/row.h"
#include "catalog/pg.h"

/* What the configuration says; every NULL or 0 is to be found. Borrowed strings. */
struct table_wanted {
	const char *table; /* "schema.table" or "table" (looked up in the role's own search_path) */
	char *const *id_columns;
	size_t id_column_count;
	const char *workspace_column, *document_column, *embedding_column, *version_column,
		*created_column;
	/* Where the active version of a workspace is found: at most one of table, query, value. None: a table
	 * workspace_index_state in the table's schema or the search_path, if there is one. */
	const char *active_table, *active_workspace_column, *active_version_column,
		*active_since_column;
	const char *active_query, *active_value;
	const char *promote_statement; /* see active_source */
};

struct leaf {
	uint32_t oid;
	char *schema, *name;
	char *qualified; /* quoted, for SQL */
	char *label;     /* schema.name, for people and the catalog */
};

/* A foreign key of the managed table (to its documents): rows can only come back while it holds. */
struct foreign_key {
	char *name;
	char *referenced; /* quoted qualified name */
	char *referenced_label;
	size_t column_count;
	char **columns, **referenced_columns; /* plain names */
};

enum active_kind {
	ACTIVE_NONE,
	ACTIVE_TABLE,
	ACTIVE_QUERY,
	ACTIVE_VALUE
};

struct active_source {
	enum active_kind kind;
	/* SELECT giving workspace text, version text, since timestamptz, target text (a version that is being built,
	 * never superseded), schema-qualified, without parameters; since NULL: firn's own record decides.
	 * ACTIVE_VALUE: NULL, see value. */
	char *select;
	/* ACTIVE_TABLE: quoted qualified name and quoted workspace column, for SELECT ... FOR SHARE. A view becomes
	 * ACTIVE_QUERY, for its rows cannot be locked. */
	char *table, *workspace_column;
	/* ACTIVE_TABLE: the quoted columns that a flip writes; all but version_column NULL where there is none. */
	char *version_column, *since_column, *epoch_column;
	char *value;
	/* The operator's statement that makes version $2 active for workspace $1; NULL: the table's columns are updated. */
	char *promote_statement;
};

enum table_check_state {
	TABLE_CHECK_OK,
	TABLE_CHECK_WARNING,
	TABLE_CHECK_REFUSED
};

struct table_check {
	enum table_check_state state;
	enum err_code code; /* of a refused one: ERR_CONFIG or ERR_DENIED */
	/* stable: "table", "partitioning", "primary-key", "workspace-column", "embedding-column", "document-column",
	 * "version-column", "created-column", "active-version", "referencing-keys", "delete-triggers", "insert-triggers",
	 * "rules", "row-security", "privileges", "maintenance-rights", "unlogged", "publications", "replica-identity",
	 * "pgvector". Where "table" is refused nothing else was looked at. */
	char name[64];
	char *message, *hint; /* hint may be NULL */
};

struct table_info {
	uint32_t oid;
	char *schema, *name;
	char *qualified; /* quoted, for SQL */
	char *label;     /* schema.name */
	bool partitioned;
	bool workspace_in_leaf; /* rows of a workspace are all in one leaf: hash key is the workspace, or table is plain */
	struct column *columns; /* stored, not generated, not dropped; attnum order of the root */
	size_t column_count;
	bool identity_always; /* a column is GENERATED ALWAYS AS IDENTITY */
	bool insert_triggers; /* user triggers FOR EACH ROW BEFORE INSERT, on the root or a leaf, may alter rows */
	struct leaf *leaves;
	size_t leaf_count;
	struct foreign_key *foreign_keys;
	size_t foreign_key_count;
	struct active_source active;
	int64_t rows_estimate;
	struct table_check *checks;
	size_t check_count;
};

/* Looks everything up and judges it, in a transaction of its own that is rolled back; refused checks do not make it
 * fail (see table_info_usable), a missing table or a column name of the configuration that does not exist does
 * (ERR_CONFIG, with what was found instead).
 *
 * Names are read as SQL reads them: "Quoted" parts as they are, others folded to lower case, or as they are written
 * where only that exists. Columns are found by name, for which case and underscores do not count (workspaceId), and by
 * type. The operator's query is kept as the server prints it: every name qualified. */
struct table_info *table_info_load(struct pg *pg, const struct table_wanted *wanted, struct err *e);
void table_info_free(struct table_info *t);

/* true when nothing is refused; else false with the first refused check's code, message and hint in e. */
bool table_info_usable(const struct table_info *t, struct err *e);
/* The same for who only looks: what the role lacks of rights to change things is no hindrance. */
bool table_info_readable(const struct table_info *t, struct err *e);

/* In a transaction that holds a lock on the leaf which keeps ALTER TABLE out: whether it is still what table_info_load
 * saw, as far as rows are to be deleted from it: its columns, and nothing that refers to it or fires on DELETE. ERR_BUSY
 * says what changed. */
bool table_info_recheck_leaf(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
			     struct err *e);

/* Column by role, or NULL. */
const struct column *table_info_column(const struct table_info *t, enum column_role role);
struct leaf *table_info_leaf(const struct table_info *t, const char *label);

/* Whether a column of the stored segment can be put into the table: by name, with the same type_full.
 * *missing_out: there is no such column any more (dropped). false with ERR_CONFIG names the column whose type changed. */
bool table_info_match_column(const struct table_info *t, const struct column *stored,
			     bool *missing_out, struct err *e);

/* "0.8.0", or "" when the extension is not in this database. out holds 32 bytes. */
bool table_info_pgvector_version(struct pg *pg, char out[32], struct err *e);
/* Whether VACUUM and inserts cannot damage an HNSW index between them in that version. */
bool table_info_pgvector_is_sound(const char *version);

#endif
