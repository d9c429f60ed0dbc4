/* The building of one leaf's index: is there room, may it be now, with how much memory, and then CREATE INDEX
 * CONCURRENTLY. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/signal.h"
#include "base/str.h"
#include "catalog/index_work.h"
#include "engine/build_watch.h"
#include "engine/index_cost.h"
#include "engine/index_ensure.h"
#include "engine/throttle.h"

#define LOCK_WAIT_MS 2000
#define LOCK_TRIES   15
#define BUILD_TRIES  3
#define ROOM_FACTOR  1.1

bool ensure_step(struct ensure *x, const char *leaf, const char *index, const char *action,
		 double seconds, int64_t before, int64_t after, struct err *e, const char *fmt, ...)
{
	void *steps = x->result->steps;
	struct firn_maintain_step *step;
	char reason[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	if (!mem_grow(&steps, &x->capacity, x->result->step_count + 1, sizeof(*step), e))
		return false;
	x->result->steps = steps;
	step = &x->result->steps[x->result->step_count++];
	*step = (struct firn_maintain_step){
		.table = mem_strdup(x->table->info->label, e),
		.leaf = mem_strdup(leaf, e),
		.index = mem_strdup(index, e),
		.reason = mem_strdup(reason, e),
		.seconds = seconds,
		.bytes_before = before,
		.bytes_after = after,
	};
	snprintf(step->action, sizeof(step->action), "%s", action);
	log_info(&x->f->log, "%s index %s of %s: %s", action, index, leaf, reason);
	return step->table && step->leaf && step->index && step->reason;
}

bool ensure_name(struct ensure *x, const struct vector_node *node, struct index_target *t,
		 const char *name, struct err *e)
{
	struct buf b = BUF_INIT;

	free(t->name);
	free(t->qualified);
	t->name = mem_strdup(name, e);
	pg_add_qualified(x->f->pg, &b, node->schema, name);
	t->qualified = buf_take(&b, e);
	t->temporary = str_starts_with(name, VECTOR_NEW_PREFIX);
	return t->name && t->qualified;
}

bool ensure_patiently(struct ensure *x, const char *sql, struct err *e)
{
	for (int try = 1;; try++) {
		if (vector_run_short(x->f->pg, sql, LOCK_WAIT_MS, e))
			return true;
		if (e->code != ERR_BUSY || try == LOCK_TRIES)
			return false;
		if (signal_stop_requested())
			return err_set(e, ERR_INTERRUPTED, "asked to stop");
		clock_sleep_ms(x->f->clock, 500);
		err_clear(e);
	}
}

static bool judge_cost(struct ensure *x, const struct index_target *t, struct index_cost *cost,
		       struct err *e)
{
	struct leaf_index index = {
		.vector = true,
		.dimensions = x->shape.dimensions,
		.vector_bytes = vector_type_bytes(x->shape.type_name, x->shape.dimensions),
		.links = (int)t->options.m,
	};

	snprintf(index.method, sizeof(index.method), "%s", x->shape.method);
	if (!index_cost_of(x->f, &index, t->rows, 0, 0, cost, e))
		return false;
	cost->shape.method = x->shape.method;
	return true;
}

static bool check_room(struct ensure *x, size_t node, const struct index_cost *cost, struct err *e)
{
	const struct index_target *t = &x->targets[node];
	int64_t room = (int64_t)x->f->config.maintain.disk_free_bytes;
	int64_t bytes = cost_fresh_bytes(&cost->shape);
	char needs[16], has[16];

	if (t->old >= 0 && bytes == 0)
		bytes = x->have.items[t->old].bytes;
	if (!room && !index_work_disk_free(x->f->pg, &room, e))
		return false;
	if (room < 0)
		log_info(&x->f->log, "cannot see how much room the database's disk has");
	if (room < 0 || (double)room >= (double)bytes * ROOM_FACTOR)
		return true;
	x->put_off = true;
	return ensure_step(
		x, x->have.nodes[node].label, t->final_name, "put-off", 0, 0, 0, e,
		"it needs %s of disk, there are %s",
		str_format_bytes((uint64_t)((double)bytes * ROOM_FACTOR), needs, sizeof(needs)),
		str_format_bytes((uint64_t)room, has, sizeof(has)));
}

/* What the session gets: as the configuration says, else what the build needs within the limit. The server's RAM cannot
 * be seen by a client; shared_buffers is what its administrator thought a process may well have, all of them together. */
