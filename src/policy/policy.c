#include "policy/policy.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/storage_class.h"
#include "base/str.h"
#include "policy/yaml_file.h"

#define KEY_MAX                 128
#define DAY_S                   86400
#define NAME_MAX_BYTES          63
#define CLASS_MAX_BYTES         31
#define DEFAULT_GRACE_S         (7 * DAY_S)
#define DEFAULT_RESIDENCY_S     DAY_S
#define DEFAULT_LOCK_TIMEOUT_MS 2000
#define DEFAULT_JOBS            2

/* The file as it is written; what is NULL was not given. */
struct raw_superseded {
	char *grace, *require_replacement;
};

struct raw_match {
	struct raw_superseded *superseded;
	char *idle_for, *age_over, *heat_below, *of, *where, *leaf_rows_over, *hot_bytes_over;
};

struct raw_transition {
	char *after, *storage_class;
};

struct raw_archive {
	char *storage_class, *zstd_level, *delete_after;
	struct raw_transition *transitions;
	size_t transition_count;
};

struct raw_rule {
	char *name, *keep;
	struct raw_match *match;
	struct raw_archive *archive;
};

struct raw_limits {
	char *max_bytes_per_pass, *max_rows_per_pass, *rows_per_second, *jobs, *recall_floor,
		*min_residency, *lock_timeout;
	char *statement_timeout, *window, *bytes_per_second, *max_replica_lag,
		*pause_when_ingesting_over;
};

struct raw_policy {
	struct raw_rule *rules;
	size_t rule_count;
	struct raw_limits *limits;
};

