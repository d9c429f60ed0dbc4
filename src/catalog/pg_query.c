#include "catalog/pg.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "catalog/pg_conn.h"

#define BYTEA_OID  17
#define PARAMS_MAX ((int)(sizeof(((struct pg_params *)0)->types) / sizeof(uint32_t)))

/* ---- parameters ---- */

/* Where the next parameter goes. One too many is counted but not kept: the query then refuses them all. */
static int next_param(struct pg_params *p)
{
	int i = p->count++;

	if (i >= PARAMS_MAX)
		return -1;
	p->types[i] = 0;
	p->values[i] = NULL;
	p->lengths[i] = 0;
	p->formats[i] = 0;
	return i;
}

void pg_param_text(struct pg_params *p, const char *value)
{
	int i = next_param(p);

	if (i >= 0)
		p->values[i] = value;
}

void pg_param_i64(struct pg_params *p, int64_t value)
{
	int i = next_param(p);

	if (i < 0)
		return;
	snprintf(p->scratch[i], sizeof(p->scratch[i]), "%lld", (long long)value);
	p->values[i] = p->scratch[i];
}

void pg_param_bytea(struct pg_params *p, const void *data, size_t len)
{
	if (len > INT32_MAX)
		p->count = PARAMS_MAX + 1; /* no bytea is that long: refuse as with too many */
	else
		pg_param_binary(p, BYTEA_OID, data, (int32_t)len);
}

void pg_param_binary(struct pg_params *p, uint32_t type_oid, const void *data, int32_t len)
{
	int i = next_param(p);

	if (i < 0)
		return;
	p->types[i] = type_oid;
	p->formats[i] = 1;
	p->lengths[i] = len < 0 ? 0 : len;
	/* libpq takes a NULL pointer for SQL NULL, so an empty value needs another one. */
	p->values[i] = len < 0 ? NULL : data ? data : "";
}

static bool params_fit(const struct pg_params *p, struct err *e)
{
	if (p && p->count > PARAMS_MAX)
		return err_set(e, ERR_INTERNAL, "a statement has too many or too long parameters");
	return true;
}

/* ---- statements ---- */

void pg_drain(struct pg *pg)
{
	PGresult *res;

	while ((res = PQgetResult(pg->conn)) != NULL) {
		ExecStatusType status = PQresultStatus(res);

		PQclear(res);
		/* These two come back for ever unless the COPY is ended. */
		if (status == PGRES_COPY_IN && PQputCopyEnd(pg->conn, "not expected") != 1)
			break;
		if (status == PGRES_COPY_OUT) {
			char *message;

			while (PQgetCopyData(pg->conn, &message, 0) > 0)
				PQfreemem(message);
		}
		if (PQstatus(pg->conn) == CONNECTION_BAD)
			break;
	}
}

void pg_request_cancel(struct pg *pg)
{
	PGcancel *cancel = PQgetCancel(pg->conn);
	char reason[256];

	if (cancel && !PQcancel(cancel, reason, sizeof(reason)))
		log_debug(pg->log, "could not send a cancel request to the database");
	PQfreeCancel(cancel);
}

bool pg_exec(struct pg *pg, const char *sql, struct err *e)
{
	PGresult *res;
	bool ok = false;

	if (!pg_ready(pg, e))
		return false;
	res = PQexec(pg->conn, sql);
	switch (PQresultStatus(res)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_EMPTY_QUERY:
		ok = true;
		break;
	case PGRES_COPY_IN:
	case PGRES_COPY_OUT:
		if (PQresultStatus(res) == PGRES_COPY_IN)
			PQputCopyEnd(pg->conn, "not expected");
		pg_drain(pg);
		err_set(e, ERR_INTERNAL, "COPY has calls of its own");
		break;
	default:
		pg_fail(pg, res, e);
	}
	PQclear(res);
	return ok;
}

bool pg_execf(struct pg *pg, struct err *e, const char *fmt, ...)
{
	va_list ap;
	char *sql = NULL;
	int n;
	bool ok;

	va_start(ap, fmt);
	n = vasprintf(&sql, fmt, ap);
	va_end(ap);
	if (n < 0)
		return err_no_memory(e);
	ok = pg_exec(pg, sql, e);
	free(sql);
	return ok;
}

static bool run(struct pg *pg, const char *sql, const struct pg_params *params, int binary,
		struct pg_result **out, struct err *e)
{
	static const struct pg_params none = PG_PARAMS_INIT;
	const struct pg_params *p = params ? params : &none;
	struct pg_result *result = NULL;
	PGresult *res = NULL;
	bool ok = false;

