/* What policies, configurations and price lists say, and what is said about those that are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "policy/config_keys.h"
#include "policy/policy.h"

static char path[64];

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static int make_path(void **state)
{
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/firn-test-policy-XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int remove_path(void **state)
{
	(void)state;
	return unlink(path);
}

/* text is refused with "PATH:" and then wanted, a message from its line number on. */
static void refused(enum err_code code, const struct err *e, const char *wanted)
{
	char full[ERR_MESSAGE_MAX];

	snprintf(full, sizeof(full), "%s:%s", path, wanted);
	assert_string_equal(e->message, full);
	assert_int_equal(e->code, code);
}

static void policy_refused(const char *text, const char *wanted)
{
	struct policy p;
	struct err e = { 0 };

	write_file(text);
	assert_false(policy_load(&p, path, &e));
	refused(ERR_CONFIG, &e, wanted);
}

static void config_refused(const char *text, const char *wanted)
{
	struct config c;
	struct err e = { 0 };

	write_file(text);
	assert_false(config_load(&c, path, &e));
	refused(ERR_CONFIG, &e, wanted);
}

static void prices_refused(const char *text, const char *wanted)
{
	struct prices p;
	struct err e = { 0 };

	write_file(text);
	assert_false(prices_load(&p, path, &e));
	refused(ERR_CONFIG, &e, wanted);
}

static void without_a_file_the_policy_is_superseded_for_a_week(void **state)
{
	struct policy p;
	struct err e = { 0 };

	(void)state;
	assert_true(policy_load(&p, NULL, &e));
	assert_int_equal(p.rule_count, 1);
	assert_string_equal(p.rules[0].name, "superseded");
	assert_int_equal(p.rules[0].action, RULE_ARCHIVE);
	assert_true(p.rules[0].superseded && p.rules[0].require_replacement);
	assert_int_equal(p.rules[0].superseded_grace_s, 7 * 86400);
	assert_int_equal(p.limits.min_residency_s, 86400);
	assert_int_equal(p.limits.lock_timeout_ms, 2000);
	assert_null(p.path);
	policy_release(&p);
}

static void the_shipped_default_says_what_is_built_in(void **state)
{
	struct policy built_in, shipped;
	struct err e = { 0 };

	(void)state;
	assert_true(policy_load(&built_in, NULL, &e));
	assert_true(policy_load(&shipped, TEST_SRCDIR "/../policies/default.yaml", &e));
	assert_int_equal(shipped.rule_count, built_in.rule_count);
	assert_string_equal(shipped.rules[0].name, built_in.rules[0].name);
	assert_int_equal(shipped.rules[0].superseded_grace_s, built_in.rules[0].superseded_grace_s);
	assert_int_equal(shipped.rules[0].require_replacement,
			 built_in.rules[0].require_replacement);
	assert_null(shipped.rules[0].storage_class);
	policy_release(&built_in);
	policy_release(&shipped);
}

static void every_shipped_policy_loads(void **state)
{
	static const char *const names[] = { "default",    "keep-vip", "idle",
					     "superseded", "pressure", "reference" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct policy p;
		struct err e = { 0 };
		char file[512];

		snprintf(file, sizeof(file), TEST_SRCDIR "/../policies/%s.yaml", names[i]);
		if (!policy_load(&p, file, &e))
			fail_msg("%s", e.message);
		policy_release(&p);
	}
}