static bool set_memory(struct ensure *x, const struct index_target *t,
		       const struct index_cost *cost, int64_t workers, struct err *e)
{
	int64_t builds = x->f->config.maintain.builds, needs, most, memory;
	struct vector_memory server;
	char a[16], b[16];

	if (!vector_server_memory(x->f->pg, &server, e))
		return false;
	needs = str_eq(x->shape.method, "hnsw")
			? cost_graph_bytes(&cost->shape)
			: index_lists_memory(t->options.lists > 0 ? t->options.lists
								  : IVFFLAT_DEFAULT_LISTS,
					     t->rows, cost->shape.vector_bytes);
	most = x->f->config.maintain.build_memory_bytes
		       ? (int64_t)x->f->config.maintain.build_memory_bytes
		       : server.shared_bytes / builds;
	memory = x->f->config.maintain.work_mem
			 ? cost->shape.memory_bytes
			 : index_build_memory(needs, server.maintenance_bytes, most);
	if (needs > memory)
		log_notice(&x->f->log,
			   "the build needs about %s of memory, and gets %s: it will be slow. "
			   "maintain: { build_memory: } in the configuration gives more",
			   str_format_bytes((uint64_t)needs, a, sizeof(a)),
			   str_format_bytes((uint64_t)memory, b, sizeof(b)));
	log_info(&x->f->log, "build memory %s, needed about %s",
		 str_format_bytes((uint64_t)memory, b, sizeof(b)),
		 str_format_bytes((uint64_t)needs, a, sizeof(a)));
	return vector_set_up_build(x->f->pg, memory, workers, e);
}

static bool run_build(struct ensure *x, size_t node, const char *name, struct err *e)
{
	const struct vector_node *n = &x->have.nodes[node];
	const struct index_target *t = &x->targets[node];
	struct buf sql = BUF_INIT, what = BUF_INIT;
	struct build_watch watch;
	bool ok;

	vector_add_create(x->f->pg, &sql, &x->shape, n, name, &t->options,
			  t->old >= 0 ? x->have.items[t->old].tablespace : "", true);
	buf_printf(&what, "index %s on %s", t->final_name, n->label);
	ok = buf_ok(&sql, e) && buf_ok(&what, e);
	if (ok) {
		build_watch_start(&watch, x->f, buf_str(&what));
		ok = vector_run_alone(x->f->pg, buf_str(&sql), e);
		build_watch_stop(&watch);
	}
	buf_release(&sql);
	buf_release(&what);
	return ok;
}

static bool drop_failed(struct ensure *x, const struct vector_node *n, const char *name)
{
	struct buf qualified = BUF_INIT;
	struct leaf_index index = { 0 };
	struct err ignored = { 0 };
	bool ok;

	pg_add_qualified(x->f->pg, &qualified, n->schema, name);
	index.qualified = (char *)buf_str(&qualified);
	ok = buf_ok(&qualified, &ignored) && index_work_drop(x->f->pg, &index, &ignored);
	buf_release(&qualified);
	return ok;
}

/* Parallel workers share their graph in /dev/shm, which containers often keep small. */
static bool lacks_shared_memory(struct ensure *x)
{
	return str_eq(pg_last_sqlstate(x->f->pg), "53100") && str_eq(x->shape.method, "hnsw");
}

static bool build(struct ensure *x, size_t node, const char *name, const struct index_cost *cost,
		  struct err *e)
{
	const struct vector_node *n = &x->have.nodes[node];
	int64_t workers = x->f->config.maintain.build_workers;

	for (int try = 1;; try++) {
		bool alone;

		if (!set_memory(x, &x->targets[node], cost, workers, e))
			return false;
		if (run_build(x, node, name, e))
			return vector_reset_build(x->f->pg, e);
		alone = lacks_shared_memory(x);
		/* What is not dropped now is found by the next run. */
		if (!drop_failed(x, n, name) || e->code != ERR_BUSY)
			return false;
		if (signal_stop_requested())
			return err_set(e, ERR_INTERRUPTED, "asked to stop");
		if (try == BUILD_TRIES || (alone && workers == 0))
			return false;
		if (alone)
			workers = 0;
		log_notice(&x->f->log, "building index %s on %s again: %s",
			   x->targets[node].final_name, n->label, e->message);
		err_clear(e);
	}
}

