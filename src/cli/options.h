/*
 * The command line's options, declared once: a row drives argv, the environment (FIRN_*), --help, the man page and
 * completion. Values are read in this order, the later wins: environment, options. (The configuration file comes
 * before both and is read inside the library.)
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "firn/firn.h"

enum option_kind {
	OPT_FLAG,     /* bool; takes no value on the command line */
	OPT_COUNT,    /* int, one more each time; takes no value */
	OPT_STRING,   /* char * */
	OPT_LIST,     /* struct option_list of strings, one more each time */
	OPT_IDS,      /* struct option_list of positive whole numbers, one more each time */
	OPT_NUMBER,   /* int64_t, at least 1 */
	OPT_BYTES,    /* int64_t, at least 1 */
	OPT_DURATION, /* int64_t, seconds */
	OPT_YESNO,    /* int: 1 yes, -1 no; 0 when not given */
	OPT_CHOICE,   /* int: index into choices; 0 when not given, so the first is the default */
};

struct option_list {
	char **items;
	int64_t *ids; /* OPT_IDS: the same as numbers */
	size_t count, capacity, id_capacity;
	bool from_environment; /* given on the command line as well, it begins anew */
};

enum output_format {
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_CSV, /* of report only, as all that follow */
	FORMAT_PROMETHEUS,
	FORMAT_HTML
};

#define SETTINGS_MAX 160 /* rows of option_table */

enum setting_origin {
	SETTING_NOT_GIVEN,
	SETTING_FROM_ENVIRONMENT,
	SETTING_FROM_OPTION
};

struct settings {
	unsigned char origins[SETTINGS_MAX]; /* enum setting_origin, by row of option_table */
	char *config, *database, *archive, *policy, *prices, *cache_dir;
	char *s3_endpoint, *s3_region, *s3_profile, *s3_ca_file;
	int s3_path_style;
	struct option_list tables;
	int format, log_format; /* enum output_format */
	int quiet, verbose;
	bool no_progress, help, version;

	int64_t max_rows, max_runtime_s, segment_bytes, jobs;
	bool dry_run, no_maintain;
	struct option_list workspaces, documents, chunks, versions, segments, columns;
	int where_cold, on_conflict, by, restore_tier;
	int64_t restore_days, restore_poll_s;
	bool wait, lifecycle_json;
	bool take_over; /* init */
	bool force, reclaim, deep, confirm, orphans, expire, bulk, with_tables;
	int64_t horizon_s;                                           /* -1: not given */
	int64_t growth_percent, planned_rows, leaf_rows, leaf_count; /* partitions */
	int index_type; /* indexes ensure: 0 not given, hnsw, ivfflat */
	char *lists, *opclass, *operator_, *expression, *where, *queries;
	int64_t index_m, ef_construction, sample, seed, ef_search, probes;
	bool widen_keys, drop_old, rollback; /* partitions split */
	char *workspace, *to_version;
	char *chunk, *document; /* explain */
	int64_t pass;
	bool last_pass; /* versions promote, rollback */
	bool allow_missing;
	char *new_key_file, *new_key_command; /* keys rotate */
	char *since, *output, *what_if, *at;  /* report */
	int report_by;
	bool explain;
	char *complete_since; /* touch */
	bool man, bash_completion, zsh_completion;
	char *topic; /* the words after help; NULL: none */
};

#define FOR_ALL 0xFFFFFFFFu

struct option {
	const char *name; /* without the two dashes */
	char letter;      /* 0: none */
	enum option_kind kind;
	size_t offset;     /* in struct settings */
	const char *arg;   /* how the value is called: "FILE"; NULL for kinds that take none */
	const char *help;  /* lower case, no full stop */
	uint32_t commands; /* bits of enum command_id; FOR_ALL: global */
	bool once;         /* says what to do this once: never read from the environment */
	const char *const *choices; /* NULL-terminated; OPT_CHOICE only */
};

/* Ends with a row whose name is NULL. */
extern const struct option option_table[];

/* "max-rows" to "FIRN_MAX_ROWS". out must hold OPTION_ENV_MAX bytes. Returns out. */
#define OPTION_ENV_MAX 64
const char *option_env_name(const struct option *o, char *out);

/* Whether the command takes it. */
bool option_is_for(const struct option *o, uint32_t command);

void settings_init(struct settings *s);
void settings_release(struct settings *s);

/* Reads FIRN_* for every option that the command takes. ERR_CONFIG names the variable. */
bool settings_from_environment(struct settings *s, uint32_t command, struct err *e);

/*
 * Reads options from argv[1] on, as far as the command takes them. CMD_NONE reads up to the first word that is no
 * option, the command, whose position is *rest_out (argc: there is none). After a command, a word that is no option
 * is ERR_USAGE, but for help's topic and the file of policy check, which becomes the policy. ERR_USAGE also for unknown options and bad values.
 */
bool settings_from_argv(struct settings *s, uint32_t command, const char *command_name, int argc,
			const char **argv, int *rest_out, struct err *e);

enum setting_origin settings_origin(const struct settings *s, const struct option *o);

/* Replaces a chunk named "-" by the lines of in: ids, one a line; empty lines are skipped. */
bool settings_read_chunks(struct settings *s, FILE *in, struct err *e);

#endif