static void the_reference_policy_is_read_whole(void **state)
{
	struct policy p;
	struct err e = { 0 };

	(void)state;
	assert_true(policy_load(&p, TEST_SRCDIR "/../policies/reference.yaml", &e));
	assert_int_equal(p.rule_count, 4);
	assert_int_equal(p.rules[3].leaf_rows_over, 25000000);
	assert_int_equal(p.rules[0].action, RULE_KEEP);
	assert_int_equal(p.rules[0].workspace_count, 2);
	assert_string_equal(p.rules[0].workspaces[1], "globex-*");
	assert_int_equal(p.rules[1].version_count, 2);
	assert_string_equal(p.rules[1].versions[0], "minilm-*");
	assert_string_equal(p.rules[1].storage_class, "STANDARD_IA");
	assert_int_equal(p.rules[1].zstd_level, 9);
	assert_int_equal(p.rules[1].delete_after_s, 730 * 86400);
	assert_int_equal(p.rules[2].document_count, 1);
	assert_string_equal(p.rules[2].where, "length(chunk_text) > 0");
	assert_true(p.rules[2].has_idle_for && p.rules[2].has_age_over && !p.rules[2].superseded);
	assert_int_equal(p.rules[2].idle_for_s, 60 * 86400);
	assert_true(p.rules[2].has_heat_below && p.rules[2].of_document);
	assert_true(p.rules[2].heat_below > 0.499 && p.rules[2].heat_below < 0.501);
	assert_false(p.rules[1].has_heat_below || p.rules[1].of_document);
	assert_int_equal(p.rules[2].age_over_s, 30 * 86400);
	assert_int_equal(p.limits.max_bytes_per_pass, 50ull << 30);
	assert_int_equal(p.limits.max_rows_per_pass, 2000000);
	assert_int_equal(p.limits.rows_per_second, 5000);
	assert_int_equal(p.limits.bytes_per_second, 20 << 20);
	assert_int_equal(p.limits.max_replica_lag_s, 30);
	assert_int_equal(p.limits.pause_ingest_rows, 1000);
	assert_int_equal(p.limits.jobs, 2);
	assert_int_equal(p.limits.lock_timeout_ms, 2000);
	assert_int_equal(p.limits.statement_timeout_ms, 600000);
	assert_true(p.limits.has_window);
	assert_int_equal(p.limits.window_from_min, 60);
	assert_int_equal(p.limits.window_to_min, 300);
	assert_string_equal(p.limits.window_zone, "Europe/Bucharest");
	policy_release(&p);
}

static void one_name_needs_no_list_and_a_timeout_may_be_in_ms(void **state)
{
	struct policy p;
	struct err e = { 0 };

	(void)state;
	write_file("rules:\n- name: a\n  match: { workspace: acme }\n  archive: {}\n"
		   "limits: { lock_timeout: 250ms, window: '22:00-24:00 UTC' }\n");
	assert_true(policy_load(&p, path, &e));
	assert_int_equal(p.rules[0].line, 2);
	assert_int_equal(p.rules[0].workspace_count, 1);
	assert_string_equal(p.rules[0].workspaces[0], "acme");
	assert_int_equal(p.limits.lock_timeout_ms, 250);
	assert_int_equal(p.limits.window_to_min, 1440);
	assert_int_equal(p.limits.statement_timeout_ms, 2 * 3600 * 1000);
	policy_release(&p);
}

#define RULE(text)   "rules:\n  - name: a\n" text
#define LIMITS(text) RULE("    match: { superseded: {} }\n    archive: {}\n") "limits:\n" text

