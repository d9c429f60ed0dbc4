#include "catalog/pg.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "catalog/pg_conn.h"

/* ---- errors ---- */

static const struct {
	const char *prefix;
	enum err_code code;
} sqlstates[] = {
	/* The first that fits decides. */
	{ "08", ERR_OFFLINE },   { "57P0", ERR_OFFLINE }, { "25P03", ERR_OFFLINE },
	{ "55P03", ERR_BUSY },   { "40001", ERR_BUSY },   { "40P01", ERR_BUSY },
	{ "57014", ERR_BUSY },   { "53", ERR_BUSY },      { "42501", ERR_DENIED },
	{ "28", ERR_DENIED },    { "3D000", ERR_CONFIG }, { "3F000", ERR_CONFIG },
	{ "42P01", ERR_CONFIG }, { "42703", ERR_CONFIG }, { "42704", ERR_CONFIG },
	{ "42883", ERR_CONFIG }, { "25006", ERR_CONFIG }, { "22", ERR_DATA },
	{ "23", ERR_DATA },
};

static enum err_code code_of_sqlstate(const char *state)
{
	for (size_t i = 0; i < sizeof(sqlstates) / sizeof(sqlstates[0]); i++)
		if (str_starts_with(state, sqlstates[i].prefix))
			return sqlstates[i].code;
	return ERR_INTERNAL;
}

/* Copies text in one line: runs of newlines and tabs become "; ", and the end loses blanks and a full stop. */
static void fold_line(const char *text, char *out, size_t out_len)
{
	size_t n = 0;

	while (*text && n + 3 < out_len) {
		if (*text == '\n') {
			while (isspace((unsigned char)*text))
				text++;
			if (*text && n > 0) {
				out[n++] = ';';
				out[n++] = ' ';
			}
			continue;
		}
		out[n++] = *text == '\t' ? ' ' : *text;
		text++;
	}
	while (n > 0 && (isspace((unsigned char)out[n - 1]) || out[n - 1] == '.'))
		n--;
	out[n] = '\0';
}

bool pg_fail(struct pg *pg, const PGresult *res, struct err *e)
{
	const char *state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
	const char *primary = res ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	const char *detail = res ? PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL) : NULL;
	const char *hint = res ? PQresultErrorField(res, PG_DIAG_MESSAGE_HINT) : NULL;
	bool lost = PQstatus(pg->conn) == CONNECTION_BAD;
	enum err_code code;
	char text[ERR_MESSAGE_MAX / 2], more[ERR_MESSAGE_MAX / 2];

	snprintf(pg->sqlstate, sizeof(pg->sqlstate), "%s", state ? state : "");
	if (!primary)
		primary = PQerrorMessage(pg->conn);
	code = lost ? ERR_OFFLINE : state ? code_of_sqlstate(state) : ERR_INTERNAL;
	fold_line(primary, text, sizeof(text));
	fold_line(detail ? detail : "", more, sizeof(more));
	if (lost)
		err_set(e, code, "connection to database (%s) is lost: %s", pg_describe(pg),
			text[0] ? text : "no reason given");
	else if (more[0])
		err_set(e, code, "%s: %s", text, more);
	else
		err_set(e, code, "%s", text[0] ? text : "the server failed without a message");
	if (hint)
		err_hint(e, "%s", hint);
	else if (state && str_eq(state, "25006"))
		err_hint(e, "Connect to the primary; a standby or a read-only session cannot be "
			    "tiered.");
	return false;
}

bool pg_ready(struct pg *pg, struct err *e)
{
	pg->sqlstate[0] = '\0';
	if (PQstatus(pg->conn) == CONNECTION_BAD)
		return err_set(e, ERR_OFFLINE, "connection to database (%s) is lost",
			       pg_describe(pg));
	if (pg->busy != PG_IDLE)
		return err_set(e, ERR_INTERNAL,
			       "the connection is in the middle of another statement");
	return true;
}

/* ---- connecting ---- */

static void take_notice(void *ctx, const PGresult *res)
{
	const struct pg *pg = ctx;
	const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	char text[ERR_MESSAGE_MAX];

	fold_line(message ? message : PQresultErrorMessage(res), text, sizeof(text));
	log_debug(pg->log, "server: %s: %s", severity ? severity : "NOTICE", text);
}

static bool is_connection_string(const char *s)
{
	return strchr(s, '=') || str_starts_with(s, "postgres://") ||
	       str_starts_with(s, "postgresql://");
}

