/*
 * The lease of a managed table: one pass, compaction or maintenance run at a time. Liveness comes from a session-level
 * advisory lock on one connection (it ends with the session, however the process died); safety comes from the epoch in
 * firn.lease, raised by every taking and checked FOR SHARE in each transaction that deletes, so that a process that
 * lost its session, or whose lock went through a pooler, cannot commit. Several connections of the holder may delete at
 * once; taking the lease over waits for each of them.
 */
#ifndef CATALOG_LEASE_H
#define CATALOG_LEASE_H

#include "catalog/pg.h"

struct lease {
	struct pg *pg; /* borrowed: the connection that holds the lock */
	int64_t table_id;
	int64_t epoch;
	bool held;
};

/* Does not wait. ERR_BUSY names the holder (host, pid, since when). */
bool lease_take(struct lease *l, struct pg *pg, int64_t table_id, struct err *e);

/* Inside the transaction on pg that must be fenced: locks the lease row against being taken over and compares the epoch.
 * ERR_FENCED. */
bool lease_check(const struct lease *l, struct pg *pg, struct err *e);

/* In the caller's transaction, without the lock: raises the epoch, so that whoever holds the lease cannot delete any
 * more (ERR_FENCED there), and waits for what it is deleting now. Until that transaction ends nobody else deletes. For
 * changes that rules depend on; ERR_BUSY after the session's lock_timeout. */
bool lease_bump(struct pg *pg, int64_t table_id, struct err *e);

/* Never fails loudly; NULL-safe on a lease that is not held. */
void lease_release(struct lease *l);

#endif
