/*
 * firn versions rollback: back to a version of which rows may be cold, with no moment in which a reader finds neither.
 *
 *   1. One transaction records the rollback: passes that began before it cannot delete any more, later ones leave the
 *      version's rows alone while it is under way.
 *   2. What is cold comes back, and the index work is done. The version active until now stays so.
 *   3. One transaction looks whether anything that can come back is cold, and whether it can be searched, and flips.
 *
 * Whatever dies is run again: the record says where to, each step finds what was done.
 */
#include "engine/versions.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/str.h"

/* Each begins with what the one before found cold at the flip. */
#define ROUNDS 3

struct rollback {
	struct version_change change;
	struct flip_record record; /* to: the version to go back to */
	int64_t cold_rows;         /* of it, when last counted */
	int64_t stuck_rows;        /* that the last rehydrate could not bring back */
	bool done;
};

static bool fault(struct err *e)
{
	return err_set(e, ERR_INTERNAL, "a fault was injected");
}

/* To which version, when nobody says so. */
static bool find_promoted(struct rollback *r, const struct version_state *state, char **to_out,
			  struct err *e)
{
	struct version_change *c = &r->change;
	struct flip_record promoted;
	bool ok = false;

	if (!flip_record_promoted(c->f->pg, c->table.id, c->workspace, &promoted, e))
		goto out;
	/* That it was undone is no error: what died after the flip is run again. */
	if (!promoted.id ||
	    (!str_eq(promoted.to, state->active) && !str_eq(promoted.from, state->active))) {
		if (promoted.id)
			err_set(e, ERR_USAGE,
				"the latest promote of workspace \"%s\" was to version \"%s\", "
				"but version \"%s\" is active",
				c->workspace, promoted.to, state->active);
		else
			err_set(e, ERR_USAGE, "firn has promoted no version of workspace \"%s\"",
				c->workspace);
		err_hint(e, "Name the version to go back to by --to.");
		goto out;
	}
	*to_out = mem_strdup(promoted.from, e);
	ok = *to_out != NULL;
out:
	flip_record_release(&promoted);
	return ok;
}

/* Sets record: of the rollback under way, else with id 0 of the one to begin. */
static bool choose(struct rollback *r, const struct version_state *state, struct err *e)
{
	struct version_change *c = &r->change;

	if (!flip_record_open(c->f->pg, c->table.id, c->workspace, &r->record, e))
		return false;
	if (r->record.id && c->to && !str_eq(c->to, r->record.to)) {
		err_set(e, ERR_USAGE,
			"a rollback of workspace \"%s\" to version \"%s\" is unfinished",
			c->workspace, r->record.to);
		return err_hint(
			e,
			"Finish it by \"firn versions rollback --workspace %s\", or give it "
			"up by \"firn versions promote --workspace %s --to %s\".",
			c->workspace, c->workspace, state->active);
	}
	c->result->resumed = r->record.id != 0;
	if (!r->record.id) {
		r->record.from = mem_strdup(state->active, e);
		if (!r->record.from)
			return false;
		if (c->to)
			r->record.to = mem_strdup(c->to, e);
		else if (!find_promoted(r, state, &r->record.to, e))
			return false;
		if (!r->record.to)
			return false;
	}
	c->result->from = mem_strdup(state->active, e);
	c->result->to = mem_strdup(r->record.to, e);
	return c->result->from && c->result->to;
}

/* The version is what a reader gets: by this flip, by someone else's, or there was nothing to do. */
static bool end_flipped(struct rollback *r, struct err *e)
{
	r->done = true;
	return !r->record.id || flip_record_end(r->change.f->pg, r->record.id, true, e);
}

/* Whether the rollback makes sense as far as what is hot says; what is cold is not known yet. */
static bool check_worth(struct rollback *r, const struct version_cover *cover, struct err *e)
{
	struct version_change *c = &r->change;

	if (cover->hot_rows == 0 && cover->cold_rows == 0)
		return err_set(e, ERR_CONFIG, "workspace \"%s\" has no row of version \"%s\"",
			       c->workspace, r->record.to);
	return true;
}

static bool check_complete(struct rollback *r, const struct version_state *state,
			   const struct version_cover *cover, struct err *e)
{
	struct version_change *c = &r->change;

	if (cover->hot_rows == 0)
		return err_set(e, ERR_CONFIG,
			       "no row of version \"%s\" of workspace \"%s\" could be brought back",
			       r->record.to, c->workspace);
	if (c->options->allow_missing || cover->documents == 0)
		return true;
	if (!table_info_column(c->table.info, COLUMN_DOCUMENT)) {
		err_set(e, ERR_CONFIG,
			"table \"%s\" has no column for the document: nothing says whether version "
			"\"%s\" is complete",
			c->table.info->label, r->record.to);
		return err_hint(e, "Use --allow-missing to go back all the same.");
	}
	if (cover->missing == 0)
		return true;
	version_change_refuse_missing(c, state->active, r->record.to, cover, e);
	return err_hint(e, "Use --allow-missing to go back all the same: readers then do not find "
			   "these documents. What was brought back stays hot for a while.");
}

