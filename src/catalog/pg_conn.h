/* Inside of struct pg, for the pg*.c files only. */
#ifndef CATALOG_PG_CONN_H
#define CATALOG_PG_CONN_H

#include <libpq-fe.h>

#include "catalog/pg.h"

enum pg_busy {
	PG_IDLE,
	PG_BUSY_ROWS,
	PG_BUSY_COPY_OUT,
	PG_BUSY_COPY_IN
};

struct pg {
	PGconn *conn;
	const struct log *log; /* borrowed */
	enum pg_busy busy;     /* what the connection is in the middle of */
	char sqlstate[6];
	char *describe;
	char *own_search_path;
	char *copy_message; /* the one that pg_copy_out_next gave last */
};

struct pg_result {
	PGresult *res;
};

/* Whether a statement can be sent: connected, and not in the middle of another. Forgets the last SQLSTATE. */
bool pg_ready(struct pg *pg, struct err *e);

/* Sets e from a failed result (may be NULL: from the connection). Always false. */
bool pg_fail(struct pg *pg, const PGresult *res, struct err *e);

/* Reads and throws away what the server still has to say on the current statement. */
void pg_drain(struct pg *pg);

/* Asks the server to give up the current statement; best effort. */
void pg_request_cancel(struct pg *pg);

/* Ends whatever COPY is under way, so that the connection takes statements again. */
void pg_abandon_copy(struct pg *pg);

#endif
