/* firn versions promote: looks whether readers would miss anything, and flips, in one transaction. */
#include "engine/versions.h"

#include <inttypes.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/str.h"

/* Whether a reader who asks for the new version finds what he finds now. */
static bool check_cover(struct version_change *c, const char *active, const char *to,
			const struct version_cover *cover, struct err *e)
{
	if (cover->cold_rows > 0) {
		err_set(e, ERR_CONFIG,
			"%" PRId64 " rows of version \"%s\" of workspace \"%s\" are cold",
			cover->cold_rows, to, c->workspace);
		return err_hint(e,
				"Run \"firn rehydrate --workspace %s --version %s\" first, or "
				"\"firn versions rollback --workspace %s --to %s\" to go back to a "
				"version that was active.",
				c->workspace, to, c->workspace, to);
	}
	if (cover->hot_rows == 0 && cover->active_rows > 0)
		return err_set(e, ERR_CONFIG, "workspace \"%s\" has no row of version \"%s\"",
			       c->workspace, to);
	if (cover->documents > 0 && !table_info_column(c->table.info, COLUMN_DOCUMENT)) {
		err_set(e, ERR_CONFIG,
			"table \"%s\" has no column for the document: nothing says whether version "
			"\"%s\" is complete",
			c->table.info->label, to);
		return err_hint(e, "Name it under tables: columns: document.");
	}
	if (cover->missing > 0) {
		version_change_refuse_missing(c, active, to, cover, e);
		return err_hint(e, "Write the missing rows, then promote again.");
	}
	return true;
}

static bool note_cover(struct version_change *c, const char *active,
		       const struct version_cover *cover, struct err *e)
{
	if (cover->fewer > 0 &&
	    !version_change_note(c, e,
				 "%" PRId64 " documents have fewer rows of the new version than of "
				 "\"%s\"",
				 cover->fewer, active))
		return false;
	return cover->active_cold_rows == 0 ||
	       version_change_note(c, e,
				   "%" PRId64 " rows of version \"%s\" are cold: their documents "
				   "were not looked for in the new version",
				   cover->active_cold_rows, active);
}

/* In the transaction. Another direction than that of a rollback under way ends it. */
static bool flip(struct version_change *c, const struct version_state *state,
		 const struct flip_record *open, const char *to, struct err *e)
{
	struct pg *pg = c->f->pg;
	struct version_cover cover;

	if ((open->id && !flip_record_end(pg, open->id, false, e)) ||
	    !version_change_cover(c, state->active, to, &cover, e))
		return false;
	version_change_tell(c, &cover);
	if (str_eq(state->active, to))
		return true;
	if (!check_cover(c, state->active, to, &cover, e) ||
	    !note_cover(c, state->active, &cover, e) ||
	    !version_flip(pg, c->table.info, c->table.id, c->workspace, to, e) ||
	    !flip_record_promote(pg, c->table.id, c->workspace, state->active, to, e))
		return false;
	c->result->flipped = 1;
	return true;
}

static bool promote(struct version_change *c, struct err *e)
{
	struct version_state state = { 0 };
	struct flip_record open = { 0 };
	struct pg *pg = c->f->pg;
	const char *to;
	bool ok;

	ok = version_flip_begin(pg, c->table.info, c->table.id, e) &&
	     version_state_lock(pg, c->table.info, c->workspace, &state, e) &&
	     flip_record_open(pg, c->table.id, c->workspace, &open, e);
	if (!ok)
		goto out;
	to = c->to ? c->to : state.target;
	if (!to) {
		ok = err_set(e, ERR_USAGE, "workspace \"%s\" has no target version", c->workspace);
		err_hint(e, "Name the version by --to.");
		goto out;
	}
	c->result->from = mem_strdup(state.active, e);
	c->result->to = mem_strdup(to, e);
	ok = c->result->from && c->result->to && flip(c, &state, &open, to, e);
	if (ok && FAULT("versions.before_promote"))
		ok = err_set(e, ERR_INTERNAL, "a fault was injected");
	ok = ok && pg_commit(pg, e);
	if (ok && FAULT("versions.after_promote"))
		ok = err_set(e, ERR_INTERNAL, "a fault was injected");
	if (ok && open.id)
		ok = version_change_note(c, e, "the rollback to version \"%s\" was given up",
					 open.to);
out:
	if (!ok && pg_in_transaction(pg)) {
		pg_rollback(pg);
		c->result->flipped = 0;
	}
	flip_record_release(&open);
	version_state_release(&state);
	return ok;
}

bool firn_versions_promote(struct firn *f, const struct firn_version_options *options,
			   struct firn_version_result *result, struct err *e)
{
	int64_t started_ms = clock_now_ms(f->clock);
	struct version_change c;
	bool ok = version_change_open(&c, f, options, result, e) && promote(&c, e);

	version_change_close(&c);
	result->seconds = (double)(clock_now_ms(f->clock) - started_ms) / 1000;
	return ok;
}
