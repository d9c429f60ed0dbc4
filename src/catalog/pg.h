/*
 * One connection to Postgres, over libpq. Statements take parameters, never values glued into SQL; identifiers are
 * quoted by pg_add_identifier. Every failure is mapped from SQLSTATE to an err code:
 *   08*, 57P01-57P03, lost connection        ERR_OFFLINE
 *   55P03, 40001, 40P01, 57014               ERR_BUSY (lock or statement timeout, serialisation, deadlock)
 *   42501, 28*                               ERR_DENIED
 *   53100, 53200, 53300                      ERR_BUSY (disk full, memory, connections)
 *   3D000, 3F000, 42P01, 42703, 42704, 42883 ERR_CONFIG (what the configuration names is not there)
 *   25006                                    ERR_CONFIG (a standby, or default_transaction_read_only)
 *   22*, 23*                                 ERR_DATA
 *   anything else                            ERR_INTERNAL
 * The message is the server's, its DETAIL appended; the hint is the server's.
 */
#ifndef CATALOG_PG_H
#define CATALOG_PG_H

#include "base/buf.h"
#include "base/log.h"

struct pg;
struct pg_result;

/* conninfo: any libpq connection string; NULL or "": libpq's environment. Sets application_name (unless given),
 * standard_conforming_strings, extra_float_digits, DateStyle ISO, IntervalStyle iso_8601, TimeZone UTC,
 * search_path = pg_catalog (so every name in firn's SQL is schema-qualified; extension operators such as <=> are not
 * used by firn's own SQL), client_connection_check_interval 10s where the server has it, lock_timeout 0,
 * idle_in_transaction_session_timeout 0 (idle_session_timeout and transaction_timeout, too, where the server has them),
 * synchronous_commit on where it was off, client_encoding as the database's (text comes byte for byte, in COPY too).
 * TCP keepalives on; connect_timeout 30 s unless conninfo or PGCONNECT_TIMEOUT say otherwise. Server notices go to log
 * as debug. log may be NULL. A call blocks until the server has answered; signals do not end it. */
struct pg *pg_connect(const char *conninfo, const struct log *log, struct err *e);
void pg_close(struct pg *pg);

int pg_server_version(const struct pg *pg); /* 150018 */
/* SQLSTATE of the last failure, "" when there was none with one. */
const char *pg_last_sqlstate(const struct pg *pg);
#define PG_LOCK_NOT_AVAILABLE "55P03"
/* "host=... dbname=..." for messages, without secrets. */
const char *pg_describe(const struct pg *pg);
/* Whether the server runs on this machine (unix socket or loopback address). */
bool pg_is_local(const struct pg *pg);
int pg_backend_pid(const struct pg *pg);

/* The environment in which another libpq program reaches the same database as the same role ("PGHOST=..." and so on), with
 * these options beside the session's own; of this process's variables it has what neither libpq nor firn nor AWS's tools
 * read. Ends with NULL; released by pg_environment_free, which wipes it: a password may be in it. */
bool pg_environment(struct pg *pg, const char *options, char ***out, struct err *e);
void pg_environment_free(char **environment);

/* A connection string as it may be shown: "host=db password=********". On the heap; NULL without memory. */
char *pg_conninfo_shown(const char *conninfo, struct err *e);

/* Parameters, built up to 32. Text ones let the server infer the type or be cast in the SQL ($1::bigint).
 * Data is borrowed until the call. */
struct pg_params {
	int count;
	uint32_t types[32];
	const char *values[32];
	int lengths[32];
	int formats[32];
	char scratch[32][24]; /* integers in text */
};
#define PG_PARAMS_INIT \
	{              \
		0      \
	}
void pg_param_text(struct pg_params *p, const char *value); /* NULL: SQL NULL */
void pg_param_i64(struct pg_params *p, int64_t value);
void pg_param_bytea(struct pg_params *p, const void *data, size_t len); /* type bytea, binary */
/* A binary value of the given type; len -1: NULL. */
void pg_param_binary(struct pg_params *p, uint32_t type_oid, const void *data, int32_t len);

/* One or more statements without parameters or rows of interest. */
bool pg_exec(struct pg *pg, const char *sql, struct err *e);
/* As pg_exec with printf formatting, for numbers and quoted identifiers only. */
bool pg_execf(struct pg *pg, struct err *e, const char *fmt, ...) PRINTF(3, 4);

