#include "cli/command.h"

#include "base/str.h"

/* A number, or auto: -1. */
static bool read_lists(const char *text, int64_t *out, struct err *e)
{
	*out = 0;
	if (!text)
		return true;
	if (str_eq(text, "auto")) {
		*out = -1;
		return true;
	}
	if (str_parse_i64(text, out, e) && *out >= 1)
		return true;
	return err_set(e, ERR_USAGE, "--lists: \"%s\" is neither auto nor a number from 1 on",
		       text);
}

int cmd_indexes_ensure(struct cli *c)
{
	static const char *const types[] = { NULL, "hnsw", "ivfflat" };
	const struct settings *s = &c->settings;
	struct firn_indexes_ensure_options options = {
		.type = types[s->index_type],
		.m = s->index_m,
		.ef_construction = s->ef_construction,
		.opclass = s->opclass,
		.op = s->operator_,
		.expression = s->expression,
		.where = s->where,
		.dry_run = s->dry_run,
	};
	struct firn_indexes_made result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok, written;
	int status;

	ok = read_lists(s->lists, &options.lists, &e) &&
	     firn_indexes_ensure(c->firn, &options, &result, &e);
	written =
		report_indexes_made(&c->report, &result, s->dry_run, ok ? NULL : &e, &write_error);
	status = cli_end(
		c, &(struct cli_outcome){ ok, &e, written, &write_error, result.put_off > 0 });
	firn_indexes_made_release(&result);
	return status;
}
