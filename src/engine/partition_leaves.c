/* firn partitions: how a table is divided, how it should be, and the leaves that it lacks. */
#include "engine/engine.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/signal.h"
#include "base/str.h"
#include "catalog/partitions.h"
#include "catalog/sizes.h"
#include "catalog/split.h"
#include "engine/partition_plan.h"

#define LOCK_WAIT_MS 2000
#define LOCK_TRIES   15

struct divided {
	struct table_info *info;
	struct partitioning parts;
};

/* Of what init refuses only the kind of relation matters here: a table may be divided before it can be tiered. */
static bool open_table(struct firn *f, const struct table_wanted *wanted, struct divided *d,
		       struct err *e)
{
	*d = (struct divided){ 0 };
	if (!engine_pg(f, e))
		return false;
	d->info = table_info_load(f->pg, wanted, e);
	if (!d->info)
		return false;
	for (size_t i = 0; i < d->info->check_count; i++)
		if (str_eq(d->info->checks[i].name, "table") &&
		    d->info->checks[i].state == TABLE_CHECK_REFUSED)
			return table_info_usable(d->info, e);
	return partitioning_load(f->pg, d->info, &d->parts, e);
}

static void close_table(struct divided *d)
{
	partitioning_release(&d->parts);
	table_info_free(d->info);
}

/* ---- status ---- */

static const char *bound_of(const struct divided *d, const struct leaf *leaf)
{
	for (size_t i = 0; i < d->parts.count; i++)
		if (d->parts.items[i].oid == leaf->oid)
			return d->parts.items[i].bound;
	return "";
}

static bool count_missing(const struct divided *d, int64_t *out, struct err *e)
{
	struct hash_bound *bounds;

	*out = 0;
	if (!str_eq(d->parts.strategy, "hash"))
		return true;
	bounds = mem_new(d->parts.count, sizeof(*bounds), e);
	if (!bounds)
		return false;
	for (size_t i = 0; i < d->parts.count; i++)
		bounds[i] = (struct hash_bound){ d->parts.items[i].modulus,
						 d->parts.items[i].remainder };
	*out = partition_remainders_missing(bounds, d->parts.count);
	free(bounds);
	return true;
}

/* A split that is under way, or its old table: of a database that has the catalog. */
static bool look_at_split(struct firn *f, const struct divided *d, struct firn_partitioned_table *t,
			  struct err *e)
{
	struct split s = { .pg = f->pg };
	struct split_kept kept = { 0 };
	bool there;

	if (!split_find(&s, d->info->label, &there, e) || !there)
		return e->code == ERR_NONE;
	t->split_phase = mem_strdup(split_phase_name(s.phase), e);
	t->split_leaves = s.leaves;
	if (!t->split_phase || !split_progress(f->pg, s.id, &t->split_share, e) ||
	    (s.phase == SPLIT_SWAPPED && !split_kept(&s, &kept, e)))
		return false;
	t->split_old_table = kept.table;
	t->split_old_bytes = kept.bytes;
	return true;
}

/* Appends to result; its array of leaves may move. */
static bool measure(struct firn *f, const struct divided *d, struct firn_partitions_status *result,
		    size_t *capacity, struct err *e)
{
	struct firn_partitioned_table *t = &result->tables[result->table_count++];
	int64_t *rows = mem_new(d->info->leaf_count, sizeof(*rows), e);
	void *array = result->leaves;
	bool ok = rows && mem_grow(&array, capacity, result->leaf_count + d->info->leaf_count,
				   sizeof(*result->leaves), e);

	result->leaves = array;
	t->table = mem_strdup(d->info->label, e);
	t->strategy = mem_strdup(d->parts.strategy, e);
	t->key = mem_strdup(d->parts.key, e);
	t->leaf_count = (int64_t)d->info->leaf_count;
	ok = ok && t->table && t->strategy && t->key && count_missing(d, &t->missing, e);
	for (size_t i = 0; ok && i < d->info->leaf_count; i++) {
		const struct leaf *leaf = &d->info->leaves[i];
		struct firn_partition *p = &result->leaves[result->leaf_count++];
		struct leaf_sizes sizes;

		*p = (struct firn_partition){ .table = mem_strdup(d->info->label, e),
					      .leaf = mem_strdup(leaf->label, e),
					      .bound = mem_strdup(bound_of(d, leaf), e) };
		ok = p->table && p->leaf && p->bound && sizes_of_leaf(f->pg, leaf, 0, &sizes, e);
		if (!ok)
			break;
		p->rows = rows[i] = sizes.rows;
		p->rows_estimated = sizes.estimated;
		p->size = (struct firn_size){ sizes.heap_bytes, sizes.toast_bytes,
					      sizes.index_bytes };
		p->over = sizes.rows > result->leaf_rows;
		t->rows += sizes.rows;
		t->rows_estimated |= sizes.estimated;
		t->over += p->over;
		t->size.heap_bytes += sizes.heap_bytes;
		t->size.toast_bytes += sizes.toast_bytes;
		t->size.index_bytes += sizes.index_bytes;
	}
	if (ok)
		t->skew = partition_skew(rows, d->info->leaf_count);
	ok = ok && look_at_split(f, d, t, e);
	free(rows);
	return ok;
}

