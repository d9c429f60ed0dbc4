/* The parts of "firn report": one fills one thing of its result. */
#ifndef ENGINE_COST_REPORT_H
#define ENGINE_COST_REPORT_H

#include "engine/bill.h"
#include "engine/engine.h"

/* Requests of the last days to objects of one class, and what they make a month. */
struct cost_requests {
	char kind[16], storage_class[32];
	int64_t calls, bytes, month_nano;
};

struct cost_day_requests {
	char day[11];
	int64_t nano;
};

struct cost_report {
	struct firn *f;
	const struct firn_report_options *options;
	struct firn_report_result *result;
	struct prices list;
	struct bill_prices prices;
	size_t row_capacity, formula_capacity, reclaimable_capacity, tenant_capacity;
	unsigned unpriced; /* classes of which a warning said so, by storage_class_number */
	/* What belongs to no table (cost_requests.c): requests of the last days by kind and class, and the local cache. */
	struct cost_requests *requests;
	size_t request_count;
	int64_t cache_bytes;
	int64_t requests_nano, cache_nano; /* of a month */
	bool any_cold;
	/* Shared out over tables, over rows, and over tenants where these are no rows. */
	struct bill_shared to_tables, to_rows, to_tenants;
	/* The same of each day, by day. */
	struct cost_day_requests *request_days;
	size_t request_day_count;
	/* How many days the result's saved_month_nano and saved_total_nano are sums of. */
	int64_t month_days, total_days;
};

/* Fills list (prices_release) and prices by the configuration. */
bool cost_load_prices(struct cost_report *r, struct err *e);

/* Of the price list, with firn's own knowledge of Amazon's classes where it says nothing of days and bytes. The first time
 * that a class has no price, a warning says so. */
struct bill_class cost_class(struct cost_report *r, const char *storage_class);

/* A row with copies of the template's strings (NULL is ""), of the result's; NULL without memory. */
struct firn_report_row *cost_add_row(struct cost_report *r, const struct firn_report_row *template,
				     struct err *e);

/* What one leaf takes, hot and cold. */
struct cost_leaf {
	const char *label; /* borrowed */
	int64_t hot_rows;
	bool estimated;
	struct bill_hot hot;
	int64_t reclaimable_bytes;
	int64_t cold_rows, cold_bytes, cold_billed_bytes, cold_raw_bytes;
	int64_t moved_rows;        /* ever, into segments that are active */
	struct bill_class dearest; /* the class of most of its cold bytes */
	int64_t dearest_bytes, segments;
	struct firn_cost cold; /* objects and early only */
};

struct cost_table {
	const struct engine_table *table;
	struct cost_leaf *leaves; /* of the table, then those that only segments know */
	size_t leaf_count, leaf_capacity;
	char **gone; /* labels of these */
	size_t gone_count;
	struct bill_per_row per_row;
	/* Billed bytes by storage class; the last holds the rest. */
	struct cost_class_sum {
		char name[64];
		int64_t billed_bytes, gib_nano, nano;
		double early_byte_days; /* still billed, were all removed now */
		int64_t early_nano;
	} classes[16];
	size_t class_count;
};

/* A managed table, from its measuring to the report's end. */
struct cost_managed {
	struct engine_table table;
	struct cost_table measured;
	struct firn_report_row sum; /* its strings are borrowed */
};

/* Looks up what the archive was asked and what the cache takes, to be shared out over these tables. */
bool cost_shared_load(struct cost_report *r, const struct cost_managed *tables, size_t table_count,
		      struct err *e);
void cost_shared_release(struct cost_report *r);
/* Adds the row's part of that, after all else of its costs is known. */
void cost_share(const struct cost_report *r, struct bill_shared *shared,
		struct firn_report_row *row);
/* By which it is shared: bytes as billed, where nothing is cold those that are hot. */
double cost_weight(const struct cost_report *r, int64_t billed_bytes, const struct firn_size *hot);
/* What the archive was asked on that day cost. */
int64_t cost_requests_of(const struct cost_report *r, const char *day);
/* Passes, with their requests; requests since the result's day and ever. */
bool cost_passes(struct cost_report *r, struct err *e);
bool cost_request_counts(struct cost_report *r, struct err *e);

/* A row for each active segment. */
bool cost_segments(struct cost_report *r, const struct cost_table *t, struct err *e);
/* The ten dearest tenants, and, by workspace or version, a row for each. */
bool cost_groups(struct cost_report *r, const struct cost_table *t, struct err *e);
/* From when on it pays to move rows such as the row's: its cold ones, else its hot ones as if they took what the table's
 * cold ones do. Stays unknown while nothing is cold, or has a price. */
void cost_break_even(const struct cost_report *r, const struct cost_table *t,
		     struct firn_report_row *row);
/* Each segment has two. */
#define COST_OBJECTS_PER_SEGMENT 2
/* By whose prices that is reckoned: the class of most bytes; NULL: nothing is cold. */
const struct bill_class *cost_class_of_most(const struct cost_table *t);
/* What that is reckoned by; false: it is unknown. */
bool cost_move(const struct cost_report *r, const struct cost_table *t,
	       const struct firn_report_row *row, struct bill_move *out);
bool cost_table_measure(struct cost_report *r, const struct engine_table *t, struct cost_table *out,
			struct err *e);
/* What a row takes, by what is not free room; where there are hardly any hot rows, by the cold ones' own bytes. */
struct bill_per_row cost_per_row(const struct bill_hot *hot, int64_t hot_rows, int64_t free_bytes,
				 int64_t cold_rows, int64_t cold_raw_bytes);
/* The formulas of a table's figures; row is the table's, all leaves of it. */
bool cost_explain(struct cost_report *r, const struct cost_table *t,
		  const struct firn_report_row *row, struct err *e);
/* Those of what belongs to no table, after cost_history. */
bool cost_explain_shared(struct cost_report *r, struct err *e);
/* Days, passes, requests, operations; by month, a row for each month of each table. ERR_USAGE: since is no day. */
bool cost_history(struct cost_report *r, const struct cost_managed *tables, size_t table_count,
		  struct err *e);
/* Heat of all tables together, and the policy's cuts. */
bool cost_heat(struct cost_report *r, const struct cost_managed *tables, size_t table_count,
	       struct err *e);
void cost_table_release(struct cost_table *t);

/* Adds what the leaf takes to a row, its bill and what it would cost all hot. */
void cost_row_add_leaf(const struct cost_report *r, const struct cost_table *t,
		       const struct cost_leaf *leaf, struct firn_report_row *row);

#endif