/* A refusal leaves nothing under way; the transaction is committed for that. Always false. */
static bool refuse(struct rollback *r, struct err *e)
{
	struct version_change *c = &r->change;
	struct err second = { 0 };

	if (r->record.id && e->code == ERR_CONFIG &&
	    (!flip_record_end(c->f->pg, r->record.id, false, &second) ||
	     !pg_commit(c->f->pg, &second)))
		log_err(&c->f->log, &second);
	return false;
}

static bool begin(struct rollback *r, struct err *e)
{
	struct version_change *c = &r->change;
	struct version_state state = { 0 };
	struct version_cover cover = { 0 };
	struct pg *pg = c->f->pg;
	bool ok;

	ok = version_flip_begin(pg, c->table.info, c->table.id, e) &&
	     version_state_lock(pg, c->table.info, c->workspace, &state, e) &&
	     choose(r, &state, e) && version_change_cover(c, state.active, r->record.to, &cover, e);
	if (!ok)
		goto out;
	version_change_tell(c, &cover);
	r->cold_rows = cover.cold_rows;
	if (str_eq(state.active, r->record.to)) {
		ok = end_flipped(r, e) && pg_commit(pg, e);
		goto out;
	}
	/* Without cold rows all is known, and nothing needs to be begun for a refusal. */
	ok = check_worth(r, &cover, e) &&
	     (cover.cold_rows > 0 || check_complete(r, &state, &cover, e));
	if (!ok) {
		refuse(r, e);
		goto out;
	}
	ok = (r->record.id || flip_record_rollback(pg, c->table.id, c->workspace, state.active,
						   r->record.to, &r->record.id, e)) &&
	     version_note_residency(pg, c->table.id, c->workspace, e) && pg_commit(pg, e);
	if (ok && FAULT("versions.after_begin"))
		ok = fault(e);
out:
	if (!ok && pg_in_transaction(pg))
		pg_rollback(pg);
	version_state_release(&state);
	return ok;
}

/* The result of one rehydrate becomes part of that of the whole. */
static bool take_result(struct rollback *r, struct firn_rehydrate_result *part, struct err *e)
{
	struct firn_version_result *result = r->change.result;
	bool ok = true;

	result->rows_back += part->rows;
	result->bytes_fetched += part->bytes_fetched;
	r->stuck_rows = part->rows_hot + part->rows_orphaned;
	for (size_t i = 0; ok && i < part->note_count; i++)
		ok = version_change_note(&r->change, e, "%s", part->notes[i]);
	/* The steps of the last are the ones to show. */
	if (part->maintain.step_count || part->maintain.put_off) {
		firn_maintain_result_release(&result->maintain);
		result->maintain = part->maintain;
		part->maintain = (struct firn_maintain_result){ 0 };
	}
	firn_rehydrate_result_release(part);
	return ok;
}

static bool bring_back(struct rollback *r, struct err *e)
{
	struct version_change *c = &r->change;
	const char *const versions[] = { r->record.to };
	const struct firn_rehydrate_options options = {
		.workspaces = &c->workspace,
		.workspace_count = 1,
		.versions = versions,
		.version_count = 1,
		.no_maintain = c->options->no_maintain,
	};
	struct firn_rehydrate_result part = { 0 };
	struct err second = { 0 };
	int64_t frozen;
	bool ok;

	if (r->cold_rows == 0)
		return true;
	ok = firn_rehydrate(c->f, &options, &part, e);
	frozen = part.segments_frozen;
	ok = take_result(r, &part, ok ? e : &second) && ok;
	/* Their rows will come back: that they are cold now is no reason to go without them. */
	if (ok && frozen > 0) {
		ok = err_set(e, ERR_FROZEN,
			     "%" PRId64
			     " segments of version \"%s\" must be restored first, which was "
			     "asked for",
			     frozen, r->record.to);
		err_hint(e, "Run the same again when they can be read: it goes on.");
	}
	if (ok && FAULT("versions.after_rehydrate"))
		ok = fault(e);
	return ok;
}