static void policies_that_are_wrong_are_refused_with_line_and_key(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ RULE("    match: { idle_fro: 60d }\n    archive: {}\n"),
		  "3: \"idle_fro\" is not a key of match; did you mean \"idle_for\"?" },
		{ RULE("    match: { warmth: 3 }\n    archive: {}\n"),
		  "3: \"warmth\" is not a key of match" },
		{ RULE("    match:\n      superseded: {}\n      where: \" \"\n    archive: {}\n"),
		  "5: where: it is empty" },
		{ RULE("    match: { document: [] }\n    keep: true\n"),
		  "3: \"document\" is an empty list" },
		{ RULE("    match: { superseded: {} }\n    archive: { class: X }\n"),
		  "4: \"class\" is not a key of archive" },
		{ RULE("    match: {}\n    keep: true\n") "extra: 1\n",
		  "5: \"extra\" is not a key of a policy" },
		{ RULE("    mtach: {}\n    keep: true\n"),
		  "3: \"mtach\" is not a key of an item of rules; did you mean \"match\"?" },
		{ RULE("    match: {}\n"), "2: rule \"a\" has neither \"keep\" nor \"archive\"" },
		{ RULE("    match: {}\n    keep: true\n    archive: {}\n"),
		  "5: rule \"a\" has both \"keep\" and \"archive\"" },
		{ RULE("    match: {}\n    keep: false\n"),
		  "4: keep: only true can be written here" },
		{ RULE("    match: {}\n    keep: perhaps\n"),
		  "4: keep: \"perhaps\" is neither true nor false" },
		{ RULE("    match: {}\n    archive: {}\n"),
		  "3: rule \"a\" would archive every chunk: its match is empty" },
		{ RULE("    keep: true\n"), "2: rule \"a\" has no \"match\"" },
		{ RULE("    match: {}\n    archive:\n"),
		  "4: \"archive\" takes keys, such as { storage_class: ... }" },
		{ RULE("    match: { workspace: [] }\n    keep: true\n"),
		  "3: \"workspace\" is an empty list" },
		{ RULE("    match: { workspace: [a, {}] }\n    keep: true\n"),
		  "3: \"workspace\" takes one value, not keys" },
		{ RULE("    match: { workspace: }\n    keep: true\n"),
		  "3: \"workspace\" has no value" },
		{ RULE("    match: { version: [a, \"\"] }\n    keep: true\n"),
		  "3: the empty string matches nothing" },
		{ RULE("    match: { superseded: yes }\n    archive: {}\n"),
		  "3: \"superseded\" takes keys, such as { grace: ... }" },
		{ RULE("    match:\n      superseded:\n        grace: 7\n    archive: {}\n"),
		  "5: grace: \"7\" is not a duration such as 90s, 15min, 12h, 7d or 1d12h" },
		{ RULE("    match: { idle_for: 0 }\n    archive: {}\n"),
		  "3: idle_for: 0 would match every chunk" },
		{ RULE("    match: { age_over: [1d] }\n    archive: {}\n"),
		  "3: \"age_over\" takes one value, not a list" },
		{ RULE("    match: { heat_below: 0 }\n    archive: {}\n"),
		  "3: heat_below: no heat is below \"0\"" },
		{ RULE("    match:\n      heat_below: -1\n    archive: {}\n"),
		  "4: heat_below: \"-1\" is not a number such as 0.0245" },
		{ RULE("    match:\n      heat_below: warm\n    archive: {}\n"),
		  "4: heat_below: \"warm\" is not a number such as 0.0245" },
		{ RULE("    match:\n      idle_for: 1d\n      of: workspace\n    archive: {}\n"),
		  "5: of: \"workspace\" is neither chunk nor document" },
		{ RULE("    match: { age_over: 1d, of: document }\n    archive: {}\n"),
		  "3: of: says whose reads count for idle_for, heat_below, leaf_rows_over and "
		  "hot_bytes_over, and rule \"a\" has none of them" },
		{ RULE("    match: { leaf_rows_over: 25Q }\n    archive: {}\n"),
		  "3: leaf_rows_over: \"25Q\" is not a number such as 250000, 25M or 1G" },
		{ RULE("    match: { leaf_rows_over: 0 }\n    archive: {}\n"),
		  "3: leaf_rows_over: \"0\" is not from 1 to 2^63 - 1" },
		{ RULE("    match:\n      hot_bytes_over: 16384PiB\n    archive: {}\n"),
		  "4: hot_bytes_over: \"16384PiB\" is not a size such as 512MiB or 10GB" },
		{ RULE("    match: { hot_bytes_over: 1GiB }\n    keep: true\n"),
		  "3: hot_bytes_over: only a rule that archives takes the coldest until the rest "
		  "is "
		  "below" },
		{ RULE("    match:\n      leaf_rows_over: 1M\n      hot_bytes_over: 1GiB\n    "
		       "archive: "
		       "{}\n"),
		  "5: rule \"a\" has both leaf_rows_over and hot_bytes_over" },
		{ RULE("    match: { heat_blow: 1 }\n    archive: {}\n"),
		  "3: \"heat_blow\" is not a key of match; did you mean \"heat_below\"?" },
		{ RULE("    match: { idle_for: 1d, idle_for: 2d }\n    archive: {}\n"),
		  "3: \"idle_for\" is given a second time (first in line 3)" },
		{ RULE("    match: { superseded: {} }\n    archive: { storage_class: GLACIER }\n"),
		  "4: storage_class: GLACIER cannot be read back when a segment was written" },
		{ RULE("    match: { superseded: {} }\n    archive:\n      transitions:\n"
		       "        - { after: 30d }\n"),
		  "6: a transition needs \"after\" and \"storage_class\"" },
		{ RULE("    match: { superseded: {} }\n    archive:\n      transitions:\n"
		       "        - { after: 30d, storage_class: GLACIER_IR }\n"
		       "        - { after: 30d, storage_class: GLACIER }\n"),
		  "7: after: \"30d\" is not later than that of the transition before it" },
		{ RULE("    match: { superseded: {} }\n    archive:\n      transitions:\n"
		       "        - { after: 30d, storage_class: STANDARD }\n"),
		  "6: storage_class: objects are in STANDARD before that already" },
		{ RULE("    match: { superseded: {} }\n    archive:\n      zstd_level: 22\n"),
		  "5: zstd_level: 22 is not from 1 to 19" },
		{ RULE("    match: { superseded: {} }\n    archive: { delete_after: 0 }\n"),
		  "4: delete_after: \"0\" is less than a day" },
		{ RULE("    match: { superseded: {} }\n    archive:\n      transitions:\n"
		       "        - { after: 30d, storage_class: GLACIER }\n      delete_after: "
		       "30d\n"),
		  "7: delete_after: \"30d\" is not later than the last transition" },
		{ RULE("    match: { superseded: {} }\n    keep: true\n    delete_after: 30d\n"),
		  "5: \"delete_after\" is not a key of an item of rules" },
		{ RULE("    match: { superseded: {} }\n    archive: { storage_class: standard ia "
		       "}\n"),
		  "4: storage_class: \"standard ia\" is not a storage class such as STANDARD_IA" },
		{ RULE("    match: {}\n    keep: true\n") "  - name: a\n    match: {}\n    keep: "
							  "true\n",
		  "5: the name \"a\" is taken by the rule in line 2" },
		{ "rules:\n  - match: {}\n    keep: true\n", "2: a rule needs a \"name\"" },
		{ "rules:\n  - name: Old One\n    match: {}\n    keep: true\n",
		  "2: the name \"Old One\" is not 1 to 63 of a-z, 0-9, \"_\" and \"-\"" },
		{ "limits: {}\n", "1: a policy needs \"rules\", at least one" },
		{ "rules: []\n", "1: a policy needs \"rules\", at least one" },
		{ "rules: { name: a }\n",
		  "1: \"rules\" takes a list: items that begin with \"- \"" },
		{ "- name: a\n", "1: a policy is made of keys, such as \"rules:\"" },
		{ "", " the file is empty: a policy is made of keys, such as \"rules:\"" },
		{ LIMITS("  window: 1-5\n"),
		  "6: window: \"1-5\" is not two times of the day and a time zone, such as "
		  "\"01:00-05:00 Europe/Bucharest\"" },
		{ LIMITS("  window: 01:00-25:00 UTC\n"),
		  "6: window: \"01:00-25:00 UTC\" is not two times of the day and a time zone, "
		  "such as \"01:00-05:00 Europe/Bucharest\"" },
		{ LIMITS("  bytes_per_second: fast\n"),
		  "6: bytes_per_second: \"fast\" is not a size such as 512MiB or 10GB" },
		{ LIMITS("  max_replica_lag: far\n"), "6: max_replica_lag: \"far\" is neither a "
						      "duration such as 10s nor a size such as "
						      "512MiB" },
		{ LIMITS("  pause_when_ingesting_over: -5\n"),
		  "6: pause_when_ingesting_over: -5 is less than 0" },
		{ LIMITS("  window: 01:00-05:00 UTC\n  statement_timeout: 0\n"),
		  "7: statement_timeout: with a window it cannot be 0" },
		{ LIMITS("  max_rows_per_pass: -1\n"), "6: max_rows_per_pass: -1 is less than 0" },
		{ LIMITS("  jobs: 65\n"), "6: jobs: 65 is not from 1 to 64" },
		{ LIMITS("  max_bytes_per_pass: many\n"),
		  "6: max_bytes_per_pass: \"many\" is not a size such as 512MiB or 10GB" },
		{ LIMITS("  lock_timeout: 0\n"), "6: lock_timeout: \"0\" is not from 1ms to 1h" },
		{ LIMITS("  rows_per_seconds: 5\n"), "6: \"rows_per_seconds\" is not a key of "
						     "limits; did you mean \"rows_per_second\"?" },
		{ "rules:\n  - name: &n a\n    match: { workspace: *n }\n    keep: true\n",
		  "3: \"*n\" is an alias: write out what it stands for" },
		{ RULE("    match: {}\n    keep: true\n") "---\nrules: []\n",
		  "5: a second YAML document begins here" },
		{ "rules:\n  - name: @a\n",
		  "2: not YAML: found character that cannot start any token" },
		{ "rules: \xff\n", " not YAML: invalid leading UTF-8 octet at byte 7" },
		{ RULE("    match: { workspace: \"a\\0b\" }\n    keep: true\n"),
		  "3: the value of \"workspace\" holds a NUL character" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		policy_refused(cases[i].text, cases[i].wanted);
}