	if (out)
		*out = NULL;
	if (!params_fit(p, e) || !pg_ready(pg, e))
		return false;
	if (out) {
		result = mem_new(1, sizeof(*result), e);
		if (!result)
			return false;
	}
	res = PQexecParams(pg->conn, sql, p->count, p->types, p->values, p->lengths, p->formats,
			   binary);
	switch (PQresultStatus(res)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_EMPTY_QUERY:
		ok = true;
		break;
	case PGRES_COPY_IN:
	case PGRES_COPY_OUT:
		if (PQresultStatus(res) == PGRES_COPY_IN)
			PQputCopyEnd(pg->conn, "not expected");
		pg_drain(pg);
		err_set(e, ERR_INTERNAL, "COPY has calls of its own");
		break;
	default:
		pg_fail(pg, res, e);
	}
	if (ok && out) {
		result->res = res;
		*out = result;
		return true;
	}
	PQclear(res);
	free(result);
	return ok;
}

bool pg_query(struct pg *pg, const char *sql, const struct pg_params *params,
	      struct pg_result **out, struct err *e)
{
	return run(pg, sql, params, 0, out, e);
}

bool pg_query_binary(struct pg *pg, const char *sql, const struct pg_params *params,
		     struct pg_result **out, struct err *e)
{
	return run(pg, sql, params, 1, out, e);
}

bool pg_query_each(struct pg *pg, const char *sql, const struct pg_params *params,
		   bool (*visit)(void *ctx, const struct pg_result *row, struct err *e), void *ctx,
		   struct err *e)
{
	static const struct pg_params none = PG_PARAMS_INIT;
	const struct pg_params *p = params ? params : &none;
	bool ok = true;
	PGresult *res;

	if (!params_fit(p, e) || !pg_ready(pg, e))
		return false;
	if (!PQsendQueryParams(pg->conn, sql, p->count, p->types, p->values, p->lengths, p->formats,
			       0))
		return pg_fail(pg, NULL, e);
	pg->busy = PG_BUSY_ROWS;
	/* Only costs memory if it cannot be switched on, but that would be without bound. */
	if (!PQsetSingleRowMode(pg->conn)) {
		ok = err_set(e, ERR_INTERNAL, "could not read rows one by one");
		pg_request_cancel(pg);
	}
	while (ok && (res = PQgetResult(pg->conn)) != NULL) {
		struct pg_result row = { res };
		ExecStatusType status = PQresultStatus(res);

		if (status == PGRES_SINGLE_TUPLE) {
			ok = visit(ctx, &row, e);
			if (!ok)
				pg_request_cancel(pg);
		} else if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT) {
			if (status == PGRES_COPY_IN)
				PQputCopyEnd(pg->conn, "not expected");
			ok = err_set(e, ERR_INTERNAL, "COPY has calls of its own");
		} else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK &&
			   status != PGRES_EMPTY_QUERY) {
			ok = pg_fail(pg, res, e);
		}
		PQclear(res);
	}
	pg_drain(pg);
	pg->busy = PG_IDLE;
	return ok;
}

/* ---- results ---- */

void pg_result_free(struct pg_result *r)
{
	if (!r)
		return;
	PQclear(r->res);
	free(r);
}

int pg_rows(const struct pg_result *r)
{
	return PQntuples(r->res);
}

int64_t pg_affected(const struct pg_result *r)
{
	return strtoll(PQcmdTuples(r->res), NULL, 10);
}

bool pg_is_null(const struct pg_result *r, int row, int column)
{
	return PQgetisnull(r->res, row, column) != 0;
}

const char *pg_text(const struct pg_result *r, int row, int column)
{
	const char *s = PQgetvalue(r->res, row, column);

	return s ? s : "";
}

int64_t pg_i64(const struct pg_result *r, int row, int column)
{
	return strtoll(pg_text(r, row, column), NULL, 10);
}

double pg_f64(const struct pg_result *r, int row, int column)
{
	return strtod(pg_text(r, row, column), NULL);
}

bool pg_bool(const struct pg_result *r, int row, int column)
{
	return pg_text(r, row, column)[0] == 't';
}

const uint8_t *pg_bytes(const struct pg_result *r, int row, int column, size_t *len)
{
	*len = (size_t)PQgetlength(r->res, row, column);
	return (const uint8_t *)pg_text(r, row, column);
}

bool pg_bytea(const struct pg_result *r, int row, int column, struct buf *out, struct err *e)
{
	size_t len;
	unsigned char *data = PQunescapeBytea((const unsigned char *)pg_text(r, row, column), &len);

	if (!data)
		return err_no_memory(e);
	buf_add(out, data, len);
	PQfreemem(data);
	return buf_ok(out, e);
}
