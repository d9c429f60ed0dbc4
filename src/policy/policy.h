/*
 * Policies: ordered rules, the first that matches a chunk decides. This layer knows what rules say, not how they
 * become SQL (catalog/candidates) nor what they move (engine/move).
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum rule_action {
	RULE_KEEP,
	RULE_ARCHIVE
};

/* An archived object moves on to another storage class so long after it was archived. */
struct rule_transition {
	int64_t after_s;
	char *storage_class;
};

/* All conditions that are given must hold. */
struct rule {
	char *name; /* unique within the policy: [a-z0-9_-]+ */
	enum rule_action action;
	char *storage_class;                 /* of archive; NULL: the archive's default */
	struct rule_transition *transitions; /* by after_s, which rises */
	size_t transition_count;
	int zstd_level; /* of its segments; 0: the configuration's */
	int64_t delete_after_s; /* rows that were archived longer ago may be given up: engine/expire.c; 0: never */
	int line; /* in the file, for messages */

	char **workspaces; /* names or patterns with * and ?; none: any */
	size_t workspace_count;
	char **versions;
	size_t version_count;
	char **documents;
	size_t document_count;
	char *where; /* an SQL expression over the row's columns, as it was written; NULL: none */

	bool superseded; /* its version is not its workspace's active one */
	int64_t superseded_grace_s;
	bool require_replacement; /* default true: chunks of the active version exist for the same document */

	bool has_idle_for, has_age_over;
	int64_t idle_for_s; /* neither created, read nor rehydrated for so long */
	int64_t age_over_s; /* created longer ago than this */
	bool has_heat_below;
	double heat_below; /* reads of late, each worth half as much after each half-life; above 0 */
	/* Only the coldest rows, as many as the leaf has over this, or the table's rows take over this; 0: not asked for. */
	int64_t leaf_rows_over, hot_bytes_over;
	bool of_document; /* reads of all chunks of a document count for each, in idle_for and heat_below */
};

#define POLICY_JOBS_MAX 64

struct limits {
	uint64_t max_bytes_per_pass; /* 0: none; COPY BINARY bytes */
	int64_t max_rows_per_pass;   /* 0: none */
	int64_t rows_per_second;     /* 0: as fast as it goes */
	int64_t bytes_per_second;    /* of COPY BINARY; 0: the same */
	/* While a standby is further behind, in WAL or in time, no segment is begun; 0: not looked at. */
	int64_t max_replica_lag_bytes, max_replica_lag_s;
	int64_t pause_ingest_rows; /* a second into the table: index builds wait; -1: as the configuration says */
	int64_t jobs; /* leaves that a pass works on at once, 1 to POLICY_JOBS_MAX; default 2 */
	double recall_floor; /* recall@10 that vector indexes of touched leaves must have; 0: not looked at */
	int64_t min_residency_s;  /* after a rehydrate; default 1 day */
	bool min_residency_given; /* then it holds after a row was created, too */
	int64_t lock_timeout_ms;  /* of the deleting transaction; default 2000 */
	int64_t statement_timeout_ms; /* of statements on the managed table; default 0, with a window its length */
	/* "01:00-05:00 Europe/Bucharest": no new segment is begun outside of it. NULL: always. Minutes of the day. */
	char *window_zone;
	bool has_window;
	int window_from_min, window_to_min;
};

struct policy {
	char *path; /* NULL for the built-in one */
	struct rule *rules;
	size_t rule_count;
	struct limits limits;
};

/* Fills p with the file at path, or with the built-in rule (superseded, 7 days of grace, replacement required) when
 * path is NULL. ERR_CONFIG names file, line and the key that is wrong. */
bool policy_load(struct policy *p, const char *path, struct err *e);
void policy_release(struct policy *p);

/* The rule of that name; NULL: there is none any more. */
const struct rule *policy_rule(const struct policy *p, const char *name);

/* Prices of storage, for reports. */
struct price {
	char *storage_class;
	double usd_per_gib_month;
	double usd_per_1000_put,
		usd_per_1000_get; /* requests; LIST counts as PUT of the default class */
	double usd_per_1000_restore, usd_per_gib_retrieved;
	bool has_least_days, has_least_bytes; /* else firn goes by what it knows of Amazon's */
	int64_t least_days;
	uint64_t least_bytes;
};

struct prices {
	char *name, *date, *source; /* "aws-eu-central-1", "2026-11-01", where they were read */
	char *currency;             /* three letters; "USD" */
	double hot_usd_per_gib_month;
	double wal_usd_per_gib_month, ram_usd_per_gib_month;
	double cache_usd_per_gib_month; /* of the disk that the local cache lies on; as hot where the list says nothing */
	double usd_per_gib_egress; /* out of the network that the archive is in */
	struct price *classes;
	size_t class_count;
};

/* path NULL: a built-in list of zero prices named "none". */
bool prices_load(struct prices *p, const char *path, struct err *e);
void prices_release(struct prices *p);
/* Of the class, or NULL. */
const struct price *prices_class(const struct prices *p, const char *storage_class);
/* Price of the class; the default class "" is "STANDARD". Unknown classes give false. */
bool prices_find(const struct prices *p, const char *storage_class, double *usd_out);

#endif