static void a_policy_that_is_not_there_is_a_configuration_error(void **state)
{
	struct policy p;
	struct err e = { 0 };

	(void)state;
	assert_false(policy_load(&p, "/nonexistent/policy.yaml", &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.message, "/nonexistent/policy.yaml"));
}

static void without_a_file_the_configuration_is_its_defaults(void **state)
{
	struct config c;
	struct err e = { 0 };

	(void)state;
	assert_true(config_load(&c, NULL, &e));
	assert_int_equal(c.cache.max_bytes, 10ull << 30);
	assert_int_equal(c.segment.target_bytes, 128ull << 20);
	assert_int_equal(c.segment.max_rows, 262144);
	assert_int_equal(c.segment.zstd_level, 3);
	assert_true(!c.segment.text_dictionary && c.maintain.concurrently);
	assert_int_equal(c.gc.horizon_s, 30 * 86400);
	assert_int_equal(c.heat.half_life_s, 7 * 86400);
	assert_int_equal(c.cost.replicas + c.cost.wal_percent + c.cost.index_memory_percent +
				 c.cost.egress_percent,
			 0);
	assert_null(c.database);
	config_release(&c);
}

static void the_example_configuration_is_read_whole(void **state)
{
	struct config c;
	struct err e = { 0 };

	(void)state;
	if (!config_load(&c, TEST_SRCDIR "/../policies/firn.example.yaml", &e))
		fail_msg("%s", e.message);
	assert_string_equal(c.database, "service=app");
	assert_string_equal(c.archive, "s3://chunks/prod");
	assert_string_equal(c.s3.endpoint, "https://s3.example.net");
	assert_true(c.s3.path_style);
	assert_int_equal(c.s3.upload_jobs, 4);
	assert_string_equal(c.cache.dir, "/var/cache/firn");
	assert_string_equal(c.maintain.work_mem, "2097152kB");
	assert_int_equal(c.maintain.builds, 1);
	assert_int_equal(c.maintain.pause_ingest_rows, 1000);
	assert_int_equal(c.maintain.pause_replica_lag_bytes, 1ull << 30);
	assert_int_equal(c.maintain.pause_at_most_s, 600);
	assert_int_equal(c.table_count, 1);
	assert_string_equal(c.tables[0].table, "public.document_chunk");
	assert_int_equal(c.tables[0].id_column_count, 1);
	assert_string_equal(c.tables[0].id_columns[0], "id");
	assert_string_equal(c.tables[0].created_column, "created_at");
	assert_string_equal(c.tables[0].active_version.version_column, "active_embedding_version");
	/* Paths are meant from the file's folder, and the shipped ones are there. */
	assert_int_equal(access(c.policy, R_OK), 0);
	assert_int_equal(access(c.prices, R_OK), 0);
	config_release(&c);
}