/* ERR_BUSY while a vector index that a search would use is not there. */
static bool check_indexes(struct rollback *r, struct err *e)
{
	struct version_change *c = &r->change;
	struct buf names = BUF_INIT;
	bool ok = version_unusable_indexes(c->f->pg, c->table.info, c->table.id, c->workspace,
					   r->record.to, &names, e);

	if (ok && names.len) {
		ok = err_set(e, ERR_BUSY,
			     "vector indexes that version \"%s\" of workspace \"%s\" needs are not "
			     "whole yet: %s",
			     r->record.to, c->workspace, buf_str(&names));
		err_hint(e, "Run \"firn maintain\", or build them, then roll back again.");
	}
	buf_release(&names);
	return ok;
}

static bool note_result(struct rollback *r, const struct version_cover *cover, struct err *e)
{
	struct version_change *c = &r->change;

	if (cover->missing > 0 &&
	    !version_change_note(c, e, "%" PRId64 " documents have no row of version \"%s\"",
				 cover->missing, r->record.to))
		return false;
	return cover->cold_rows == 0 ||
	       version_change_note(c, e,
				   "%" PRId64 " rows of version \"%s\" stay cold: their document "
				   "is gone, or their id is hot",
				   cover->cold_rows, r->record.to);
}

/* In its transaction. *again: rows went cold, or came up, meanwhile. */
static bool flip_locked(struct rollback *r, const struct version_state *state, bool *again,
			struct err *e)
{
	struct version_change *c = &r->change;
	struct pg *pg = c->f->pg;
	struct version_cover cover;
	struct flip_record open;
	bool ours;

	*again = false;
	if (!flip_record_open(pg, c->table.id, c->workspace, &open, e)) {
		flip_record_release(&open);
		return false;
	}
	ours = open.id == r->record.id;
	flip_record_release(&open);
	if (str_eq(state->active, r->record.to))
		return end_flipped(r, e);
	if (!ours)
		return err_set(e, ERR_BUSY,
			       "the rollback of workspace \"%s\" was ended by someone else",
			       c->workspace);
	if (!version_change_cover(c, state->active, r->record.to, &cover, e))
		return false;
	version_change_tell(c, &cover);
	r->cold_rows = cover.cold_rows;
	if (cover.cold_rows > r->stuck_rows) {
		*again = true;
		return true;
	}
	if (!check_complete(r, state, &cover, e))
		return refuse(r, e);
	if (!check_indexes(r, e) || !note_result(r, &cover, e) ||
	    !version_flip(pg, c->table.info, c->table.id, c->workspace, r->record.to, e) ||
	    !end_flipped(r, e))
		return false;
	c->result->flipped = 1;
	return true;
}

static bool flip(struct rollback *r, struct err *e)
{
	struct version_change *c = &r->change;
	struct version_state state = { 0 };
	struct pg *pg = c->f->pg;
	bool again = false, ok;

	ok = version_flip_begin(pg, c->table.info, c->table.id, e) &&
	     version_state_lock(pg, c->table.info, c->workspace, &state, e) &&
	     flip_locked(r, &state, &again, e);
	if (ok && again)
		pg_rollback(pg);
	if (ok && !again && FAULT("versions.before_flip"))
		ok = fault(e);
	ok = ok && (again || pg_commit(pg, e));
	if (ok && !again && FAULT("versions.after_flip"))
		ok = fault(e);
	if (!ok && pg_in_transaction(pg)) {
		pg_rollback(pg);
		c->result->flipped = 0;
	}
	version_state_release(&state);
	return ok;
}

static bool roll_back(struct rollback *r, struct err *e)
{
	struct version_change *c = &r->change;

	if (!begin(r, e))
		return false;
	for (int round = 0; round < ROUNDS && !r->done; round++)
		if (!bring_back(r, e) || !flip(r, e))
			return false;
	if (r->done)
		return true;
	err_set(e, ERR_BUSY,
		"%" PRId64 " rows of version \"%s\" of workspace \"%s\" are cold again: something "
		"keeps moving them out",
		r->cold_rows, r->record.to, c->workspace);
	return err_hint(e,
			"Version \"%s\" is still active. Stop passes, or let the policy's "
			"limits.min_residency be long enough, then roll back again.",
			c->result->from);
}

bool firn_versions_rollback(struct firn *f, const struct firn_version_options *options,
			    struct firn_version_result *result, struct err *e)
{
	int64_t started_ms = clock_now_ms(f->clock);
	struct rollback r = { 0 };
	bool ok = version_change_open(&r.change, f, options, result, e) && roll_back(&r, e);

	flip_record_release(&r.record);
	version_change_close(&r.change);
	result->seconds = (double)(clock_now_ms(f->clock) - started_ms) / 1000;
	return ok;
}
