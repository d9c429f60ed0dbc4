#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/command.h"

#define OPT(name, letter, kind, member, arg, help, commands)                                       \
	{                                                                                          \
		name, letter, kind, offsetof(struct settings, member), arg, help, commands, false, \
			NULL                                                                       \
	}
#define OPT_THIS_ONCE(name, letter, kind, member, arg, help, commands)                            \
	{                                                                                         \
		name, letter, kind, offsetof(struct settings, member), arg, help, commands, true, \
			NULL                                                                      \
	}
#define CHOICE(name, member, arg, help, commands, choices)                                   \
	{                                                                                    \
		name, 0, OPT_CHOICE, offsetof(struct settings, member), arg, help, commands, \
			false, choices                                                       \
	}
#define CHOICE_THIS_ONCE(name, member, arg, help, commands, choices)                               \
	{                                                                                          \
		name, 0, OPT_CHOICE, offsetof(struct settings, member), arg, help, commands, true, \
			choices                                                                    \
	}

static const char *const formats[] = { "text", "json", "csv", "prometheus", "html", NULL };
static const char *const log_formats[] = { "text", "json", NULL };
static const char *const report_by[] = { "table",   "leaf",  "workspace", "version",
					 "segment", "month", NULL };
static const char *const conflicts[] = { "skip", "replace", "fail", NULL };
/* The first stands for "not given" and cannot be written. */
static const char *const restore_tiers[] = { "standard", "bulk", "expedited", NULL };
static const char *const where_cold[] = { "", "all", NULL };
static const char *const details[] = { "", "workspace", NULL };
static const char *const index_types[] = { "", "hnsw", "ivfflat", NULL };