/* Finds each scalar and list of the schema in the table of keys; returns how many there are. */
static size_t look_up_keys(const cyaml_schema_field_t *fields, const char *prefix)
{
	size_t count = 0;

	for (; fields->key; fields++) {
		const cyaml_schema_value_t *value = &fields->value;
		const struct config_key *k = config_keys;
		char name[CONFIG_KEY_MAX];

		snprintf(name, sizeof(name), "%s%s", prefix, fields->key);
		if (value->type == CYAML_MAPPING) {
			strncat(name, ".", sizeof(name) - strlen(name) - 1);
			count += look_up_keys(value->mapping.fields, name);
			continue;
		}
		if (value->type == CYAML_SEQUENCE) {
			strncat(name, "[].", sizeof(name) - strlen(name) - 1);
			count += look_up_keys(value->sequence.entry->mapping.fields, name);
			continue;
		}
		while (k->name && strcmp(k->name, name) != 0)
			k++;
		if (!k->name)
			fail_msg("config_keys has no row for \"%s\"", name);
		count++;
	}
	return count;
}

static void every_key_of_the_configuration_can_be_shown(void **state)
{
	size_t rows = 0;

	(void)state;
	while (config_keys[rows].name)
		rows++;
	assert_int_equal(look_up_keys(config_schema()->mapping.fields, ""), rows);
}

static const struct config_value *value_of(const struct config_values *values, const char *key)
{
	for (size_t i = 0; i < values->count; i++)
		if (strcmp(values->items[i].key, key) == 0)
			return &values->items[i];
	fail_msg("no value is shown for \"%s\"", key);
	return NULL;
}

