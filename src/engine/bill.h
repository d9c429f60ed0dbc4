/*
 * What storage costs: prices, and the arithmetic of a bill. Pure: nothing here asks database or archive, so that each figure
 * can be reckoned by hand. Money is in billionths (base/money.h), a month has 30.4375 days.
 */
#ifndef ENGINE_BILL_H
#define ENGINE_BILL_H

#include <stdbool.h>

#include "firn/firn.h"

#define BILL_MONTH_DAYS 30.4375

/* Of one storage class. */
struct bill_class {
	const char *name; /* borrowed; "" is the archive's default */
	bool priced;      /* else everything is 0 */
	int64_t gib_nano;
	int64_t put_nano, get_nano, restore_nano; /* of 1,000 requests */
	int64_t retrieved_gib_nano;
	int64_t egress_gib_nano; /* of bytes that are read, in the share that is billed as egress */
	int64_t least_days, least_bytes; /* that are billed */
};

struct bill_prices {
	int64_t hot_gib_nano;
	int64_t wal_gib_nano, ram_gib_nano;
	int64_t copies;      /* of the database: 1 and the replicas */
	double wal_share;    /* WAL and base backups that are kept, in times of the hot bytes */
	double memory_share; /* of the vector indexes, that is to be in memory, in each copy */
	int64_t cache_gib_nano, egress_gib_nano;
	double egress_share; /* of what is read from the archive */
};

/* What is in Postgres, or would be. vector_index_bytes are part of size.index_bytes, and vector_free_bytes of these: what is
 * left there of rows that are gone, and is in memory as the rest is. */
struct bill_hot {
	struct firn_size size;
	int64_t vector_index_bytes, vector_free_bytes;
};

int64_t bill_gib(double bytes, int64_t gib_nano);

/* Adds the hot parts, and their sum to hot_nano. */
void bill_hot(const struct bill_prices *p, const struct bill_hot *hot, struct firn_cost *out);

/* What an object of so many bytes is billed as. */
int64_t bill_object_bytes(const struct bill_class *c, int64_t bytes);

/* Adds billed_bytes of objects that are age_days old, and what removing them now would cost for days to come. */
void bill_objects(const struct bill_class *c, int64_t billed_bytes, int64_t age_days,
		  struct firn_cost *out);

/* ---- requests ---- */

/* Of 1,000 requests of a kind ("put": store_request_name) to objects of the class; lists are billed by the default class. */
int64_t bill_call_nano(const struct bill_class *c, const struct bill_class *standard,
		       const char *kind);
/* The calls; where they read, retrieval and egress of the bytes as well. */
int64_t bill_requests(const struct bill_class *c, const struct bill_class *standard,
		      const char *kind, int64_t calls, int64_t bytes);
/* So many thousands of GETs, and the bytes that they bring. */
int64_t bill_read(const struct bill_class *c, double thousands, double bytes);

/* What belongs to no row, shared out over rows one after the other by their weights: where these sum up to the whole's, the
 * parts sum up to it to the billionth. */
struct bill_shared {
	int64_t requests_nano, cache_nano; /* of all */
	double weight;                     /* of all; 0: no row gets any */
	double so_far;
	int64_t requests_given, cache_given;
};
/* Adds the row's part to its cold cost, and takes it off what is saved. */
void bill_share(struct bill_shared *s, double weight, struct firn_cost *out);
/* Adds requests and cache to the cold cost. */
void bill_add_shared(int64_t requests_nano, int64_t cache_nano, struct firn_cost *out);

/* Sets all_hot and saved: extra is what the cold rows would take in Postgres, in addition. */
void bill_compare(const struct bill_prices *p, const struct bill_hot *extra, struct firn_cost *out);

void bill_add(struct firn_cost *to, const struct firn_cost *more);

/* Bytes that so many rows need beyond the room that is free; in the shares of per_row. Memory is wanted for what vector
 * indexes would grow by: they fill what is free in them first. */
struct bill_per_row {
	double heap_bytes, toast_bytes, index_bytes, vector_index_bytes;
};
struct bill_hot bill_extra(const struct bill_per_row *per_row, int64_t rows, int64_t free_bytes,
			   int64_t vector_free_bytes);

/* Moving something out, and back. */
struct bill_move {
	int64_t hot_month_nano;  /* what it costs where it is */
	int64_t cold_month_nano; /* what it would cost in the archive */
	int64_t once_nano;       /* putting it there, and reading it back once, as firn does */
	int64_t back_nano;       /* bringing it back */
	double back_share;       /* how likely that is, 0 to 1 */
	int64_t least_days;      /* billed in the archive in any case */
};
/* So many days must it stay cold to have paid; negative: it never pays. */
double bill_break_even_days(const struct bill_move *m);

#endif
