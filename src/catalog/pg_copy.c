#include "catalog/pg.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "catalog/pg_conn.h"

/* libpq sends in pieces of 8 kB whatever it is given, but makes its own buffer as large as the largest message. */
#define COPY_MESSAGE_BYTES (256 * 1024)

#define STOP_ASKED_MS 500

/* PQexec, which answers only when the server has rows, but for *stopped: stop() was true before, and the statement was
 * cancelled. */
static PGresult *run(struct pg *pg, const char *sql, bool (*stop)(void), bool *stopped)
{
	if (!PQsendQuery(pg->conn, sql))
		return NULL;
	while (PQisBusy(pg->conn)) {
		struct pollfd p = { .fd = PQsocket(pg->conn), .events = POLLIN };

		if (!*stopped && stop()) {
			*stopped = true;
			pg_request_cancel(pg);
		}
		/* A signal ends the wait as well. What TLS has decrypted already, the socket does not show. */
		poll(&p, 1, STOP_ASKED_MS);
		if (!PQconsumeInput(pg->conn))
			return NULL;
	}
	return PQgetResult(pg->conn);
}

static bool start(struct pg *pg, const char *sql, ExecStatusType wanted, enum pg_busy busy,
		  bool (*stop)(void), struct err *e)
{
	bool stopped = false, ok = false;
	PGresult *res;

	if (!pg_ready(pg, e))
		return false;
	res = stop ? run(pg, sql, stop, &stopped) : PQexec(pg->conn, sql);
	if (PQresultStatus(res) == wanted) {
		pg->busy = busy;
		ok = true;
	} else if (PQresultStatus(res) == PGRES_FATAL_ERROR || !res) {
		pg_fail(pg, res, e);
		if (stop)
			pg_drain(pg);
	} else {
		if (PQresultStatus(res) == PGRES_COPY_IN)
			PQputCopyEnd(pg->conn, "not expected");
		pg_drain(pg);
		err_set(e, ERR_INTERNAL, "the statement is no COPY in this direction");
	}
	PQclear(res);
	/* The cancelled statement may have begun, and its failure comes after that. */
	if (ok && stopped)
		pg_copy_out_cancel(pg);
	if (stopped && (ok || e->code != ERR_OFFLINE))
		ok = err_set(e, ERR_INTERRUPTED, "stopped by a signal");
	return ok;
}

/* The server's verdict on a COPY whose data is through. */
static bool finish(struct pg *pg, struct err *e)
{
	PGresult *res = PQgetResult(pg->conn);
	bool ok = PQresultStatus(res) == PGRES_COMMAND_OK;

	if (!ok)
		pg_fail(pg, res, e);
	PQclear(res);
	pg_drain(pg);
	pg->busy = PG_IDLE;
	return ok;
}

static void drop_message(struct pg *pg)
{
	PQfreemem(pg->copy_message);
	pg->copy_message = NULL;
}

bool pg_copy_out_start(struct pg *pg, const char *sql, struct err *e)
{
	return start(pg, sql, PGRES_COPY_OUT, PG_BUSY_COPY_OUT, NULL, e);
}

bool pg_copy_out_start_until(struct pg *pg, const char *sql, bool (*stop)(void), struct err *e)
{
	return start(pg, sql, PGRES_COPY_OUT, PG_BUSY_COPY_OUT, stop, e);
}

bool pg_copy_out_next(struct pg *pg, const uint8_t **data_out, size_t *len_out, struct err *e)
{
	int n;

	*data_out = NULL;
	*len_out = 0;
	drop_message(pg);
	if (pg->busy != PG_BUSY_COPY_OUT)
		return err_set(e, ERR_INTERNAL, "no COPY TO STDOUT is under way");
	n = PQgetCopyData(pg->conn, &pg->copy_message, 0);
	if (n > 0) {
		*data_out = (const uint8_t *)pg->copy_message;
		*len_out = (size_t)n;
		return true;
	}
	return finish(pg, e);
}

void pg_copy_out_cancel(struct pg *pg)
{
	char *message;

	drop_message(pg);
	if (pg->busy != PG_BUSY_COPY_OUT)
		return;
	pg_request_cancel(pg);
	while (PQgetCopyData(pg->conn, &message, 0) > 0)
		PQfreemem(message);
	pg_drain(pg);
	pg->busy = PG_IDLE;
}

bool pg_copy_in_start(struct pg *pg, const char *sql, struct err *e)
{
	return start(pg, sql, PGRES_COPY_IN, PG_BUSY_COPY_IN, NULL, e);
}

bool pg_copy_in_write(struct pg *pg, const void *data, size_t len, struct err *e)
{
	const char *p = data;

	if (pg->busy != PG_BUSY_COPY_IN)
		return err_set(e, ERR_INTERNAL, "no COPY FROM STDIN is under way");
	while (len > 0) {
		int n = (int)(len < COPY_MESSAGE_BYTES ? len : COPY_MESSAGE_BYTES);

		if (PQputCopyData(pg->conn, p, n) != 1)
			return pg_fail(pg, NULL, e);
		p += n;
		len -= (size_t)n;
	}
	return true;
}

bool pg_copy_in_finish(struct pg *pg, const char *failure, struct err *e)
{
	struct err refused = { 0 };

	if (pg->busy != PG_BUSY_COPY_IN)
		return err_set(e, ERR_INTERNAL, "no COPY FROM STDIN is under way");
	if (PQputCopyEnd(pg->conn, failure) != 1) {
		pg->busy = PG_IDLE;
		return pg_fail(pg, NULL, e);
	}
	if (!failure)
		return finish(pg, e);
	if (finish(pg, &refused))
		return err_set(e, ERR_INTERNAL, "the server completed a COPY that was to fail");
	if (refused.code == ERR_OFFLINE) {
		*e = refused;
		return false;
	}
	return true;
}

void pg_abandon_copy(struct pg *pg)
{
	struct err ignored = { 0 };

	if (pg->busy == PG_BUSY_COPY_OUT)
		pg_copy_out_cancel(pg);
	else if (pg->busy == PG_BUSY_COPY_IN)
		pg_copy_in_finish(pg, "given up", &ignored);
}