const struct option option_table[] = {
	OPT("config", 'c', OPT_STRING, config, "FILE", "read this configuration file", FOR_ALL),
	OPT("database", 'd', OPT_STRING, database, "URI",
	    "connect to this database (any libpq connection string)", FOR_ALL),
	OPT("archive", 0, OPT_STRING, archive, "URL", "archive: s3://bucket/prefix or file:///dir",
	    FOR_ALL),
	OPT("policy", 0, OPT_STRING, policy, "FILE", "rules that say what is moved out", FOR_ALL),
	OPT("prices", 0, OPT_STRING, prices, "FILE", "storage prices for the report", FOR_ALL),
	OPT("table", 0, OPT_LIST, tables, "NAME", "managed table, as schema.table; may be repeated",
	    FOR_ALL),
	OPT("cache-dir", 0, OPT_STRING, cache_dir, "DIR", "keep local copies of index objects here",
	    FOR_ALL),
	OPT("s3-endpoint", 0, OPT_STRING, s3_endpoint, "URL", "S3 server other than Amazon's",
	    FOR_ALL),
	OPT("s3-region", 0, OPT_STRING, s3_region, "NAME", "region that requests are signed for",
	    FOR_ALL),
	OPT("s3-profile", 0, OPT_STRING, s3_profile, "NAME", "profile of AWS's credentials file",
	    FOR_ALL),
	OPT("s3-ca-file", 0, OPT_STRING, s3_ca_file, "FILE", "certificate authorities to trust",
	    FOR_ALL),
	OPT("s3-path-style", 0, OPT_YESNO, s3_path_style, "yes|no",
	    "put the bucket into the path, not the host name", FOR_ALL),
	CHOICE("format", format, "text|json",
	       "how results are written; report: csv, prometheus and html, too", FOR_ALL, formats),
	CHOICE("log-format", log_format, "text|json", "how log lines are written", FOR_ALL,
	       log_formats),
	OPT("quiet", 'q', OPT_COUNT, quiet, NULL,
	    "log warnings and errors only; twice: errors only", FOR_ALL),
	OPT("verbose", 'v', OPT_COUNT, verbose, NULL, "log more; twice: everything", FOR_ALL),
	OPT("no-progress", 0, OPT_FLAG, no_progress, NULL,
	    "show no progress; on a terminal a pass then does not count first what is due",
	    FOR_ALL),
	OPT_THIS_ONCE("help", 'h', OPT_FLAG, help, NULL, "show help", FOR_ALL),
	/* After a command, --version is rehydrate's. */
	OPT_THIS_ONCE("version", 'V', OPT_FLAG, version, NULL, "show the version of firn",
		      CMD_NONE),

	OPT_THIS_ONCE("take-over", 0, OPT_FLAG, take_over, NULL,
		      "this database works with the archive from now on, no copy of it", CMD_INIT),
	OPT("max-rows", 0, OPT_NUMBER, max_rows, "N", "move at most so many rows", CMD_PASS),
	OPT("max-runtime", 0, OPT_DURATION, max_runtime_s, "15min",
	    "begin nothing new after this long", CMD_PASS | CMD_MAINTAIN | CMD_TRANSITION),
	OPT("segment-size", 0, OPT_BYTES, segment_bytes, "128MiB", "size that segments aim at",
	    CMD_PASS),
	OPT("jobs", 'j', OPT_NUMBER, jobs, "N",
	    "work on so many leaves at once (2, or the policy's number); rehydrate: insert by so "
	    "many "
	    "sessions (2)",
	    CMD_PASS | CMD_REHYDRATE),
	OPT_THIS_ONCE("dry-run", 'n', OPT_FLAG, dry_run, NULL,
		      "say what would be done and do nothing",
		      CMD_PASS | CMD_REHYDRATE | CMD_MAINTAIN | CMD_INDEXES_ENSURE |
			      CMD_PARTITIONS_SPLIT | CMD_TRANSITION),
	OPT("no-maintain", 0, OPT_FLAG, no_maintain, NULL,
	    "leave the index work to \"firn maintain\"",
	    CMD_PASS | CMD_REHYDRATE | CMD_VERSIONS_ROLLBACK),
	OPT_THIS_ONCE("workspace", 0, OPT_LIST, workspaces, "ID",
		      "chunks of this workspace; may be repeated", CMD_REHYDRATE),
	OPT_THIS_ONCE("document", 0, OPT_LIST, documents, "ID",
		      "chunks of this document; may be repeated", CMD_REHYDRATE),
	OPT_THIS_ONCE("chunk", 0, OPT_LIST, chunks, "ID",
		      "this chunk; may be repeated; - reads ids from standard input, one a line",
		      CMD_REHYDRATE),
	OPT_THIS_ONCE("version", 0, OPT_LIST, versions, "NAME",
		      "chunks of this embedding version; may be repeated", CMD_REHYDRATE),
	OPT_THIS_ONCE("segment", 0, OPT_IDS, segments, "N", "this segment; may be repeated",
		      CMD_REHYDRATE | CMD_VERIFY),
	CHOICE_THIS_ONCE("where-cold", where_cold, "all", "everything that is cold", CMD_REHYDRATE,
			 where_cold),
	CHOICE("on-conflict", on_conflict, "skip|replace|fail",
	       "when a chunk of the same id is hot already", CMD_REHYDRATE, conflicts),
	OPT("bulk", 0, OPT_FLAG, bulk, NULL,
	    "take vector indexes out of the way of a large load where that is faster",
	    CMD_REHYDRATE),
	OPT_THIS_ONCE("column", 0, OPT_LIST, columns, "OLD=NEW",
		      "archived column OLD is NEW now; OLD= gives its values up; may be repeated",
		      CMD_REHYDRATE),
	CHOICE("restore-tier", restore_tier, "standard|bulk|expedited",
	       "how fast objects in frozen storage classes are restored", CMD_REHYDRATE,
	       restore_tiers),
	OPT("restore-days", 0, OPT_NUMBER, restore_days, "7",
	    "so long what was restored stays readable", CMD_REHYDRATE),
	OPT_THIS_ONCE("wait", 0, OPT_FLAG, wait, NULL,
		      "wait for objects that are being restored, instead of ending with 75",
		      CMD_REHYDRATE),
	OPT("restore-poll", 0, OPT_DURATION, restore_poll_s, "5min", "how often --wait looks",
	    CMD_REHYDRATE),
	OPT_THIS_ONCE("lifecycle-json", 0, OPT_FLAG, lifecycle_json, NULL,
		      "print the transitions as rules of the bucket, and do nothing",
		      CMD_TRANSITION),
	OPT_THIS_ONCE("force", 0, OPT_FLAG, force, NULL, "also where nothing is due", CMD_MAINTAIN),
	OPT_THIS_ONCE("reclaim", 0, OPT_FLAG, reclaim, NULL,
		      "write leaves with much unused room anew, by pg_repack", CMD_MAINTAIN),
	CHOICE_THIS_ONCE("by", by, "workspace",
			 "count rows by workspace and version, too (reads the whole table)",
			 CMD_STATUS, details),
	OPT_THIS_ONCE("deep", 0, OPT_FLAG, deep, NULL, "decode and hash every row again",
		      CMD_VERIFY),
	OPT_THIS_ONCE("confirm", 0, OPT_FLAG, confirm, NULL,
		      "remove what is listed; without it, nothing is",
		      CMD_GC | CMD_PARTITIONS_SPLIT | CMD_FORGET),
	OPT("horizon", 0, OPT_DURATION, horizon_s, "30d",
	    "how long backups of the database are kept", CMD_GC),
	OPT_THIS_ONCE("orphans", 0, OPT_FLAG, orphans, NULL,
		      "also objects that the catalog does not know", CMD_GC),
	OPT_THIS_ONCE("expire", 0, OPT_FLAG, expire, NULL,
		      "with --confirm: give up cold rows that their rule keeps no longer "
		      "(delete_after)",
		      CMD_GC),
	OPT_THIS_ONCE("tables", 0, OPT_FLAG, with_tables, NULL,
		      "also ask the database whether the tables have what the rules speak of",
		      CMD_POLICY_CHECK),
	CHOICE_THIS_ONCE(
		"by", report_by, "table|leaf|workspace|version|segment|month",
		"a line for each of these (workspaces and versions: reads the whole table)",
		CMD_REPORT, report_by),
	OPT_THIS_ONCE("since", 0, OPT_STRING, since, "DAY",
		      "days, passes and requests from then on: 2026-11-01 (90 days ago)",
		      CMD_REPORT),
	OPT_THIS_ONCE("what-if", 0, OPT_STRING, what_if, "FILE",
		      "what this policy would have moved by now, and saved; moves nothing",
		      CMD_REPORT),
	OPT_THIS_ONCE("at", 0, OPT_STRING, at, "TIMES",
		      "with --what-if: try these in place of idle_for (30d,60d,90d)", CMD_REPORT),
	OPT_THIS_ONCE("explain", 0, OPT_FLAG, explain, NULL,
		      "each figure's formula with its numbers", CMD_REPORT),
	OPT("output", 0, OPT_STRING, output, "FILE", "replace this file by the report, at once",
	    CMD_REPORT),
	OPT_THIS_ONCE("growth", 0, OPT_NUMBER, growth_percent, "PERCENT",
		      "plan for so many percent more rows than now", CMD_PARTITIONS_RECOMMEND),
	OPT_THIS_ONCE("rows", 0, OPT_NUMBER, planned_rows, "N", "plan for so many rows",
		      CMD_PARTITIONS_RECOMMEND),
	OPT("leaf-rows", 0, OPT_NUMBER, leaf_rows, "25000000", "rows that a leaf should not pass",
	    CMD_PARTITIONS_RECOMMEND | CMD_PARTITIONS_STATUS),
	OPT_THIS_ONCE("count", 0, OPT_NUMBER, leaf_count, "N", "so many partitions",
		      CMD_PARTITIONS_ENSURE | CMD_PARTITIONS_SPLIT),
	OPT_THIS_ONCE("widen-keys", 0, OPT_FLAG, widen_keys, NULL,
		      "unique keys without the workspace may take it in", CMD_PARTITIONS_SPLIT),
	OPT_THIS_ONCE("rollback", 0, OPT_FLAG, rollback, NULL, "take an unfinished split back",
		      CMD_PARTITIONS_SPLIT),
	OPT_THIS_ONCE("drop-old", 0, OPT_FLAG, drop_old, NULL,
		      "drop the table that a finished split left", CMD_PARTITIONS_SPLIT),
	OPT_THIS_ONCE("force", 0, OPT_FLAG, force, NULL,
		      "drop it even where the table has less than half of its rows",
		      CMD_PARTITIONS_SPLIT),
	CHOICE_THIS_ONCE("type", index_type, "hnsw|ivfflat", "access method of the index",
			 CMD_INDEXES_ENSURE, index_types),
	OPT_THIS_ONCE("m", 0, OPT_NUMBER, index_m, "N", "HNSW: links of each element (16)",
		      CMD_INDEXES_ENSURE),
	OPT_THIS_ONCE("ef-construction", 0, OPT_NUMBER, ef_construction, "N",
		      "HNSW: candidates that a build looks at (64)", CMD_INDEXES_ENSURE),
	OPT_THIS_ONCE("lists", 0, OPT_STRING, lists, "N|auto", "IVFFlat: lists, or by the rows",
		      CMD_INDEXES_ENSURE),
	OPT_THIS_ONCE("opclass", 0, OPT_STRING, opclass, "NAME",
		      "operator class (that of an index that is there, else cosine)",
		      CMD_INDEXES_ENSURE),
	OPT_THIS_ONCE("operator", 0, OPT_STRING, operator_, "OP",
		      "choose the class by the operator of the queries: \"<=>\"",
		      CMD_INDEXES_ENSURE),
	OPT_THIS_ONCE("expression", 0, OPT_STRING, expression, "SQL",
		      "index this in place of the column: \"embedding::halfvec(512)\"",
		      CMD_INDEXES_ENSURE),
	OPT_THIS_ONCE("where", 0, OPT_STRING, where, "SQL", "a partial index, of such rows only",
		      CMD_INDEXES_ENSURE),
	OPT_THIS_ONCE("queries", 0, OPT_STRING, queries, "FILE",
		      "query vectors, one a line, as pgvector writes them", CMD_INDEXES_PROBE),
	OPT("sample", 0, OPT_NUMBER, sample, "N", "take so many rows of each leaf as queries (20)",
	    CMD_INDEXES_PROBE),
	OPT("seed", 0, OPT_NUMBER, seed, "N", "choose other rows", CMD_INDEXES_PROBE),
	OPT("ef-search", 0, OPT_NUMBER, ef_search, "N",
	    "hnsw.ef_search of the probes (the session's)", CMD_INDEXES_PROBE),
	OPT("probes", 0, OPT_NUMBER, probes, "N", "ivfflat.probes of the probes (the session's)",
	    CMD_INDEXES_PROBE),
	OPT_THIS_ONCE("workspace", 0, OPT_LIST, workspaces, "ID",
		      "only this workspace; may be repeated", CMD_VERSIONS_STATUS),
	OPT_THIS_ONCE("pass", 0, OPT_NUMBER, pass, "N", "what this pass decided, and why",
		      CMD_EXPLAIN),
	OPT_THIS_ONCE("last-pass", 0, OPT_FLAG, last_pass, NULL, "the same of the latest pass",
		      CMD_EXPLAIN),
	OPT_THIS_ONCE("chunk", 0, OPT_STRING, chunk, "ID", "this chunk", CMD_EXPLAIN),
	OPT_THIS_ONCE("document", 0, OPT_STRING, document, "ID", "all chunks of this document",
		      CMD_EXPLAIN),
	OPT_THIS_ONCE("workspace", 0, OPT_STRING, workspace, "ID", "the workspace",
		      CMD_EXPLAIN | CMD_VERSIONS_PROMOTE | CMD_VERSIONS_ROLLBACK | CMD_FORGET),
	OPT_THIS_ONCE("to", 0, OPT_STRING, to_version, "VERSION", "the version to make active",
		      CMD_VERSIONS_PROMOTE | CMD_VERSIONS_ROLLBACK),
	OPT_THIS_ONCE("allow-missing", 0, OPT_FLAG, allow_missing, NULL,
		      "even where documents have no row of that version", CMD_VERSIONS_ROLLBACK),
	OPT_THIS_ONCE("new-key-file", 0, OPT_STRING, new_key_file, "FILE",
		      "the new master key, in a file that only its owner can read",
		      CMD_KEYS_ROTATE),
	OPT_THIS_ONCE("new-key-command", 0, OPT_STRING, new_key_command, "COMMAND",
		      "the new master key, as this command writes it (words apart by blanks, no "
		      "shell)",
		      CMD_KEYS_ROTATE),
	OPT_THIS_ONCE("complete-since", 0, OPT_STRING, complete_since, "TIME",
		      "these are all reads since then: 2026-03-01T00:00:00Z", CMD_TOUCH),
	OPT_THIS_ONCE("man", 0, OPT_FLAG, man, NULL, "write the man page, as troff", CMD_HELP),
	OPT_THIS_ONCE("bash-completion", 0, OPT_FLAG, bash_completion, NULL,
		      "write completion for bash", CMD_HELP),
	OPT_THIS_ONCE("zsh-completion", 0, OPT_FLAG, zsh_completion, NULL,
		      "write completion for zsh", CMD_HELP),
	{ 0 },
};

