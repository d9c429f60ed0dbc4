/*
 * The configuration file (firn.yaml), as values. Every string may be NULL: not given. Loading checks types and ranges;
 * errors name file and line. What is not in the file keeps its default.
 */
#ifndef POLICY_CONFIG_H
#define POLICY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* How the active version of a workspace is found. At most one of table, query, value is set; none: firn looks for
 * a table named workspace_index_state. */
struct config_active_version {
	char *table;            /* "workspace_index_state" or "schema.name" */
	char *workspace_column; /* of that table; NULL: found by name */
	char *version_column;   /* NULL: found by name */
	char *since_column; /* timestamptz of the flip; NULL: found by name, else firn's own record */
	char *query;        /* SELECT workspace, active version [, since] */
	char *value;        /* one version for all workspaces */
	/* One statement that makes version $2 active for workspace $1; NULL: firn updates the table. Not with a value. */
	char *promote_statement;
};

struct config_table {
	char *table;       /* "schema.table" or "table" */
	char **id_columns; /* NULL/0: found */
	size_t id_column_count;
	char *workspace_column, *document_column, *embedding_column, *version_column,
		*created_column;
	struct config_active_version active_version;
};

struct config {
	char *database, *archive;
	struct {
		char *endpoint, *region, *profile, *ca_file;
		bool path_style;
		char *sse; /* NULL, "AES256", "aws:kms" or "customer" */
		char *sse_kms_key_id, *sse_customer_key_file;
		bool object_tags;    /* segments get a tag with their rule's name; default false */
		int64_t upload_jobs; /* parts of an object sent at once, 1 to 16; default 4 */
		int64_t resend_percent; /* 0: the store's default */
	} s3;
	struct {
		char *dir;          /* NULL: a default of the engine */
		uint64_t max_bytes; /* of cached index objects; default 10 GiB */
	} cache;
	struct {
		uint64_t target_bytes; /* default 128 MiB */
		uint32_t max_rows;     /* default 262144 */
		int zstd_level;        /* default 3 */
		bool text_dictionary; /* default false: little gained with blocks of 512 rows, a third of the CPU */
	} segment;
	struct {
		int64_t horizon_s;  /* default 30 days */
		int64_t pass_log_s; /* how long firn.pass_log is kept; default 90 days */
	} gc;
	struct {
		int64_t half_life_s; /* default 7 days */
	} heat;
	/* What storage costs beside the files of the table, for "firn report". */
	struct {
		int64_t replicas; /* of the database, each with all of it; default 0 */
		int64_t wal_percent; /* WAL and base backups that are kept, of the hot bytes; default 0 */
		int64_t index_memory_percent; /* of the vector indexes that is to be in memory; default 0 */
		int64_t egress_percent; /* of what is read from the archive, that leaves its network; default 0 */
	} cost;
	struct {
		bool concurrently; /* REINDEX CONCURRENTLY; default true */
		char *work_mem;    /* maintenance_work_mem for index builds; NULL: the server's */
		uint64_t
			build_memory_bytes; /* most that "indexes ensure" takes for a build where work_mem is not
					      * given; 0: the server's shared_buffers, shared among builds */
		int64_t build_workers; /* parallel workers of such a build; -1: the server's setting */
		uint64_t
			disk_free_bytes; /* what the database server's disk has free, where firn cannot look; 0: look */
		int64_t builds; /* index builds of firn at once in this database, 1 to 64; default 1 */
		int64_t pause_ingest_rows; /* a second into the table: long builds wait; default 1000, 0: never */
		uint64_t pause_replica_lag_bytes; /* of WAL: builds wait; default 1 GiB, 0: never */
		int64_t pause_at_most_s;          /* then the work is put off; default 10 min */
	} maintain;
	/* Where the master key is. None of the first two: segments are not encrypted. Paths as policy's. */
	struct {
		char *key_file; /* one of these two */
		char *key_command; /* its standard output is the key; words are apart by blanks, no shell */
		char *old_key_file,
			*old_key_command; /* the one before, until "keys rotate" is done */
	} encryption;
	struct config_table *tables;
	size_t table_count;
	char *policy,
		*prices; /* paths; relative ones are relative to the configuration file and made so by loading */
};

/* Fills c with defaults and, when path is not NULL, with the file. ERR_CONFIG names file and line. */
bool config_load(struct config *c, const char *path, struct err *e);
void config_release(struct config *c);

#endif