static bool record(struct ensure *x, size_t node, const struct index_cost *cost, double seconds,
		   struct err *e)
{
	const struct index_target *t = &x->targets[node];
	const struct vector_node *n = &x->have.nodes[node];
	struct work_log log = {
		.table_id = x->table->id,
		.leaf = n->label,
		.index = t->final_name,
		.method = x->shape.method,
		.action = "reindex",
		.rows = t->rows,
		.bytes_before = t->old >= 0 ? x->have.items[t->old].bytes : 0,
		.seconds = seconds,
		.dimensions = cost->shape.dimensions,
		.links = cost->shape.links,
	};
	char options[96];

	if (!index_work_bytes(x->f->pg, t->qualified, &log.bytes_after, e) ||
	    !index_work_log(x->f->pg, &log, e))
		return false;
	x->result->built++;
	if (str_eq(x->shape.method, "hnsw"))
		snprintf(options, sizeof(options), "m %" PRId64 ", ef_construction %" PRId64,
			 t->options.m ? t->options.m : HNSW_DEFAULT_M,
			 t->options.ef_construction ? t->options.ef_construction
						    : HNSW_DEFAULT_EF_CONSTRUCTION);
	else
		snprintf(options, sizeof(options), "lists %" PRId64 "%s",
			 t->options.lists ? t->options.lists : IVFFLAT_DEFAULT_LISTS,
			 t->rows == 0 ? "; the leaf has no rows that lists could be made from: "
					"build it anew when it has"
				      : "");
	if (t->rows == 0 && str_eq(x->shape.method, "ivfflat"))
		log_warning(&x->f->log,
			    "leaf \"%s\" has no rows: an IVFFlat index built now finds little of "
			    "what comes in later",
			    n->label);
	return ensure_step(x, n->label, t->final_name, "create", seconds, log.bytes_before,
			   log.bytes_after, e, "%s", options);
}

static bool build_now(struct ensure *x, size_t node, const struct index_cost *cost, struct err *e)
{
	const struct vector_node *n = &x->have.nodes[node];
	int64_t start_ms = clock_now_ms(x->f->clock);
	char name[INDEX_NAME_MAX];

	snprintf(name, sizeof(name), VECTOR_NEW_PREFIX "%u_%s", n->oid, x->shape.method);
	if (FAULT("indexes.before_build"))
		return err_set(e, ERR_INTERNAL, "a fault was injected");
	if (!build(x, node, name, cost, e))
		return err_wrap(e, "could not build index \"%s\" on \"%s\"",
				x->targets[node].final_name, n->label);
	if (FAULT("indexes.after_build"))
		return err_set(e, ERR_INTERNAL, "a fault was injected");
	return ensure_name(x, n, &x->targets[node], name, e) &&
	       record(x, node, cost, (double)(clock_now_ms(x->f->clock) - start_ms) / 1000, e);
}

bool ensure_build_leaf(struct ensure *x, size_t node, struct err *e)
{
	const struct index_target *t = &x->targets[node];
	struct throttle throttle = THROTTLE_INIT;
	struct index_cost cost;
	bool go = false, ok;

	if (!judge_cost(x, t, &cost, e) || !check_room(x, node, &cost, e))
		return false;
	if (x->put_off)
		return true;
	if (x->options->dry_run) {
		x->result->built++;
		return ensure_step(x, x->have.nodes[node].label, t->final_name, "create",
				   cost.estimate.reindex_s, 0, cost_fresh_bytes(&cost.shape), e,
				   "it is not there");
	}
	throttle.f = x->f;
	throttle.table = x->table;
	ok = throttle_enter(&throttle, cost.estimate.reindex_s, &go, e);
	if (ok && go) {
		ok = build_now(x, node, &cost, e);
	} else if (ok) {
		x->put_off = true;
		ok = ensure_step(x, x->have.nodes[node].label, t->final_name, "put-off", 0, 0, 0, e,
				 "%s", throttle.reason);
	}
	throttle_leave(&throttle);
	return ok;
}