_Static_assert(sizeof(option_table) / sizeof(*option_table) <= SETTINGS_MAX,
	       "settings.origins has room for every row");

const char *option_env_name(const struct option *o, char *out)
{
	size_t at = (size_t)snprintf(out, OPTION_ENV_MAX, "FIRN_");

	for (const char *c = o->name; *c && at + 1 < OPTION_ENV_MAX; c++)
		out[at++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	out[at] = '\0';
	return out;
}

bool option_is_for(const struct option *o, uint32_t command)
{
	return (o->commands & command) != 0;
}

enum setting_origin settings_origin(const struct settings *s, const struct option *o)
{
	return (enum setting_origin)s->origins[o - option_table];
}

void settings_init(struct settings *s)
{
	*s = (struct settings){ .horizon_s = -1 };
}

static void *member_of(struct settings *s, const struct option *o)
{
	return (char *)s + o->offset;
}

static void release_list(struct option_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->items[i]);
	free(l->items);
	free(l->ids);
	*l = (struct option_list){ 0 };
}

void settings_release(struct settings *s)
{
	for (const struct option *o = option_table; o->name; o++) {
		if (o->kind == OPT_STRING)
			free(*(char **)member_of(s, o));
		if (o->kind == OPT_LIST || o->kind == OPT_IDS)
			release_list(member_of(s, o));
	}
	free(s->topic);
	settings_init(s);
}

