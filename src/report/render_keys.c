/* Keys as text: those that wrap, and those that are destroyed. */
#include <inttypes.h>

#include "report/render.h"
#include "report/text_table.h"

bool text_keys_status(const struct report *r, const struct firn_keys_status *x, struct err *e)
{
	static const struct text_column columns[] = {
		{ "MASTER KEY", TEXT_NAME },
		{ "", TEXT_WORD },
		{ "TABLES", TEXT_NUMBER },
		{ "WORKSPACES", TEXT_NUMBER },
	};
	struct text_table table = { .columns = columns, .column_count = 4 };
	bool ok = true;

	for (size_t i = 0; i < x->master_count; i++) {
		const struct firn_master_key *m = &x->masters[i];

		text_add(&table, m->id);
		text_add(&table, m->configured       ? "configured"
				 : m->configured_old ? "configured as the old one"
						     : "not configured");
		text_add_count(&table, m->tables);
		text_add_count(&table, m->workspaces);
	}
	if (x->master_count > 0) {
		ok = text_table_print(&table, r->out, r->width, e);
		fputc('\n', r->out);
	}
	text_table_release(&table);
	fprintf(r->out, "segments  %" PRId64 " encrypted, %" PRId64 " not\n", x->segments_encrypted,
		x->segments_not_encrypted);
	return ok;
}

bool text_keys_rotate(const struct report *r, const struct firn_keys_rotate_result *x, bool failed)
{
	if (failed)
		return true;
	fprintf(r->out,
		"%" PRId64 " keys were wrapped anew: master key %s opens all of them\n"
		"Set encryption.key_file or key_command to it. Keep the one before as long as "
		"backups of the database need it.\n",
		x->rewrapped, x->id);
	return true;
}

bool text_forget(const struct report *r, const struct firn_forget_result *x, bool confirm,
		 bool failed)
{
	if (failed)
		return true;
	fprintf(r->out,
		"workspace \"%s\" of %s: %" PRId64 " hot rows, %" PRId64 " cold rows in %" PRId64
		" segments",
		x->workspace, x->table, x->rows_hot, x->rows_cold, x->segments);
	if (x->segments_not_encrypted > 0)
		fprintf(r->out, ", of which %" PRId64 " are not encrypted",
			x->segments_not_encrypted);
	fputc('\n', r->out);
	if (!confirm && x->refused)
		fprintf(r->out, "nothing was done, and --confirm would be refused: %s\n",
			x->refused);
	else if (!confirm)
		fputs("nothing was done: --confirm destroys its key\n", r->out);
	else if (x->key_destroyed)
		fputs("its key was destroyed: what is cold of it cannot be read any more\n",
		      r->out);
	else
		fputs("it had no key\n", r->out);
	return true;
}