static const cyaml_schema_field_t superseded_fields[] = {
	YAML_STRING("grace", struct raw_superseded, grace),
	YAML_STRING("require_replacement", struct raw_superseded, require_replacement),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t match_fields[] = {
	YAML_STRINGS("workspace"),
	YAML_STRINGS("version"),
	YAML_STRINGS("document"),
	YAML_STRING("where", struct raw_match, where),
	YAML_STRUCT("superseded", struct raw_match, superseded, superseded_fields),
	YAML_STRING("idle_for", struct raw_match, idle_for),
	YAML_STRING("age_over", struct raw_match, age_over),
	YAML_STRING("heat_below", struct raw_match, heat_below),
	YAML_STRING("of", struct raw_match, of),
	YAML_STRING("leaf_rows_over", struct raw_match, leaf_rows_over),
	YAML_STRING("hot_bytes_over", struct raw_match, hot_bytes_over),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t transition_fields[] = {
	YAML_STRING("after", struct raw_transition, after),
	YAML_STRING("storage_class", struct raw_transition, storage_class),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t transition_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_transition, transition_fields),
};

static const cyaml_schema_field_t archive_fields[] = {
	YAML_STRING("storage_class", struct raw_archive, storage_class),
	YAML_STRING("zstd_level", struct raw_archive, zstd_level),
	YAML_STRING("delete_after", struct raw_archive, delete_after),
	YAML_LIST("transitions", struct raw_archive, transitions, transition_count,
		  &transition_schema),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t rule_fields[] = {
	YAML_STRING("name", struct raw_rule, name),
	YAML_STRUCT("match", struct raw_rule, match, match_fields),
	YAML_STRING("keep", struct raw_rule, keep),
	YAML_STRUCT("archive", struct raw_rule, archive, archive_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t limits_fields[] = {
	YAML_STRING("max_bytes_per_pass", struct raw_limits, max_bytes_per_pass),
	YAML_STRING("max_rows_per_pass", struct raw_limits, max_rows_per_pass),
	YAML_STRING("rows_per_second", struct raw_limits, rows_per_second),
	YAML_STRING("bytes_per_second", struct raw_limits, bytes_per_second),
	YAML_STRING("max_replica_lag", struct raw_limits, max_replica_lag),
	YAML_STRING("pause_when_ingesting_over", struct raw_limits, pause_when_ingesting_over),
	YAML_STRING("jobs", struct raw_limits, jobs),
	YAML_STRING("recall_floor", struct raw_limits, recall_floor),
	YAML_STRING("min_residency", struct raw_limits, min_residency),
	YAML_STRING("lock_timeout", struct raw_limits, lock_timeout),
	YAML_STRING("statement_timeout", struct raw_limits, statement_timeout),
	YAML_STRING("window", struct raw_limits, window),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t rule_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_rule, rule_fields),
};

static const cyaml_schema_field_t policy_fields[] = {
	YAML_LIST("rules", struct raw_policy, rules, rule_count, &rule_schema),
	YAML_STRUCT("limits", struct raw_policy, limits, limits_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t policy_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_policy, policy_fields),
};

/* A rule being read: where it stands in the file. */
struct rule_at {
	struct yaml_file *file;
	char prefix[32]; /* "rules[2]" */
	char key[KEY_MAX];
};

static const char *key_of(struct rule_at *at, const char *key)
{
	snprintf(at->key, sizeof(at->key), "%s%s%s", at->prefix, *key ? "." : "", key);
	return at->key;
}

static bool read_name(const struct policy *p, struct rule *r, const char *name, struct rule_at *at,
		      struct err *e)
{
	if (!name)
		return yaml_file_error(at->file, e, key_of(at, ""), "a rule needs a \"name\"");
	if (!*name || strlen(name) > NAME_MAX_BYTES ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")])
		return yaml_file_error(
			at->file, e, key_of(at, "name"),
			"the name \"%s\" is not 1 to %d of a-z, 0-9, \"_\" and \"-\"", name,
			NAME_MAX_BYTES);
	for (const struct rule *other = p->rules; other < r; other++)
		if (str_eq(other->name, name))
			return yaml_file_error(at->file, e, key_of(at, "name"),
					       "the name \"%s\" is taken by the rule in line %d",
					       name, other->line);
	return yaml_file_copy(name, &r->name, e);
}

static bool read_storage_class(char **out, const char *text, const char *key, struct rule_at *at,
			       struct err *e)
{
	if (text && (!*text || strlen(text) > CLASS_MAX_BYTES ||
		     text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")]))
		return yaml_file_error(
			at->file, e, key,
			"storage_class: \"%s\" is not a storage class such as STANDARD_IA", text);
	return yaml_file_copy(text, out, e);
}

/* What was just written must be read back before a row is deleted. */
static bool check_first_class(const struct rule *r, struct rule_at *at, struct err *e)
{
	if (!storage_class_is_frozen(r->storage_class))
		return true;
	yaml_file_error(at->file, e, key_of(at, "archive.storage_class"),
			"storage_class: %s cannot be read back when a segment was written",
			r->storage_class);
	return err_hint(e,
			"Begin in another and move on: \"archive: { transitions: [ { after: 1d, "
			"storage_class: %s } ] }\".",
			r->storage_class);
}

static bool read_transition(struct rule *r, const struct raw_transition *raw, size_t number,
			    struct rule_at *at, struct err *e)
{
	struct rule_transition *t = &r->transitions[number];
	char after[KEY_MAX], class[KEY_MAX];

	snprintf(after, sizeof(after), "%s.archive.transitions[%zu].after", at->prefix, number);
	snprintf(class, sizeof(class), "%s.archive.transitions[%zu].storage_class", at->prefix,
		 number);
	r->transition_count++;
	if (!raw->after || !raw->storage_class)
		return yaml_file_error(at->file, e, after,
				       "a transition needs \"after\" and \"storage_class\"");
	if (!yaml_file_duration(at->file, after, raw->after, &t->after_s, e) ||
	    !read_storage_class(&t->storage_class, raw->storage_class, class, at, e))
		return false;
	if (number > 0 && t->after_s <= t[-1].after_s)
		return yaml_file_error(at->file, e, after,
				       "after: \"%s\" is not later than that of the transition "
				       "before it",
				       raw->after);
	if (strcmp(t->storage_class, number > 0         ? t[-1].storage_class
				     : r->storage_class ? r->storage_class
							: "STANDARD") == 0)
		return yaml_file_error(at->file, e, class,
				       "storage_class: objects are in %s before that already",
				       t->storage_class);
	return true;
}

/* What is given up has no further class to go to. */
static bool read_delete_after(struct rule *r, const struct raw_archive *raw, struct rule_at *at,
			      struct err *e)
{
	const struct rule_transition *last =
		r->transition_count ? &r->transitions[r->transition_count - 1] : NULL;

	if (!yaml_file_duration(at->file, key_of(at, "archive.delete_after"), raw->delete_after,
				&r->delete_after_s, e))
		return false;
	if (raw->delete_after && r->delete_after_s < DAY_S)
		return yaml_file_error(at->file, e, key_of(at, "archive.delete_after"),
				       "delete_after: \"%s\" is less than a day",
				       raw->delete_after);
	if (raw->delete_after && last && r->delete_after_s <= last->after_s)
		return yaml_file_error(at->file, e, key_of(at, "archive.delete_after"),
				       "delete_after: \"%s\" is not later than the last transition",
				       raw->delete_after);
	return true;
}

static bool read_archive(struct rule *r, const struct raw_archive *raw, struct rule_at *at,
			 struct err *e)
{
	int64_t level = 0;

	if (!read_storage_class(&r->storage_class, raw->storage_class,
				key_of(at, "archive.storage_class"), at, e) ||
	    !check_first_class(r, at, e) ||
	    !yaml_file_number(at->file, key_of(at, "archive.zstd_level"), raw->zstd_level, 1, 19,
			      &level, e))
		return false;
	r->zstd_level = (int)level;
	r->transitions = mem_new(raw->transition_count + 1, sizeof(*r->transitions), e);
	if (!r->transitions)
		return false;
	for (size_t i = 0; i < raw->transition_count; i++)
		if (!read_transition(r, &raw->transitions[i], i, at, e))
			return false;
	return read_delete_after(r, raw, at, e);
}

static bool read_action(struct rule *r, const struct raw_rule *raw, struct rule_at *at,
			struct err *e)
{
	bool keep = false;

	if (raw->keep && raw->archive)
		return yaml_file_error(at->file, e, key_of(at, "archive"),
				       "rule \"%s\" has both \"keep\" and \"archive\"", r->name);
	if (!raw->keep && !raw->archive) {
		yaml_file_error(at->file, e, key_of(at, ""),
				"rule \"%s\" has neither \"keep\" nor \"archive\"", r->name);
		return err_hint(e, "Add \"keep: true\" to pin what it matches, or \"archive: {}\" "
				   "to move it out.");
	}
	if (!yaml_file_bool(at->file, key_of(at, "keep"), raw->keep, &keep, e))
		return false;
	if (raw->keep && !keep) {
		yaml_file_error(at->file, e, key_of(at, "keep"),
				"keep: only true can be written here");
		return err_hint(
			e, "To move out what rule \"%s\" matches, write \"archive: {}\" instead.",
			r->name);
	}
	r->action = keep ? RULE_KEEP : RULE_ARCHIVE;
	return !raw->archive || read_archive(r, raw->archive, at, e);
}

static bool read_patterns(struct rule_at *at, const char *key, char ***items, size_t *count,
			  struct err *e)
{
	if (!yaml_file_strings(at->file, key_of(at, key), items, count, e))
		return false;
	for (size_t i = 0; i < *count; i++)
		if (!*(*items)[i])
			return yaml_file_error(at->file, e, at->key,
					       "the empty string matches nothing");
	return true;
}

static bool read_where(struct rule *r, const char *text, struct rule_at *at, struct err *e)
{
	if (text && !text[strspn(text, " \t\r\n")])
		return yaml_file_error(at->file, e, key_of(at, "match.where"),
				       "where: it is empty");
	return yaml_file_copy(text, &r->where, e);
}

/* Whether a rule has any condition at all. */
static bool has_condition(const struct rule *r)
{
	return r->workspace_count || r->version_count || r->document_count || r->where ||
	       r->superseded || r->has_idle_for || r->has_age_over || r->has_heat_below ||
	       r->leaf_rows_over || r->hot_bytes_over;
}

static bool read_pressure(struct rule *r, const struct raw_match *raw, struct rule_at *at,
			  struct err *e)
{
	uint64_t rows = 0, bytes = 0;
	const char *key = raw->leaf_rows_over ? "match.leaf_rows_over" : "match.hot_bytes_over";

	if (!yaml_file_count(at->file, key_of(at, "match.leaf_rows_over"), raw->leaf_rows_over,
			     &rows, e) ||
	    !yaml_file_bytes(at->file, key_of(at, "match.hot_bytes_over"), raw->hot_bytes_over,
			     &bytes, e))
		return false;
	if ((raw->leaf_rows_over && (rows == 0 || rows > INT64_MAX)) ||
	    (raw->hot_bytes_over && (bytes == 0 || bytes > INT64_MAX)))
		return yaml_file_error(
			at->file, e, key_of(at, key), "%s: \"%s\" is not from 1 to 2^63 - 1",
			key + 6, raw->leaf_rows_over ? raw->leaf_rows_over : raw->hot_bytes_over);
	if (rows && bytes) {
		yaml_file_error(at->file, e, key_of(at, "match.hot_bytes_over"),
				"rule \"%s\" has both leaf_rows_over and hot_bytes_over", r->name);
		return err_hint(e, "Write a rule for each.");
	}
	if ((rows || bytes) && r->action == RULE_KEEP)
		return yaml_file_error(at->file, e, key_of(at, key),
				       "%s: only a rule that archives takes the coldest until "
				       "the rest is below",
				       key + 6);
	r->leaf_rows_over = (int64_t)rows;
	r->hot_bytes_over = (int64_t)bytes;
	return true;
}

static bool read_periods(struct rule *r, const struct raw_match *raw, struct rule_at *at,
			 struct err *e)
{
	r->has_idle_for = raw->idle_for != NULL;
	r->has_age_over = raw->age_over != NULL;
	if (!yaml_file_duration(at->file, key_of(at, "match.idle_for"), raw->idle_for,
				&r->idle_for_s, e) ||
	    !yaml_file_duration(at->file, key_of(at, "match.age_over"), raw->age_over,
				&r->age_over_s, e))
		return false;
	if (r->has_idle_for && r->idle_for_s == 0)
		return yaml_file_error(at->file, e, key_of(at, "match.idle_for"),
				       "idle_for: 0 would match every chunk");
	if (r->has_age_over && r->age_over_s == 0)
		return yaml_file_error(at->file, e, key_of(at, "match.age_over"),
				       "age_over: 0 would match every chunk");
	if (!raw->superseded)
		return true;
	r->superseded = true;
	r->superseded_grace_s = DEFAULT_GRACE_S;
	r->require_replacement = true;
	return yaml_file_duration(at->file, key_of(at, "match.superseded.grace"),
				  raw->superseded->grace, &r->superseded_grace_s, e) &&
	       yaml_file_bool(at->file, key_of(at, "match.superseded.require_replacement"),
			      raw->superseded->require_replacement, &r->require_replacement, e);
}

static bool read_heat(struct rule *r, const struct raw_match *raw, struct rule_at *at,
		      struct err *e)
{
	r->has_heat_below = raw->heat_below != NULL;
	if (!yaml_file_decimal(at->file, key_of(at, "match.heat_below"), raw->heat_below,
			       &r->heat_below, e))
		return false;
	if (r->has_heat_below && !(r->heat_below > 0))
		return yaml_file_error(at->file, e, key_of(at, "match.heat_below"),
				       "heat_below: no heat is below \"%s\"", raw->heat_below);
	if (!raw->of)
		return true;
	r->of_document = str_eq(raw->of, "document");
	if (!r->of_document && !str_eq(raw->of, "chunk"))
		return yaml_file_error(at->file, e, key_of(at, "match.of"),
				       "of: \"%s\" is neither chunk nor document", raw->of);
	if (!r->has_idle_for && !r->has_heat_below && !r->leaf_rows_over && !r->hot_bytes_over)
		return yaml_file_error(
			at->file, e, key_of(at, "match.of"),
			"of: says whose reads count for idle_for, heat_below, leaf_rows_over and "
			"hot_bytes_over, and rule \"%s\" has none of them",
			r->name);
	return true;
}

static bool read_match(struct rule *r, const struct raw_rule *raw, struct rule_at *at,
		       struct err *e)
{
	if (!raw->match) {
		yaml_file_error(at->file, e, key_of(at, ""), "rule \"%s\" has no \"match\"",
				r->name);
		return err_hint(e, "A keep rule for everything has \"match: {}\".");
	}
	if (!read_patterns(at, "match.workspace", &r->workspaces, &r->workspace_count, e) ||
	    !read_patterns(at, "match.version", &r->versions, &r->version_count, e) ||
	    !read_patterns(at, "match.document", &r->documents, &r->document_count, e) ||
	    !read_where(r, raw->match->where, at, e) || !read_periods(r, raw->match, at, e) ||
	    !read_pressure(r, raw->match, at, e) || !read_heat(r, raw->match, at, e))
		return false;
	if (r->action == RULE_ARCHIVE && !has_condition(r)) {
		yaml_file_error(at->file, e, key_of(at, "match"),
				"rule \"%s\" would archive every chunk: its match is empty",
				r->name);
		return err_hint(e, "Give a condition, such as \"match: { superseded: {} }\" or "
				   "\"match: { idle_for: 60d }\". To move everything out on "
				   "purpose, write \"match: { workspace: '*' }\".");
	}
	return true;
}

/* "HH:MM", then what must follow it. NULL when it is not that; else where reading goes on. */
static const char *read_time(const char *s, char follow, int *minutes_out)
{
	int hours, minutes;

	for (int i = 0; i < 5; i++)
		if (i == 2 ? s[i] != ':' : !isdigit((unsigned char)s[i]))
			return NULL;
	hours = (s[0] - '0') * 10 + s[1] - '0';
	minutes = (s[3] - '0') * 10 + s[4] - '0';
	*minutes_out = hours * 60 + minutes;
	if (minutes > 59 || *minutes_out > 24 * 60 || s[5] != follow)
		return NULL;
	return s + 6;
}

static bool read_window(struct limits *l, const char *text, struct yaml_file *f, struct err *e)
{
	const char *at;
	bool zone_ok;

	if (!text)
		return true;
	at = read_time(text, '-', &l->window_from_min);
	if (at)
		at = read_time(at, ' ', &l->window_to_min);
	zone_ok = at && isalpha((unsigned char)*at);
	for (const char *z = at; zone_ok && *z; z++)
		zone_ok = isalnum((unsigned char)*z) || strchr("_/+-", *z);
	if (!zone_ok || l->window_from_min == 24 * 60 || l->window_from_min == l->window_to_min)
		return yaml_file_error(f, e, "limits.window",
				       "window: \"%s\" is not two times of the day and a time "
				       "zone, such as \"01:00-05:00 Europe/Bucharest\"",
				       text);
	l->has_window = true;
	return yaml_file_copy(at, &l->window_zone, e);
}

/* "10s" or "1GiB" */
static bool read_lag(struct limits *l, const char *text, struct yaml_file *f, struct err *e)
{
	uint64_t bytes = 0;
	struct err ignored = { 0 };

	if (!text || str_parse_duration(text, &l->max_replica_lag_s, &ignored))
		return true;
	if (!str_parse_bytes(text, &bytes, &ignored) || bytes > INT64_MAX)
		return yaml_file_error(f, e, "limits.max_replica_lag",
				       "max_replica_lag: \"%s\" is neither a duration such as 10s "
				       "nor a size such as 512MiB",
				       text);
	l->max_replica_lag_bytes = (int64_t)bytes;
	return true;
}

static bool read_rates(struct limits *l, const struct raw_limits *raw, struct yaml_file *f,
		       struct err *e)
{
	uint64_t bytes = 0;

	if (!yaml_file_number(f, "limits.rows_per_second", raw->rows_per_second, 0, INT64_MAX,
			      &l->rows_per_second, e) ||
	    !yaml_file_bytes(f, "limits.bytes_per_second", raw->bytes_per_second, &bytes, e) ||
	    !yaml_file_number(f, "limits.pause_when_ingesting_over", raw->pause_when_ingesting_over,
			      0, INT64_MAX, &l->pause_ingest_rows, e))
		return false;
	if (bytes > INT64_MAX)
		return yaml_file_error(f, e, "limits.bytes_per_second",
				       "bytes_per_second: \"%s\" is too much",
				       raw->bytes_per_second);
	l->bytes_per_second = (int64_t)bytes;
	return read_lag(l, raw->max_replica_lag, f, e);
}

/* In a window others work too: no statement may last longer than it. */
static bool settle_timeout(struct limits *l, const char *text, struct yaml_file *f, struct err *e)
{
	int minutes = (l->window_to_min - l->window_from_min + 1440) % 1440;

	if (!l->has_window || l->statement_timeout_ms > 0)
		return true;
	if (text) {
		yaml_file_error(f, e, "limits.statement_timeout",
				"statement_timeout: with a window it cannot be 0");
		return err_hint(e, "Leave it out: it is the length of the window then.");
	}
	l->statement_timeout_ms = (minutes ? minutes : 1440) * 60000LL;
	return true;
}

static bool read_limits(struct limits *l, const struct raw_limits *raw, struct yaml_file *f,
			struct err *e)
{
	if (!raw)
		return true;
	if (!yaml_file_bytes(f, "limits.max_bytes_per_pass", raw->max_bytes_per_pass,
			     &l->max_bytes_per_pass, e) ||
	    !yaml_file_number(f, "limits.max_rows_per_pass", raw->max_rows_per_pass, 0, INT64_MAX,
			      &l->max_rows_per_pass, e) ||
	    !read_rates(l, raw, f, e) ||
	    !yaml_file_number(f, "limits.jobs", raw->jobs, 1, POLICY_JOBS_MAX, &l->jobs, e) ||
	    !yaml_file_decimal(f, "limits.recall_floor", raw->recall_floor, &l->recall_floor, e) ||
	    !yaml_file_duration(f, "limits.min_residency", raw->min_residency, &l->min_residency_s,
				e) ||
	    !yaml_file_duration_ms(f, "limits.lock_timeout", raw->lock_timeout, &l->lock_timeout_ms,
				   e) ||
	    !yaml_file_duration_ms(f, "limits.statement_timeout", raw->statement_timeout,
				   &l->statement_timeout_ms, e))
		return false;
	l->min_residency_given = raw->min_residency != NULL;
	if (l->recall_floor < 0 || l->recall_floor > 1)
		return yaml_file_error(f, e, "limits.recall_floor",
				       "recall_floor: \"%s\" is not from 0 to 1",
				       raw->recall_floor);
	/* Both become settings of Postgres, which are 32-bit milliseconds; a lock_timeout of 0 there waits for ever. */
	if (l->lock_timeout_ms < 1 || l->lock_timeout_ms > 3600 * 1000)
		return yaml_file_error(f, e, "limits.lock_timeout",
				       "lock_timeout: \"%s\" is not from 1ms to 1h",
				       raw->lock_timeout);
	if (l->statement_timeout_ms > 24LL * 3600 * 1000)
		return yaml_file_error(f, e, "limits.statement_timeout",
				       "statement_timeout: \"%s\" is not from 0 (none) to 24h",
				       raw->statement_timeout);
	return read_window(l, raw->window, f, e) && settle_timeout(l, raw->statement_timeout, f, e);
}

static bool read_rules(struct policy *p, const struct raw_policy *raw, struct yaml_file *f,
		       struct err *e)
{
	if (raw->rule_count == 0)
		return yaml_file_error(f, e, "rules", "a policy needs \"rules\", at least one");
	p->rules = mem_new(raw->rule_count, sizeof(*p->rules), e);
	if (!p->rules)
		return false;
	for (size_t i = 0; i < raw->rule_count; i++) {
		struct rule *r = &p->rules[p->rule_count++];
		struct rule_at at = { .file = f };

		snprintf(at.prefix, sizeof(at.prefix), "rules[%zu]", i);
		r->line = yaml_file_line(f, at.prefix);
		if (!read_name(p, r, raw->rules[i].name, &at, e) ||
		    !read_action(r, &raw->rules[i], &at, e) ||
		    !read_match(r, &raw->rules[i], &at, e))
			return false;
	}
	return true;
}

static bool load_built_in(struct policy *p, struct err *e)
{
	p->rules = mem_new(1, sizeof(*p->rules), e);
	if (!p->rules)
		return false;
	p->rule_count = 1;
	p->rules[0] = (struct rule){
		.action = RULE_ARCHIVE,
		.superseded = true,
		.superseded_grace_s = DEFAULT_GRACE_S,
		.require_replacement = true,
	};
	p->rules[0].name = mem_strdup("superseded", e);
	return p->rules[0].name != NULL;
}

bool policy_load(struct policy *p, const char *path, struct err *e)
{
	struct yaml_file f;
	bool ok;

	*p = (struct policy){ .limits = { .min_residency_s = DEFAULT_RESIDENCY_S,
					  .lock_timeout_ms = DEFAULT_LOCK_TIMEOUT_MS,
					  .pause_ingest_rows = -1,
					  .jobs = DEFAULT_JOBS } };
	if (!path) {
		ok = load_built_in(p, e);
	} else {
		ok = yaml_file_load(&f, path, "a policy", &policy_schema, e) &&
		     yaml_file_copy(path, &p->path, e) && read_rules(p, f.data, &f, e) &&
		     read_limits(&p->limits, ((struct raw_policy *)f.data)->limits, &f, e);
		yaml_file_release(&f);
	}
	if (!ok)
		policy_release(p);
	return ok;
}

const struct rule *policy_rule(const struct policy *p, const char *name)
{
	for (size_t i = 0; i < p->rule_count; i++)
		if (strcmp(p->rules[i].name, name) == 0)
			return &p->rules[i];
	return NULL;
}

static void free_strings(char **items, size_t count)
{
	for (size_t i = 0; items && i < count; i++)
		free(items[i]);
	free(items);
}

void policy_release(struct policy *p)
{
	for (size_t i = 0; i < p->rule_count; i++) {
		free(p->rules[i].name);
		free(p->rules[i].storage_class);
		for (size_t t = 0; t < p->rules[i].transition_count; t++)
			free(p->rules[i].transitions[t].storage_class);
		free(p->rules[i].transitions);
		free_strings(p->rules[i].workspaces, p->rules[i].workspace_count);
		free_strings(p->rules[i].versions, p->rules[i].version_count);
		free_strings(p->rules[i].documents, p->rules[i].document_count);
		free(p->rules[i].where);
	}
	free(p->rules);
	free(p->path);
	free(p->limits.window_zone);
	*p = (struct policy){ 0 };
}