static bool append(struct option_list *l, const char *value, bool is_id, struct err *e)
{
	int64_t id = 0;
	char *copy;

	if (is_id && (!str_parse_i64(value, &id, e) || id < 1))
		return err_set(e, ERR_USAGE, "\"%s\" is not the number of a segment", value);
	if (!*value)
		return err_set(e, ERR_USAGE, "the value is empty");
	if (!mem_grow((void **)&l->items, &l->capacity, l->count + 1, sizeof(*l->items), e) ||
	    !mem_grow((void **)&l->ids, &l->id_capacity, l->count + 1, sizeof(*l->ids), e))
		return false;
	copy = mem_strdup(value, e);
	if (!copy)
		return false;
	l->items[l->count] = copy;
	l->ids[l->count++] = id;
	return true;
}

static bool set_choice(int *out, const struct option *o, const char *value, uint32_t command,
		       struct err *e)
{
	bool every = o->choices == formats && command == CMD_REPORT;
	const char *wanted = every ? "text|json|csv|prometheus|html" : o->arg;

	for (int i = 0; o->choices[i]; i++)
		if (*value && str_eq(o->choices[i], value)) {
			*out = i;
			return true;
		}
	return err_set(e, ERR_USAGE, "\"%s\" is not %s%s", value,
		       strchr(wanted, '|') ? "one of " : "", wanted);
}