bool firn_partitions_status(struct firn *f, const struct firn_partitions_options *options,
			    struct firn_partitions_status *result, struct err *e)
{
	size_t capacity = 0;
	bool ok = engine_tables_given(f, e);

	*result = (struct firn_partitions_status){ .leaf_rows = options->leaf_rows
									? options->leaf_rows
									: FIRN_LEAF_ROWS };
	if (!ok)
		return false;
	result->tables = mem_new(f->table_count, sizeof(*result->tables), e);
	ok = result->tables != NULL;
	for (size_t i = 0; ok && i < f->table_count; i++) {
		struct divided d;

		ok = open_table(f, &f->tables[i], &d, e) && measure(f, &d, result, &capacity, e);
		close_table(&d);
	}
	return ok;
}

/* ---- recommend ---- */

static bool reason(struct firn_partition_advice *a, struct err *e, const char *fmt, ...)
	PRINTF(3, 4);
static bool reason(struct firn_partition_advice *a, struct err *e, const char *fmt, ...)
{
	char text[512];
	char **more = realloc(a->reasons, (a->reason_count + 1) * sizeof(*more));
	va_list args;

	if (!more)
		return err_no_memory(e);
	a->reasons = more;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	more[a->reason_count] = mem_strdup(text, e);
	return more[a->reason_count] && ++a->reason_count;
}

/* The one modulus of all its hash partitions; 0 where there is none. */
static int64_t common_modulus(const struct partitioning *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->items[i].modulus != p->items[0].modulus)
			return 0;
	return p->count ? p->items[0].modulus : 0;
}

static bool explain(struct firn_partition_advice *a, const struct partition_count *c,
		    int64_t leaf_rows, int64_t missing, int64_t modulus, struct err *e)
{
	char rows[32], most[32], bytes[16];
	int64_t n = a->leaves_planned;
	double leaf_bytes = a->rows > 0 ? (double)a->bytes / (double)a->rows *
						  (double)a->rows_planned / (double)n
					: 0;
	bool ok;

	str_format_count(a->rows_planned, rows, sizeof(rows));
	str_format_count(leaf_rows, most, sizeof(most));
	str_format_bytes(leaf_bytes > 0 ? (uint64_t)leaf_bytes : 0, bytes, sizeof(bytes));
	ok = reason(a, e, "%s rows at no more than %s a leaf need %lld %s.", rows, most,
		    (long long)c->evenly, c->evenly == 1 ? "leaf" : "leaves");
	if (ok && a->largest_share < 0 && c->evenly > 1)
		ok = reason(
			a, e,
			"The statistics do not name a largest workspace, so rows are taken to lie "
			"evenly: ANALYZE the table to know better.");
	if (ok && c->largest_too_large)
		ok = reason(a, e,
			    "The largest workspace has %.0f%% of the rows and lies in one leaf: no "
			    "number of leaves keeps that one below the limit.",
			    a->largest_share * 100);
	else if (ok && c->with_largest > c->evenly)
		ok = reason(
			a, e,
			"The largest workspace has %.0f%% of the rows and lies in one leaf: %lld "
			"leaves leave it room beside the others.",
			a->largest_share * 100, (long long)c->with_largest);
	if (ok && n > c->with_largest)
		ok = modulus ? reason(a, e,
				      "It is %lld, or that doubled: a modulus that the old one "
				      "divides "
				      "can stand beside it, so one leaf at a time can be divided; "
				      "fewer leaves would move every row.",
				      (long long)modulus)
			     : reason(a, e,
				      "It is a power of two, so that one leaf at a time can be "
				      "divided "
				      "later.");
	if (ok && leaf_bytes > 0)
		ok = reason(a, e, "A leaf would then take about %s, indexes included.", bytes);
	if (ok && n == PARTITIONS_MAX)
		ok = reason(a, e, "More than %d leaves are not recommended: planning slows down.",
			    PARTITIONS_MAX);
	if (ok && missing > 0)
		ok = reason(a, e,
			    "%lld of the hash remainders have no leaf: rows that fall there are "
			    "refused.",
			    (long long)missing);
	if (ok && n == a->leaves && missing == 0)
		ok = reason(a, e, "It has as many: nothing is to be done.");
	return ok;
}

