/* maintain --reclaim: a leaf whose files hold much room that no row needs is written anew by pg_repack, beside the old one
 * and while it is read and written. VACUUM gives only the end of a file back. */
#include "engine/upkeep.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/process.h"
#include "base/str.h"
#include "catalog/repack.h"

/* Less is not worth copying a leaf for; estimates are not better than a few percent. */
#define LEAST_SHARE 0.2
#define LEAST_BYTES (8 << 20)
/* pg_repack takes a short lock at its begin and end. Whoever is in the way is waited for so long, and never cancelled. */
#define WAIT_S "60"

/* What pg_repack wrote. */
struct output {
	struct firn *f;
	char last[512]; /* that was a warning or an error, else anything */
	bool told;
};

static void take_line(void *ctx, const char *line)
{
	struct output *o = ctx;
	bool matters = str_starts_with(line, "ERROR") || str_starts_with(line, "WARNING");

	log_info(&o->f->log, "pg_repack: %s", line);
	if (*line && (matters || !o->told))
		snprintf(o->last, sizeof(o->last), "%s", line);
	o->told |= matters;
}

/* The program of the server's version, or the one in the path. */
static bool find_program(int server_major, char *path, size_t size)
{
	const char *dirs = getenv("PATH");

	snprintf(path, size, "/usr/lib/postgresql/%d/bin/pg_repack", server_major);
	if (access(path, X_OK) == 0)
		return true;
	while (dirs && *dirs) {
		size_t len = strcspn(dirs, ":");

		snprintf(path, size, "%.*s/pg_repack", (int)len, dirs);
		if (len > 0 && access(path, X_OK) == 0)
			return true;
		dirs += len + (dirs[len] == ':');
	}
	return false;
}

static bool put_off(struct work *w, int64_t bytes, int64_t waste, const char *reason, struct err *e)
{
	return upkeep_add_step(w, "", "put-off", 0, bytes, bytes, waste, e, "%s", reason);
}

/* What keeps pg_repack from running, as a sentence; "" when nothing does. */
static bool find_obstacle(struct work *w, const struct repack_state *state, bool program,
			  char *reason, size_t size, struct err *e)
{
	int64_t room = (int64_t)w->f->config.maintain.disk_free_bytes;
	char has[16], needs[16];

	*reason = '\0';
	if (!room && !index_work_disk_free(w->f->pg, &room, e))
		return false;
	if (!program)
		snprintf(
			reason, size,
			"there is no program pg_repack here: install postgresql-%d-repack, or give "
			"the room back by VACUUM FULL when nobody needs the leaf, which locks it",
			state->server_major);
	else if (!*state->version)
		snprintf(reason, size,
			 "the database has no extension pg_repack: CREATE EXTENSION pg_repack, or "
			 "give the room back by VACUUM FULL when nobody needs the leaf, which "
			 "locks it");
	else if (!state->may_use)
		snprintf(
			reason, size,
			"the role may not use the extension pg_repack: it wants a superuser, or on "
			"a managed server the role that the manual names");
	else if (!state->has_key)
		snprintf(reason, size,
			 "pg_repack needs a primary key, or a unique index over columns that are "
			 "NOT "
			 "NULL");
	else if (state->left_over)
		snprintf(reason, size,
			 "a pg_repack that died left its trigger: when none is running, DROP "
			 "EXTENSION pg_repack CASCADE and CREATE EXTENSION pg_repack");
	else if (room >= 0 && state->total_bytes > room)
		snprintf(reason, size,
			 "a copy of the leaf and its indexes may need %s of disk, there are %s",
			 str_format_bytes((uint64_t)state->total_bytes, needs, sizeof(needs)),
			 str_format_bytes((uint64_t)room, has, sizeof(has)));
	return true;
}