static bool set_number(int64_t *out, const struct option *o, const char *value, struct err *e)
{
	uint64_t bytes = 0;

	if (o->kind == OPT_DURATION)
		return str_parse_duration(value, out, e);
	if (o->kind == OPT_BYTES) {
		if (!str_parse_bytes(value, &bytes, e))
			return false;
		*out = bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
	} else if (!str_parse_i64(value, out, e)) {
		return false;
	}
	return *out >= 1 || err_set(e, ERR_USAGE, "%s is less than 1", value);
}

static bool set_value(struct settings *s, const struct option *o, const char *value,
		      uint32_t command, struct err *e)
{
	void *member = member_of(s, o);
	char *copy;
	bool yes;
	int64_t n;

	switch (o->kind) {
	case OPT_FLAG:
		return str_parse_bool(value, member, e);
	case OPT_COUNT:
		if (!str_parse_i64(value, &n, e))
			return false;
		*(int *)member = n < 0 ? 0 : n > 9 ? 9 : (int)n;
		return true;
	case OPT_STRING:
		copy = mem_strdup(value, e);
		if (!copy)
			return false;
		free(*(char **)member);
		*(char **)member = copy;
		return true;
	case OPT_LIST:
	case OPT_IDS:
		return append(member, value, o->kind == OPT_IDS, e);
	case OPT_NUMBER:
	case OPT_BYTES:
	case OPT_DURATION:
		return set_number(member, o, value, e);
	case OPT_YESNO:
		if (!str_parse_bool(value, &yes, e))
			return false;
		*(int *)member = yes ? 1 : -1;
		return true;
	case OPT_CHOICE:
		return set_choice(member, o, value, command, e);
	}
	return true;
}