static void values_are_shown_as_the_file_could_have_them(void **state)
{
	static const struct {
		const char *key, *value;
		int line;
	} wanted[] = {
		{ "segment.target_bytes", "1536MiB", 2 },
		{ "segment.max_rows", "262144", 0 },
		{ "gc.horizon", "90s", 3 },
		{ "s3.path_style", "true", 4 },
		{ "maintain.pause_ingest_rows", "0", 5 },
		{ "maintain.pause_replica_lag", "0", 6 },
		{ "maintain.build_workers", NULL, 0 },
		{ "s3.resend_percent", NULL, 0 },
		{ "tables[0].table", "t", 7 },
		{ "tables[0].columns.id", "ws, n", 7 },
		{ "tables[0].active_version.value", NULL, 0 },
	};
	struct config c;
	struct config_values values;
	struct err e = { 0 };

	(void)state;
	write_file("segment:\n  target_bytes: 1536MiB\ngc: { horizon: 1m30s }\ns3: { path_style: "
		   "on }\n"
		   "maintain: { pause_ingest_rows: 0,\n  pause_replica_lag: 0 }\n"
		   "tables: [ { table: t, columns: { id: [ws, n] } } ]\n");
	if (!config_load(&c, path, &e) || !config_describe(&c, path, &values, &e))
		fail_msg("%s", e.message);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		const struct config_value *v = value_of(&values, wanted[i].key);

		if (wanted[i].value)
			assert_string_equal(v->value, wanted[i].value);
		else
			assert_null(v->value);
		assert_int_equal(v->line, wanted[i].line);
	}
	config_values_release(&values);
	config_release(&c);
}

static void a_chunk_id_may_have_several_columns(void **state)
{
	struct config c;
	struct err e = { 0 };

	(void)state;
	write_file("tables:\n  - table: t\n    columns: { id: [ws, n] }\n    active_version: { "
		   "value: v7 }\npolicy: /p.yaml\n");
	assert_true(config_load(&c, path, &e));
	assert_int_equal(c.tables[0].id_column_count, 2);
	assert_string_equal(c.tables[0].id_columns[1], "n");
	assert_string_equal(c.tables[0].active_version.value, "v7");
	assert_string_equal(c.policy, "/p.yaml");
	config_release(&c);
}

static void configurations_that_are_wrong_are_refused_with_line_and_key(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "databse: x\n",
		  "1: \"databse\" is not a key of the configuration; did you mean \"database\"?" },
		{ "archive: /srv\n", "1: archive: it begins with neither s3:// nor file:///" },
		{ "database: x\ns3:\n  endpoint: host\n",
		  "3: endpoint: \"host\" begins with neither https:// nor http://" },
		{ "s3: { upload_jobs: 0 }\n", "1: upload_jobs: 0 is not from 1 to 16" },
		{ "s3: { resend_percent: 0 }\n", "1: resend_percent: 0 is not from 1 to 10000" },
		{ "s3: { sse: aes }\n", "1: sse: \"aes\" is none of AES256, aws:kms and customer" },
		{ "s3: { path_style: maybe }\n",
		  "1: path_style: \"maybe\" is neither true nor false" },
		{ "cache:\n  max_bytes: 10GB!\n",
		  "2: max_bytes: \"10GB!\" is not a size such as 512MiB or 10GB" },
		{ "segment:\n  zstd_level: 22\n", "2: zstd_level: 22 is not from 1 to 19" },
		{ "segment: { target_bytes: 4096 }\n",
		  "1: target_bytes: \"4096\" is not from 1MiB to 64GiB" },
		{ "cost: { replicas: -1 }\n", "1: replicas: -1 is not from 0 to 64" },
		{ "cost: { egress_percent: 101 }\n",
		  "1: egress_percent: 101 is not from 0 to 100" },
		{ "cost:\n  index_memory_percent: 101\n",
		  "2: index_memory_percent: 101 is not from 0 to 100" },
		{ "heat: { half_life: 5s }\n", "1: half_life: \"5s\" is not from 1min to 3650d" },
		{ "heat: { halflife: 5d }\n",
		  "1: \"halflife\" is not a key of heat; did you mean \"half_life\"?" },
		{ "gc: { horizon: 30 }\n",
		  "1: horizon: \"30\" is not a duration such as 90s, 15min, 12h, 7d or 1d12h" },
		{ "maintain: { work_mem: 8kB }\n",
		  "1: work_mem: \"8kB\" is not from 1MiB to 2047GiB" },
		{ "maintain:\n  builds: 0\n", "2: builds: 0 is not from 1 to 64" },
		{ "encryption: {}\n",
		  "1: encryption: exactly one of key_file and key_command is given" },
		{ "encryption: { key_file: a, key_command: b }\n",
		  "1: encryption: exactly one of key_file and key_command is given" },
		{ "encryption: { key_file: a, old_key_file: b, old_key_command: c }\n",
		  "1: encryption: one of old_key_file and old_key_command is enough" },
		{ "tables:\n  - columns: {}\n", "2: an item of tables needs a \"table\"" },
		{ "tables:\n  - table: a\n  - table: a\n", "3: table \"a\" is listed twice" },
		{ "tables:\n  - table: a\n    columns: { idd: x }\n",
		  "3: \"idd\" is not a key of columns; did you mean \"id\"?" },
		{ "tables:\n  - table: a\n    active_version: { value: a, query: b }\n",
		  "3: active_version: exactly one of table, query and value is given" },
		{ "tables:\n  - table: a\n    active_version: { value: a, since_column: b }\n",
		  "3: active_version: columns are named only together with a table" },
		{ "tables: document_chunk\n",
		  "1: \"tables\" takes a list: items that begin with \"- \"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		config_refused(cases[i].text, cases[i].wanted);
}