static bool ports_look_right(const char *s)
{
	return strspn(s, "0123456789, ") == strlen(s);
}

/*
 * libpq quotes the part of a string that it cannot parse, and that part may well be the rest of a password with a
 * blank, a slash or an at sign in it. So strings are judged here first, and refused without quoting them.
 */
static bool check_conninfo(const char *conninfo, struct err *e)
{
	PQconninfoOption *options;
	char *ignored = NULL;
	bool ok = true;

	if (!is_connection_string(conninfo))
		return true; /* a bare database name */
	options = PQconninfoParse(conninfo, &ignored);
	PQfreemem(ignored);
	for (PQconninfoOption *o = options; o && o->keyword; o++) {
		if (!o->val)
			continue;
		if (str_eq(o->keyword, "port") && !ports_look_right(o->val))
			ok = false;
		if (str_eq(o->keyword, "host") && o->val[0] != '@' && strchr(o->val, '@'))
			ok = false;
	}
	if (!options || !ok) {
		err_set(e, ERR_CONFIG, "database connection string is not valid");
		err_hint(e, "Use \"host=... dbname=... user=...\" or "
			    "\"postgresql://user@host/database\". In a URI, write "
			    "@ / : and blanks of a password as %%40 %%2F %%3A %%20; better, keep "
			    "it in ~/.pgpass.");
		ok = false;
	}
	PQconninfoFree(options);
	return ok;
}

static bool has_any(const char *text, const char *const *phrases)
{
	for (; *phrases; phrases++)
		if (strstr(text, *phrases))
			return true;
	return false;
}

/* libpq gives no SQLSTATE for a connection that never came to be, only the server's words. */
static bool fail_connect(struct pg *pg, struct err *e)
{
	static const char *const denied[] = { "authentication failed",
					      "no pg_hba.conf entry",
					      "not permitted to log in",
					      "permission denied",
					      "no password supplied",
					      "role \"",
					      NULL };
	static const char *const busy[] = { "too many connections", "too many clients",
					    "remaining connection slots", NULL };
	static const char *const config[] = { "database \"", "definition of service", "invalid ",
					      NULL };
	const char *text = PQerrorMessage(pg->conn);
	bool fatal = strstr(text, "FATAL:") != NULL;
	char line[ERR_MESSAGE_MAX / 2];

	fold_line(text, line, sizeof(line));
	if (PQconnectionNeedsPassword(pg->conn)) {
		err_set(e, ERR_DENIED, "could not connect to database: %s", line);
		return err_hint(e, "Give the password in ~/.pgpass or PGPASSWORD.");
	}
	if (has_any(text, busy)) {
		err_set(e, ERR_BUSY, "could not connect to database: %s", line);
		return err_hint(
			e, "Each job of a pass has two connections: --jobs 1 needs the fewest.");
	}
	if (has_any(text, denied)) {
		err_set(e, ERR_DENIED, "could not connect to database: %s", line);
		return err_hint(e, "Check user and password (-d, PGUSER, ~/.pgpass) and what the "
				   "server's pg_hba.conf lets in.");
	}
	if (has_any(text, config) && (!fatal || strstr(text, "does not exist"))) {
		err_set(e, ERR_CONFIG, "could not connect to database: %s", line);
		return err_hint(e, "Name the right one: -d, FIRN_DATABASE, database: in the "
				   "configuration, or PGDATABASE.");
	}
	err_set(e, ERR_OFFLINE, "could not connect to database: %s", line);
	return err_hint(e, "Does the server run, and do -d, FIRN_DATABASE or PGHOST and PGPORT "
			   "lead to it?");
}

static bool describe(struct pg *pg, struct err *e)
{
	const char *host = PQhost(pg->conn), *port = PQport(pg->conn);
	const char *db = PQdb(pg->conn), *user = PQuser(pg->conn);
	struct buf b = BUF_INIT;

	buf_printf(&b, "host=%s port=%s dbname=%s user=%s", host ? host : "", port ? port : "",
		   db ? db : "", user ? user : "");
	pg->describe = buf_take(&b, e);
	buf_release(&b);
	return pg->describe != NULL;
}