static bool set_from_option(struct settings *s, const struct option *o, const char *value,
			    uint32_t command, struct err *e)
{
	struct err why = { 0 };

	if (set_value(s, o, value, command, &why))
		return true;
	if (why.code == ERR_MEMORY)
		return err_no_memory(e);
	return err_set(e, ERR_USAGE, "--%s: %s", o->name, why.message);
}

static bool set_from_environment(struct settings *s, const struct option *o, const char *value,
				 uint32_t command, struct err *e)
{
	struct option_list *list = member_of(s, o);
	char *names, *at, *name;
	bool ok = true;

	if (o->kind != OPT_LIST)
		return set_value(s, o, value, command, e);
	names = at = mem_strdup(value, e);
	while (ok && (name = strsep(&at, ",")) != NULL)
		ok = append(list, name, false, e);
	list->from_environment = true;
	free(names);
	return names && ok;
}

bool settings_from_environment(struct settings *s, uint32_t command, struct err *e)
{
	for (const struct option *o = option_table; o->name; o++) {
		char name[OPTION_ENV_MAX];
		struct err why = { 0 };
		const char *value;

		if (o->once || !option_is_for(o, command))
			continue;
		value = getenv(option_env_name(o, name));
		if (!value || !*value)
			continue;
		if (set_from_environment(s, o, value, command & ~CMD_NONE, &why)) {
			s->origins[o - option_table] = SETTING_FROM_ENVIRONMENT;
			continue;
		}
		if (why.code == ERR_MEMORY)
			return err_no_memory(e);
		return err_set(e, ERR_CONFIG, "environment variable %s: %s", name, why.message);
	}
	return true;
}