static void an_error_never_repeats_what_may_hold_a_password(void **state)
{
	static const char *const texts[] = {
		"database: { password: hunter2 }\n",
		"database: postgres://u:hunter2@h/d\ndatabase: x\n",
		"archive: postgres://u:hunter2@h/d\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct config c;
		struct err e = { 0 };

		write_file(texts[i]);
		assert_false(config_load(&c, path, &e));
		assert_null(strstr(e.message, "hunter2"));
		assert_null(strstr(e.hint, "hunter2"));
	}
}

static void every_shipped_price_list_loads(void **state)
{
	glob_t found;

	(void)state;
	assert_int_equal(glob(TEST_SRCDIR "/../policies/prices/*.yaml", 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= 4);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *file = strrchr(found.gl_pathv[i], '/') + 1;
		struct prices p;
		struct err e = { 0 };
		double usd;

		if (!prices_load(&p, found.gl_pathv[i], &e))
			fail_msg("%s", e.message);
		/* A list is named as its file is, and prices what everyone has. */
		assert_int_equal(strncmp(file, p.name, strlen(p.name)), 0);
		assert_string_equal(file + strlen(p.name), ".yaml");
		assert_true(p.source && *p.source);
		assert_true(p.hot_usd_per_gib_month > 0 && prices_find(&p, "", &usd) && usd > 0);
		assert_true(p.cache_usd_per_gib_month == p.hot_usd_per_gib_month);
		if (strncmp(file, "aws-", 4) == 0) {
			static const char *const classes[] = { "STANDARD_IA", "ONEZONE_IA",
							       "GLACIER_IR", "GLACIER",
							       "DEEP_ARCHIVE" };
			double before = usd;

			assert_true(p.usd_per_gib_egress > 0);
			/* Each is cheaper than the one before. */
			for (size_t c = 0; c < sizeof(classes) / sizeof(*classes); c++) {
				assert_true(prices_find(&p, classes[c], &usd) && usd < before);
				before = usd;
			}
		}
		prices_release(&p);
	}
	globfree(&found);
}

static void the_cache_and_egress_may_be_priced(void **state)
{
	struct prices p;
	struct err e = { 0 };

	(void)state;
	write_file("name: x\ndate: 2026-11-01\nhot_usd_per_gib_month: 0.1\n"
		   "cache_usd_per_gib_month: 0.05\nusd_per_gib_egress: 0.09\n");
	assert_true(prices_load(&p, path, &e));
	assert_true(p.cache_usd_per_gib_month == 0.05 && p.usd_per_gib_egress == 0.09);
	prices_release(&p);
	prices_refused("name: x\ndate: 2026-11-01\nhot_usd_per_gib_month: 0.1\n"
		       "usd_per_gib_egress: much\n",
		       "4: usd_per_gib_egress: \"much\" is not a number such as 0.0245");
	prices_refused("name: x\ndate: 2026-11-01\nhot_usd_per_gib_month: 0.1\n"
		       "cache_usd_per_gib_month: -1\n",
		       "4: cache_usd_per_gib_month: \"-1\" is not a number such as 0.0245");
}