/* What must hold in every session, whatever role, database or server set. */
static bool configure_session(struct pg *pg, struct err *e)
{
	static const char settings[] =
		"SELECT pg_catalog.set_config('standard_conforming_strings', 'on', false), "
		"pg_catalog.set_config('extra_float_digits', '3', false), "
		"pg_catalog.set_config('DateStyle', 'ISO, YMD', false), "
		"pg_catalog.set_config('IntervalStyle', 'iso_8601', false), "
		"pg_catalog.set_config('TimeZone', 'UTC', false), "
		"pg_catalog.set_config('bytea_output', 'hex', false), "
		"pg_catalog.set_config('lock_timeout', '0', false), "
		"pg_catalog.set_config('idle_in_transaction_session_timeout', '0', false), "
		/* What a crash takes back after COMMIT was answered must not be what gc acts on. */
		"CASE WHEN pg_catalog.current_setting('synchronous_commit') = 'off' THEN "
		"pg_catalog.set_config('synchronous_commit', 'on', false) END, "
		"pg_catalog.set_config('client_encoding', "
		"pg_catalog.current_setting('server_encoding'), false), "
		"pg_catalog.current_setting('search_path')";
	struct pg_result *r = NULL;
	struct err ignored = { 0 };

	if (!pg_query(pg, settings, NULL, &r, e))
		return false;
	pg->own_search_path = mem_strdup(pg_text(r, 0, 10), e);
	pg_result_free(r);
	if (!pg->own_search_path || !pg_exec(pg, "SET search_path = pg_catalog", e))
		return false;
	/* The session with the lease is idle while a segment is filled, the one that reads has one long transaction. */
	if ((pg_server_version(pg) >= 140000 && !pg_exec(pg, "SET idle_session_timeout = 0", e)) ||
	    (pg_server_version(pg) >= 170000 && !pg_exec(pg, "SET transaction_timeout = 0", e)))
		return false;
	/* Refused where the server's system cannot watch its sockets: then a dead client is noticed later. */
	if (pg_server_version(pg) >= 140000 &&
	    !pg_exec(pg, "SET client_connection_check_interval = '10s'", &ignored) &&
	    ignored.code == ERR_OFFLINE) {
		*e = ignored;
		return false;
	}
	return true;
}

struct pg *pg_connect(const char *conninfo, const struct log *log, struct err *e)
{
	/* What comes later wins, so dbname, which expands to the whole string, is last. */
	const char *keywords[] = { "fallback_application_name",
				   "keepalives",
				   "keepalives_idle",
				   "keepalives_interval",
				   "keepalives_count",
				   "connect_timeout",
				   "dbname",
				   NULL };
	const char *values[] = { "firn",
				 "1",
				 "60",
				 "10",
				 "6",
				 getenv("PGCONNECT_TIMEOUT") ? NULL : "30",
				 conninfo && conninfo[0] ? conninfo : NULL,
				 NULL };
	struct pg *pg;

	if (conninfo && !check_conninfo(conninfo, e))
		return NULL;
	pg = mem_new(1, sizeof(*pg), e);
	if (!pg)
		return NULL;
	pg->log = log;
	pg->conn = PQconnectdbParams(keywords, values, 1);
	if (!pg->conn) {
		err_no_memory(e);
		goto fail;
	}
	if (PQstatus(pg->conn) != CONNECTION_OK) {
		fail_connect(pg, e);
		goto fail;
	}
	if (!describe(pg, e))
		goto fail;
	PQsetNoticeReceiver(pg->conn, take_notice, pg);
	if (pg_server_version(pg) < 130000) {
		err_set(e, ERR_CONFIG, "PostgreSQL %d is too old: firn needs 13 or later",
			pg_server_version(pg) / 10000);
		err_hint(e, "Upgrade the server, or move the table to a newer one.");
		goto fail;
	}
	if (!configure_session(pg, e)) {
		err_wrap(e, "could not set up database session");
		goto fail;
	}
	return pg;
fail:
	pg_close(pg);
	return NULL;
}

void pg_close(struct pg *pg)
{
	if (!pg)
		return;
	PQfreemem(pg->copy_message);
	PQfinish(pg->conn);
	free(pg->describe);
	free(pg->own_search_path);
	free(pg);
}

int pg_server_version(const struct pg *pg)
{
	return PQserverVersion(pg->conn);
}

const char *pg_last_sqlstate(const struct pg *pg)
{
	return pg->sqlstate;
}

const char *pg_describe(const struct pg *pg)
{
	return pg->describe ? pg->describe : "";
}

bool pg_is_local(const struct pg *pg)
{
	const char *host = PQhost(pg->conn), *address = PQhostaddr(pg->conn);

	if (!host || !host[0] || host[0] == '/' || host[0] == '@')
		return true;
	return address && (str_starts_with(address, "127.") || str_eq(address, "::1"));
}