static bool run(struct work *w, const char *program, struct output *out, int *status, struct err *e)
{
	const char *memory = w->f->config.maintain.work_mem;
	struct buf options = BUF_INIT, table = BUF_INIT;
	char **environment = NULL;
	bool ok;

	/* What index_work_set_up_build sets for a build of ours. */
	buf_add_str(&options, "-c min_parallel_table_scan_size=0");
	if (memory)
		buf_printf(&options, " -c maintenance_work_mem=%s", memory);
	buf_printf(&table, "--table=%s", w->leaf->qualified);
	ok = buf_ok(&options, e) && buf_ok(&table, e) &&
	     pg_environment(w->f->pg, buf_str(&options), &environment, e);
	if (ok) {
		/* Superuser or not: the server says what the role may do. We analyze ourselves. */
		const char *argv[] = { program,
				       "--no-superuser-check",
				       "--no-kill-backend",
				       "--wait-timeout=" WAIT_S,
				       "--no-order",
				       "--no-analyze",
				       "--no-password",
				       buf_str(&table),
				       NULL };
		const struct process process = {
			.argv = argv,
			.environment = (const char *const *)environment,
			.line = take_line,
			.ctx = out,
		};

		ok = process_run(&process, status, e);
	}
	pg_environment_free(environment);
	buf_release(&options);
	buf_release(&table);
	return ok;
}

/* pg_repack ends well also where it gave up waiting: whether it did its work, the leaf's file says. */
static bool repack(struct work *w, const char *program, const struct repack_state *before,
		   int64_t bytes, int64_t waste, bool *done, struct err *e)
{
	int64_t start_ms = clock_now_ms(w->f->clock), left = 0, fresh = -1, still;
	struct output out = { .f = w->f };
	struct repack_state after;
	char reason[640];
	double seconds;
	int status;

	if (FAULT("reclaim.before_repack"))
		return err_set(e, ERR_INTERNAL, "a fault was injected");
	log_notice(&w->f->log, "leaf \"%s\" is written anew by pg_repack", w->leaf->label);
	if (!run(w, program, &out, &status, e))
		return false;
	if (FAULT("reclaim.after_repack"))
		return err_set(e, ERR_INTERNAL, "a fault was injected");
	seconds = upkeep_seconds_since(w, start_ms);
	if (!repack_look(w->f->pg, w->leaf, &after, e))
		return false;
	*done = after.file != before->file;
	if (!*done) {
		snprintf(reason, sizeof(reason), "pg_repack ended with status %d: %s", status,
			 *out.last ? out.last : "it gave no reason");
		return put_off(w, bytes, waste, reason, e);
	}
	if (!index_work_table_bytes(w->f->pg, w->table->info, w->leaf, w->rows, &left, &fresh, e) ||
	    !upkeep_log_step(w, NULL, "repack", w->dead, left, seconds, e))
		return false;
	still = fresh >= 0 && left > fresh ? left - fresh : 0;
	return upkeep_add_step(
		w, "", "repack", seconds, bytes, left, still > left / 20 ? still : 0, e,
		"written anew with its indexes: %.0f%% of it was room for rows to come",
		100 * (double)waste / (double)bytes);
}

bool upkeep_reclaim(struct work *w, bool *done, bool *waits, struct err *e)
{
	struct throttle throttle = THROTTLE_INIT;
	struct repack_state state;
	int64_t bytes, fresh, waste;
	char program[512], reason[512], size[16];
	bool found, go, ok;

	*done = *waits = false;
	if (!index_work_rows(w->f->pg, w->leaf->oid, &w->rows, &w->dead, e) ||
	    !index_work_table_bytes(w->f->pg, w->table->info, w->leaf, w->rows, &bytes, &fresh, e))
		return false;
	waste = fresh >= 0 && bytes > fresh ? bytes - fresh : 0;
	if (waste < LEAST_BYTES || (double)waste < LEAST_SHARE * (double)bytes)
		return true;
	if (!repack_look(w->f->pg, w->leaf, &state, e))
		return false;
	found = find_program(state.server_major, program, sizeof(program));
	if (!find_obstacle(w, &state, found, reason, sizeof(reason), e))
		return false;
	if (*reason) {
		*waits = true;
		return put_off(w, bytes, waste, reason, e);
	}
	if (w->options->dry_run) {
		*done = true;
		return upkeep_add_step(w, "", "repack", 0, bytes, bytes, waste, e,
				       "%s could go back to the disk",
				       str_format_bytes((uint64_t)waste, size, sizeof(size)));
	}
	throttle.f = w->f;
	throttle.table = w->table;
	ok = throttle_enter(&throttle, 0, &go, e);
	if (ok && go)
		ok = repack(w, program, &state, bytes, waste, done, e);
	else if (ok)
		ok = put_off(w, bytes, waste, throttle.reason, e);
	*waits = ok && !*done;
	throttle_leave(&throttle);
	return ok;
}