static void the_shipped_price_list_loads(void **state)
{
	struct prices p;
	struct err e = { 0 };
	double usd;

	(void)state;
	if (!prices_load(&p, TEST_SRCDIR "/../policies/prices/aws-eu-central-1.yaml", &e))
		fail_msg("%s", e.message);
	assert_string_equal(p.name, "aws-eu-central-1");
	assert_string_equal(p.date, "2026-11-01");
	assert_true(p.hot_usd_per_gib_month == 0.0952);
	assert_true(prices_find(&p, "", &usd) && usd == 0.0245);
	assert_true(prices_find(&p, NULL, &usd) && usd == 0.0245);
	assert_true(prices_find(&p, "GLACIER_IR", &usd) && usd == 0.005);
	assert_false(prices_find(&p, "FLOPPY", &usd));
	assert_string_equal(p.currency, "USD");
	assert_true(prices_class(&p, "GLACIER_IR")->usd_per_gib_retrieved == 0.03);
	assert_null(prices_class(&p, "FLOPPY"));
	prices_release(&p);
	assert_true(prices_load(&p, TEST_SRCDIR "/../policies/prices/self-hosted.yaml", &e));
	assert_string_equal(p.currency, "EUR");
	prices_release(&p);
}

static void without_a_price_list_nothing_has_a_price(void **state)
{
	struct prices p;
	struct err e = { 0 };
	double usd;

	(void)state;
	assert_true(prices_load(&p, NULL, &e));
	assert_string_equal(p.name, "none");
	assert_true(p.hot_usd_per_gib_month == 0);
	assert_false(prices_find(&p, "", &usd));
	prices_release(&p);
}

static void price_lists_that_are_wrong_are_refused_with_line_and_key(void **state)
{
#define HEAD "name: x\ndate: 2026-11-01\nhot_usd_per_gib_month: 0.1\n"
	(void)state;
	prices_refused("name: x\n", "1: \"date\" is missing");
	prices_refused("name: x\ndate: today\nhot_usd_per_gib_month: 1\n",
		       "2: date: \"today\" is not a date such as 2026-11-01");
	prices_refused("name: x\ndate: 2026-11-01\nhot_usd_per_gib_month: -1\n",
		       "3: hot_usd_per_gib_month: \"-1\" is not a number such as 0.0245");
	prices_refused(HEAD "classes:\n - { storage_class: A }\n",
		       "5: \"usd_per_gib_month\" is missing");
	prices_refused(HEAD "classes:\n - { storage_class: A, usd_per_gib_month: 0,5 }\n",
		       "5: \"5\" is not a key of an item of classes");
	prices_refused(HEAD "classes:\n - { storage_class: A, usd_per_gib_month: 1 }\n"
			    " - { storage_class: A, usd_per_gib_month: 2 }\n",
		       "6: storage class \"A\" is priced twice");
	prices_refused(HEAD "currency: euro\n",
		       "4: currency: \"euro\" is not three letters such as USD");
	prices_refused(HEAD "classes:\n - storage_class: A\n   usd_per_gib_month: 1\n"
			    "   usd_per_1000_put: much\n",
		       "7: usd_per_1000_put: \"much\" is not a number such as 0.0245");
	prices_refused(HEAD "classes:\n - storage_class: A\n   usd_per_gib_month: 1\n"
			    "   least_days: 5000\n",
		       "7: least_days: 5000 is not from 0 to 3650");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_the_policy_is_superseded_for_a_week),
		cmocka_unit_test(the_shipped_default_says_what_is_built_in),
		cmocka_unit_test(every_shipped_policy_loads),
		cmocka_unit_test(the_reference_policy_is_read_whole),
		cmocka_unit_test(one_name_needs_no_list_and_a_timeout_may_be_in_ms),
		cmocka_unit_test(policies_that_are_wrong_are_refused_with_line_and_key),
		cmocka_unit_test(a_policy_that_is_not_there_is_a_configuration_error),
		cmocka_unit_test(without_a_file_the_configuration_is_its_defaults),
		cmocka_unit_test(the_example_configuration_is_read_whole),
		cmocka_unit_test(every_key_of_the_configuration_can_be_shown),
		cmocka_unit_test(values_are_shown_as_the_file_could_have_them),
		cmocka_unit_test(a_chunk_id_may_have_several_columns),
		cmocka_unit_test(configurations_that_are_wrong_are_refused_with_line_and_key),
		cmocka_unit_test(an_error_never_repeats_what_may_hold_a_password),
		cmocka_unit_test(the_shipped_price_list_loads),
		cmocka_unit_test(every_shipped_price_list_loads),
		cmocka_unit_test(the_cache_and_egress_may_be_priced),
		cmocka_unit_test(without_a_price_list_nothing_has_a_price),
		cmocka_unit_test(price_lists_that_are_wrong_are_refused_with_line_and_key),
	};

	return cmocka_run_group_tests(tests, make_path, remove_path);
}