static bool advise(struct firn *f, const struct divided *d, const struct firn_partitioned_table *t,
		   const struct firn_partitions_options *o, int64_t leaf_rows,
		   struct firn_partition_advice *a, struct err *e)
{
	struct partition_need need = { .target = leaf_rows };
	struct partition_count c;

	a->table = mem_strdup(t->table, e);
	a->strategy = mem_strdup(t->strategy, e);
	if (!a->table || !a->strategy ||
	    !partitioning_largest_share(f->pg, d->info, &a->largest_share, e))
		return false;
	a->rows = t->rows;
	a->rows_estimated = t->rows_estimated;
	a->bytes = t->size.heap_bytes + t->size.toast_bytes + t->size.index_bytes;
	a->rows_planned = o->rows ? o->rows : partition_rows_grown(t->rows, o->growth_percent);
	a->leaves = t->leaf_count;
	need.largest_share = a->largest_share;
	need.leaves_now = str_eq(t->strategy, "hash") ? common_modulus(&d->parts) : 0;
	need.rows = a->rows;
	a->leaves_now = partition_count_for(&need).recommended;
	need.rows = a->rows_planned;
	c = partition_count_for(&need);
	a->leaves_planned = c.recommended;
	return explain(a, &c, leaf_rows, t->missing, need.leaves_now, e);
}

bool firn_partitions_recommend(struct firn *f, const struct firn_partitions_options *options,
			       struct firn_partitions_advice *result, struct err *e)
{
	struct firn_partitions_status status;
	bool ok;

	*result = (struct firn_partitions_advice){ 0 };
	if (options->rows && options->growth_percent)
		return err_set(e, ERR_USAGE, "--growth and --rows cannot be used together");
	ok = firn_partitions_status(f, options, &status, e);
	result->leaf_rows = status.leaf_rows;
	if (ok) {
		result->tables = mem_new(f->table_count, sizeof(*result->tables), e);
		ok = result->tables != NULL;
	}
	for (size_t i = 0; ok && i < f->table_count; i++) {
		struct divided d;

		ok = open_table(f, &f->tables[i], &d, e) &&
		     advise(f, &d, &status.tables[i], options, status.leaf_rows,
			    &result->tables[result->table_count++], e);
		close_table(&d);
	}
	firn_partitions_status_release(&status);
	return ok;
}

/* ---- ensure ---- */

static bool judge(const struct divided *d, int64_t count, struct err *e)
{
	const char *label = d->info->label;

	if (!str_eq(d->parts.strategy, "hash")) {
		err_set(e, ERR_CONFIG, "table \"%s\" is %s, not divided by hash", label,
			d->parts.strategy[0] ? d->parts.key : "a plain table");
		return err_hint(
			e, "Only a table made with PARTITION BY HASH can have such partitions. "
			   "A plain table within the limit of rows a leaf may stay as it is.");
	}
	for (size_t i = 0; i < d->parts.count; i++) {
		int64_t modulus = d->parts.items[i].modulus;

		if (modulus == count)
			continue;
		err_set(e, ERR_CONFIG,
			"partition \"%s\" of \"%s\" is one of %lld, so there cannot be %lld",
			d->parts.items[i].name, label, (long long)modulus, (long long)count);
		if (common_modulus(&d->parts))
			return err_hint(e,
					"Run \"firn partitions ensure --count %lld\" to complete "
					"these, or \"firn partitions split --count %lld\" to move "
					"the table into another number of them.",
					(long long)modulus, (long long)count);
		return err_hint(e, "Its partitions have several moduli: create what is missing by "
				   "hand. \"firn partitions status\" shows them.");
	}
	return true;
}

