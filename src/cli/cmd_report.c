#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/command.h"

/* Others read it, as node_exporter does: as readable as the umask lets a new file be. */
static bool replace_file(const char *path, const void *text, size_t len, struct err *e)
{
	mode_t mask = umask(0);

	umask(mask);
	if (!file_write_atomic(path, text, len, e))
		return false;
	return chmod(path, 0644 & ~mask) == 0 ||
	       err_set(e, ERR_IO, "could not make file \"%s\" readable", path);
}

static bool write_to_file(const struct cli *c, const struct firn_report_result *result,
			  const struct err *failure, struct err *e)
{
	struct report report = c->report;
	char *text = NULL;
	size_t len = 0;
	bool ok;

	/* What is there is better than half of a report. */
	if (failure)
		return true;
	report.out = open_memstream(&text, &len);
	if (!report.out)
		return err_no_memory(e);
	report.width = 0;
	ok = report_cost(&report, result, NULL, e);
	if (fclose(report.out) != 0 && ok)
		ok = err_no_memory(e);
	ok = ok && replace_file(c->settings.output, text, len, e);
	free(text);
	return ok;
}

/* A series for each segment would not end, and a month is no value of now. */
static bool can_be_metrics(const struct cli *c, const struct firn_report_options *o, struct err *e)
{
	if (c->report.other != REPORT_PROMETHEUS ||
	    (o->by != FIRN_BY_SEGMENT && o->by != FIRN_BY_MONTH))
		return true;
	err_set(e, ERR_USAGE, "there are no metrics by segment or month");
	err_hint(e, "Use --by table, leaf, workspace or version, or another --format.");
	return false;
}

#define AT_MAX 12

/* "30d,60d,90d" */
static bool parse_times(const char *text, int64_t at_s[AT_MAX], size_t *count_out, struct err *e)
{
	char *copy = mem_strdup(text, e), *rest = copy, *one;
	bool ok = copy != NULL;

	*count_out = 0;
	while (ok && (one = strsep(&rest, ",")) != NULL) {
		if (*count_out == AT_MAX) {
			ok = err_set(e, ERR_USAGE, "--at takes %d times at most", AT_MAX);
		} else if (!str_parse_duration(one, &at_s[(*count_out)++], e)) {
			e->code = ERR_USAGE;
			ok = err_wrap(e, "--at");
		}
	}
	free(copy);
	return ok;
}

static bool try_out(struct cli *c, struct firn_what_if_result *result, struct err *e)
{
	int64_t at_s[AT_MAX];
	size_t count = 0;

	if (c->report.other != REPORT_NO_OTHER || c->settings.output)
		return err_set(e, ERR_USAGE,
			       "--what-if writes text or JSON to standard output only");
	if (c->settings.explain)
		return err_set(e, ERR_USAGE, "--explain has no formulas for --what-if");
	return (!c->settings.at || parse_times(c->settings.at, at_s, &count, e)) &&
	       firn_what_if(c->firn, c->settings.what_if, at_s, count, result, e);
}

static int what_if(struct cli *c)
{
	struct firn_what_if_result result = { .recommended = -1 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = try_out(c, &result, &e);
	bool written = report_what_if(&c->report, &result, ok ? NULL : &e, &write_error);

	firn_what_if_result_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}

static int cost(struct cli *c)
{
	const struct firn_report_options options = {
		.by = (enum firn_report_by)c->settings.report_by,
		.since = c->settings.since,
		.explain = c->settings.explain,
	};
	struct firn_report_result result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = can_be_metrics(c, &options, &e) && firn_report(c->firn, &options, &result, &e),
	     written;

	if (c->settings.output)
		written = write_to_file(c, &result, ok ? NULL : &e, &write_error);
	else
		written = report_cost(&c->report, &result, ok ? NULL : &e, &write_error);
	firn_report_result_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}

int cmd_report(struct cli *c)
{
	struct err e = { 0 };

	if (c->settings.what_if)
		return what_if(c);
	if (!c->settings.at)
		return cost(c);
	err_set(&e, ERR_USAGE, "--at says what --what-if shall try");
	err_hint(&e, "Give --what-if FILE, too.");
	return cli_end(c, &(struct cli_outcome){ false, &e, true, NULL, false });
}