/* The option that an argument such as "--max-row=5" or "-x" was meant to be. */
static bool unknown_option(const char *given, uint32_t command, const char *command_name,
			   struct err *e)
{
	char word[64];
	const struct option *near = NULL, *elsewhere = NULL;
	unsigned best = UINT_MAX;

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(given + strspn(given, "-"), "="),
		 given + strspn(given, "-"));
	for (const struct option *o = option_table; o->name; o++) {
		if (str_eq(word, o->name))
			elsewhere = o;
		if (option_is_for(o, command) && str_resembles(word, o->name, &best))
			near = o;
	}
	if (given[1] != '-' && strlen(word) == 1)
		near = elsewhere = NULL;
	if (elsewhere && command == CMD_NONE) {
		err_set(e, ERR_USAGE, "\"--%s\" belongs behind the command", word);
	} else if (elsewhere) {
		char names[128] = "";

		for (const struct command *c = command_table; c->name; c++)
			if (option_is_for(elsewhere, c->id))
				snprintf(names + strlen(names), sizeof(names) - strlen(names),
					 "%s%s", *names ? ", " : "", c->name);
		err_set(e, ERR_USAGE, "\"--%s\" is not an option of %s, but of %s", word,
			command_name, *names ? names : "firn itself");
	} else if (near) {
		err_set(e, ERR_USAGE, "\"%s%s\" is not an option of %s; did you mean \"--%s\"?",
			given[1] == '-' ? "--" : "-", word, command_name, near->name);
	} else {
		err_set(e, ERR_USAGE, "\"%s%s\" is not an option of %s",
			given[1] == '-' ? "--" : "-", word, command_name);
	}
	return false;
}

static bool popt_error(int status, const char *given, uint32_t command, const char *command_name,
		       struct err *e)
{
	int len = (int)strcspn(given, "=");

	switch (status) {
	case POPT_ERROR_BADOPT:
		return unknown_option(given, command, command_name, e);
	case POPT_ERROR_NOARG:
		return err_set(e, ERR_USAGE, "option \"%.*s\" needs a value", len, given);
	case POPT_ERROR_UNWANTEDARG:
		return err_set(e, ERR_USAGE, "option \"%.*s\" takes no value", len, given);
	default:
		return err_set(e, ERR_USAGE, "option \"%.*s\": %s", len, given,
			       poptStrerror(status));
	}
}

static bool take_option(struct settings *s, const struct option *o, const char *value,
			uint32_t command, struct err *e)
{
	s->origins[o - option_table] = SETTING_FROM_OPTION;
	if (o->kind == OPT_LIST || o->kind == OPT_IDS) {
		struct option_list *list = member_of(s, o);

		if (list->from_environment)
			release_list(list);
	}
	if (o->kind == OPT_COUNT) {
		(*(int *)member_of(s, o))++;
		return true;
	}
	return set_from_option(s, o, o->kind == OPT_FLAG ? "yes" : value, command, e);
}

static bool takes_value(const struct option *o)
{
	return o->kind != OPT_FLAG && o->kind != OPT_COUNT;
}

/* popt's own form of the rows that the command takes; their values are positions in the table, from 1. */
static struct poptOption *popt_rows(uint32_t command, struct err *e)
{
	size_t count = 0, used = 0;
	struct poptOption *rows;