int pg_backend_pid(const struct pg *pg)
{
	return PQbackendPID(pg->conn);
}

/* ---- transactions ---- */

bool pg_in_transaction(const struct pg *pg)
{
	PGTransactionStatusType status = PQtransactionStatus(pg->conn);

	return status == PQTRANS_INTRANS || status == PQTRANS_INERROR ||
	       (status == PQTRANS_ACTIVE && pg->busy != PG_IDLE);
}

bool pg_begin(struct pg *pg, const char *options, struct err *e)
{
	if (!pg_ready(pg, e))
		return false;
	if (pg_in_transaction(pg))
		return err_set(e, ERR_INTERNAL, "a transaction is open already");
	/* Said always, for a role or a database may have another default. */
	return pg_execf(pg, e, "BEGIN %s", options ? options : "ISOLATION LEVEL READ COMMITTED");
}

bool pg_commit(struct pg *pg, struct err *e)
{
	PGresult *res;
	bool ok = false;

	if (!pg_ready(pg, e))
		return false;
	res = PQexec(pg->conn, "COMMIT");
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		pg_fail(pg, res, e);
	/* The server answers COMMIT of an aborted transaction by rolling back, without an error; and outside of one with
	 * a mere warning. */
	else if (!str_eq(PQcmdStatus(res), "COMMIT"))
		err_set(e, ERR_INTERNAL,
			"could not commit: the transaction had failed, and was rolled back");
	else
		ok = true;
	PQclear(res);
	return ok;
}

void pg_rollback(struct pg *pg)
{
	if (!pg || PQstatus(pg->conn) == CONNECTION_BAD)
		return;
	pg_abandon_copy(pg);
	if (PQtransactionStatus(pg->conn) == PQTRANS_IDLE)
		return;
	PQclear(PQexec(pg->conn, "ROLLBACK"));
}

bool pg_local_search_path(struct pg *pg, bool own, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_text(&p, own ? pg->own_search_path : "pg_catalog");
	return pg_query(pg, "SELECT pg_catalog.set_config('search_path', $1, true)", &p, NULL, e);
}

/* ---- names ---- */

void pg_add_identifier(struct pg *pg, struct buf *b, const char *name)
{
	char *quoted = PQescapeIdentifier(pg->conn, name, strlen(name));

	if (quoted)
		buf_add_str(b, quoted);
	else
		b->failed = true;
	PQfreemem(quoted);
}

void pg_add_array_item(struct buf *b, const char *value)
{
	if (!value) {
		buf_add_str(b, b->len > 1 ? ",NULL" : "NULL");
		return;
	}
	buf_add_str(b, b->len > 1 ? ",\"" : "\"");
	for (const char *c = value; *c; c++) {
		if (*c == '"' || *c == '\\')
			buf_add_byte(b, '\\');
		buf_add_byte(b, (uint8_t)*c);
	}
	buf_add_byte(b, '"');
}

void pg_add_array_i64(struct buf *b, int64_t value)
{
	buf_printf(b, "%s%" PRId64, b->len > 1 ? "," : "", value);
}

void pg_add_qualified(struct pg *pg, struct buf *b, const char *schema, const char *name)
{
	pg_add_identifier(pg, b, schema);
	buf_add_byte(b, '.');
	pg_add_identifier(pg, b, name);
}

/* A heap page of 8 KiB has no more rows; larger pages in proportion. */
#define ROWS_A_KIB 37

void pg_add_blocks(const struct pg *pg, struct buf *b, const char *ctid, int64_t from, int64_t to)
{
	if (pg_server_version(pg) >= 140000)
		buf_printf(b,
			   "%s >= '(%" PRId64 ",0)'::pg_catalog.tid AND %s < '(%" PRId64
			   ",0)'::pg_catalog.tid",
			   ctid, from, ctid, to);
	else /* which has no scan of a range of them */
		buf_printf(b,
			   "%s = ANY (ARRAY(SELECT pg_catalog.format('(%%s,%%s)', b, i)::"
			   "pg_catalog.tid FROM pg_catalog.generate_series(%" PRId64
			   "::bigint, %" PRId64 ") b, pg_catalog.generate_series(1, "
			   "pg_catalog.current_setting('block_size')::int / 1024 * %d) i))",
			   ctid, from, to - 1, ROWS_A_KIB);
}