/* One statement; *out (may be NULL: rows are thrown away) is released with pg_result_free. params may be NULL. */
bool pg_query(struct pg *pg, const char *sql, const struct pg_params *params,
	      struct pg_result **out, struct err *e);
/* The same with results in binary format. */
bool pg_query_binary(struct pg *pg, const char *sql, const struct pg_params *params,
		     struct pg_result **out, struct err *e);
/* Rows one by one, never more than a few in memory. The visit's false (with e set) cancels the rest. */
bool pg_query_each(struct pg *pg, const char *sql, const struct pg_params *params,
		   bool (*visit)(void *ctx, const struct pg_result *row, struct err *e), void *ctx,
		   struct err *e);
void pg_result_free(struct pg_result *r);

int pg_rows(const struct pg_result *r);
int64_t pg_affected(const struct pg_result *r); /* rows of INSERT, UPDATE, DELETE */
bool pg_is_null(const struct pg_result *r, int row, int column);
const char *pg_text(const struct pg_result *r, int row, int column); /* "" for NULL */
int64_t pg_i64(const struct pg_result *r, int row, int column);      /* 0 for NULL; text results */
double pg_f64(const struct pg_result *r, int row, int column);
bool pg_bool(const struct pg_result *r, int row, int column);
const uint8_t *pg_bytes(const struct pg_result *r, int row, int column,
			size_t *len); /* binary results */
/* bytea of a text-format result, decoded and appended to out. */
bool pg_bytea(const struct pg_result *r, int row, int column, struct buf *out, struct err *e);

/* Transactions. pg_commit of a transaction that the server had aborted is ERR_INTERNAL, for nothing was committed.
 * pg_rollback ends a COPY that is under way, too; it never fails loudly: on a dead connection there is nothing to
 * roll back. */
bool pg_begin(
	struct pg *pg, const char *options,
	struct err *e); /* NULL: READ COMMITTED; or "ISOLATION LEVEL REPEATABLE READ READ ONLY" */
bool pg_commit(
	struct pg *pg,
	struct err *e); /* ERR_OFFLINE when the connection died: the outcome is unknown then */
void pg_rollback(struct pg *pg);
bool pg_in_transaction(const struct pg *pg);

/* Until the open transaction ends: own true, the search_path that the role had when it connected, for names and queries
 * that an operator wrote and for triggers of the application; own false, back to firn's. */
bool pg_local_search_path(struct pg *pg, bool own, struct err *e);

/* COPY ... TO STDOUT. next gives one message, valid until the following call; *len_out 0 is the end.
 * cancel ends it early (cancel request, then drain) and leaves the connection usable, its transaction aborted. */
bool pg_copy_out_start(struct pg *pg, const char *sql, struct err *e);
/* The same for what the server may sort for long before its first row: ERR_INTERRUPTED, and the statement cancelled, where stop()
 * is true before. It is asked twice a second. */
bool pg_copy_out_start_until(struct pg *pg, const char *sql, bool (*stop)(void), struct err *e);
bool pg_copy_out_next(struct pg *pg, const uint8_t **data_out, size_t *len_out, struct err *e);
void pg_copy_out_cancel(struct pg *pg);

/* COPY ... FROM STDIN. finish with failure NULL ends it well; otherwise the server is told to fail the COPY, and finish
 * is true once it has. What the server refuses shows at finish, not at write. */
bool pg_copy_in_start(struct pg *pg, const char *sql, struct err *e);
bool pg_copy_in_write(struct pg *pg, const void *data, size_t len, struct err *e);
bool pg_copy_in_finish(struct pg *pg, const char *failure, struct err *e);

/* Appends the name quoted as an identifier (PQescapeIdentifier). Sets b->failed on failure. */
void pg_add_identifier(struct pg *pg, struct buf *b, const char *name);
/* Appends an item to an array literal that was begun with "{" and is to be a value of its own; value NULL: SQL NULL. */
void pg_add_array_item(struct buf *b, const char *value);
void pg_add_array_i64(struct buf *b, int64_t value);
/* A condition: the row lies in the blocks from ... to - 1 of its table. ctid is the column: "t.ctid". */
void pg_add_blocks(const struct pg *pg, struct buf *b, const char *ctid, int64_t from, int64_t to);
/* "schema"."name" */
void pg_add_qualified(struct pg *pg, struct buf *b, const char *schema, const char *name);

#endif