	while (option_table[count].name)
		count++;
	rows = mem_new(count + 1, sizeof(*rows), e);
	for (size_t i = 0; rows && i < count; i++) {
		const struct option *o = &option_table[i];

		if (option_is_for(o, command))
			rows[used++] = (struct poptOption){
				.longName = o->name,
				.shortName = o->letter,
				.argInfo = takes_value(o) ? POPT_ARG_STRING : POPT_ARG_NONE,
				.val = (int)i + 1,
			};
	}
	return rows;
}

bool settings_from_argv(struct settings *s, uint32_t command, const char *command_name, int argc,
			const char **argv, int *rest_out, struct err *e)
{
	struct poptOption *rows = popt_rows(command, e);
	poptContext context = NULL;
	const char **rest;
	int status;
	bool ok = false;

	*rest_out = argc;
	if (!rows)
		goto out;
	if (argc <= 1) {
		ok = true;
		goto out;
	}
	context = poptGetContext("firn", argc, argv, rows,
				 command == CMD_NONE ? POPT_CONTEXT_POSIXMEHARDER : 0);
	if (!context) {
		err_no_memory(e);
		goto out;
	}
	while ((status = poptGetNextOpt(context)) > 0) {
		char *value = poptGetOptArg(context);
		bool taken = take_option(s, &option_table[status - 1], value, command, e);

		free(value);
		if (!taken)
			goto out;
	}
	if (status < -1) {
		popt_error(status, poptBadOption(context, POPT_BADOPTION_NOALIAS), command,
			   command_name, e);
		goto out;
	}
	rest = poptGetArgs(context);
	for (int n = 0; rest && rest[n]; n++)
		(*rest_out)--;
	if (command == CMD_POLICY_CHECK && rest && rest[0] && !rest[1]) {
		free(s->policy);
		s->policy = mem_strdup(rest[0], e);
		if (!s->policy)
			goto out;
	} else if (command != CMD_NONE && command != CMD_HELP && *rest_out < argc) {
		/* A connection string without its -d may hold a password. */
		if (strpbrk(rest[0], "=@"))
			err_set(e, ERR_USAGE, "an argument was not expected: %s takes options only",
				command_name);
		else
			err_set(e, ERR_USAGE, "\"%s\" was not expected: %s takes options only",
				rest[0], command_name);
		goto out;
	}
	if (command == CMD_HELP && rest && rest[0]) {
		struct buf topic = BUF_INIT;

		if (rest[1] && rest[2]) {
			err_set(e, ERR_USAGE, "help takes one command");
			goto out;
		}
		buf_printf(&topic, rest[1] ? "%s %s" : "%s", rest[0], rest[1]);
		free(s->topic);
		s->topic = buf_take(&topic, e);
		if (!s->topic)
			goto out;
	}
	ok = true;
out:
	if (context)
		poptFreeContext(context);
	free(rows);
	return ok;
}

bool settings_read_chunks(struct settings *s, FILE *in, struct err *e)
{
	struct option_list given = s->chunks;
	char *line = NULL;
	size_t room = 0;
	bool ok = true, wanted = false;

	for (size_t i = 0; i < given.count; i++)
		wanted |= str_eq(given.items[i], "-");
	if (!wanted)
		return true;
	s->chunks = (struct option_list){ 0 };
	for (size_t i = 0; ok && i < given.count; i++) {
		ssize_t len;

		if (!str_eq(given.items[i], "-")) {
			ok = append(&s->chunks, given.items[i], false, e);
			continue;
		}
		while (ok && (len = getline(&line, &room, in)) > 0) {
			while (len > 0 && strchr(" \t\r\n", line[len - 1]))
				line[--len] = '\0';
			if (len > 0)
				ok = append(&s->chunks, line, false, e);
		}
		if (ok && ferror(in))
			ok = err_set_errno(e, ERR_IO, errno,
					   "could not read chunk ids from standard input");
	}
	if (ok && s->chunks.count == 0)
		ok = err_set(e, ERR_USAGE, "standard input holds no chunk ids");
	free(line);
	release_list(&given);
	return ok;
}