static const struct partition *partition_at(const struct partitioning *p, int64_t remainder)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->items[i].remainder == remainder)
			return &p->items[i];
	return NULL;
}

/* Short waits for the lock, with pauses: who waits for an exclusive lock makes everyone behind it wait, too. */
static bool create_patiently(struct firn *f, const struct divided *d, const char *name,
			     int64_t count, int64_t remainder, struct err *e)
{
	for (int try = 1;; try++) {
		if (partitioning_create(f->pg, d->info, &d->parts, name, count, remainder,
					LOCK_WAIT_MS, e))
			return true;
		if (e->code != ERR_BUSY || try == LOCK_TRIES)
			return false;
		if (signal_stop_requested())
			return err_set(e, ERR_INTERRUPTED, "asked to stop");
		clock_sleep_ms(f->clock, 500);
		err_clear(e);
	}
}

static bool ensure_one(struct firn *f, const struct divided *d, int64_t remainder,
		       struct firn_partitions_made *result, struct err *e)
{
	const struct partition *there = partition_at(&d->parts, remainder);
	struct firn_partition_made *made = &result->leaves[result->leaf_count];
	struct buf name = BUF_INIT, label = BUF_INIT;
	bool ok;

	if (there)
		buf_add_str(&name, there->name);
	else
		buf_printf(&name, "%s_p%lld", d->info->name, (long long)remainder);
	buf_printf(&label, "%s.%s", there ? there->schema : d->info->schema, buf_str(&name));
	ok = buf_ok(&name, e) && buf_ok(&label, e);
	if (ok && !there && (int64_t)name.len > d->parts.name_max)
		ok = err_set(e, ERR_CONFIG,
			     "name \"%s\" is longer than the %lld bytes that "
			     "Postgres keeps",
			     buf_str(&name), (long long)d->parts.name_max);
	if (ok && !there && signal_stop_requested())
		ok = err_set(e, ERR_INTERRUPTED, "asked to stop");
	ok = ok && (there || create_patiently(f, d, buf_str(&name), result->count, remainder, e));
	if (ok) {
		*made = (struct firn_partition_made){ .table = mem_strdup(d->info->label, e),
						      .leaf = buf_take(&label, e),
						      .remainder = remainder,
						      .created = !there };
		result->leaf_count++;
		result->created += !there;
		ok = made->table && made->leaf;
	}
	buf_release(&label);
	buf_release(&name);
	return ok;
}

bool firn_partitions_ensure(struct firn *f, const struct firn_partitions_options *options,
			    struct firn_partitions_made *result, struct err *e)
{
	struct divided *tables = NULL;
	bool ok = engine_tables_given(f, e);

	*result = (struct firn_partitions_made){ .count = options->count };
	if (!ok)
		return false;
	if (options->count < 1 || options->count > PARTITIONS_MAX) {
		err_set(e, ERR_USAGE, "--count is to be from 1 to %d", PARTITIONS_MAX);
		return err_hint(e, "\"firn partitions recommend\" says how many there should be.");
	}
	tables = mem_new(f->table_count, sizeof(*tables), e);
	if (tables)
		result->leaves = mem_new(f->table_count * (size_t)options->count,
					 sizeof(*result->leaves), e);
	ok = result->leaves != NULL;
	/* Every table is judged before one is changed. */
	for (size_t i = 0; ok && i < f->table_count; i++)
		ok = open_table(f, &f->tables[i], &tables[i], e) &&
		     judge(&tables[i], options->count, e);
	for (size_t i = 0; ok && i < f->table_count; i++)
		for (int64_t n = 0; ok && n < options->count; n++)
			ok = ensure_one(f, &tables[i], n, result, e);
	for (size_t i = 0; tables && i < f->table_count; i++)
		close_table(&tables[i]);
	free(tables);
	return ok;
}
