/* The commands as data, and what each of them gets to work with. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/options.h"
#include "report/report.h"

/* Bits, so that an option's row can name several. */
enum command_id {
	CMD_INIT = 1u << 0,
	CMD_PASS = 1u << 1,
	CMD_PLAN = 1u << 2,
	CMD_REHYDRATE = 1u << 3,
	CMD_MAINTAIN = 1u << 4,
	CMD_STATUS = 1u << 5,
	CMD_VERIFY = 1u << 6,
	CMD_GC = 1u << 7,
	CMD_REPORT = 1u << 8,
	CMD_HELP = 1u << 9,
	CMD_PARTITIONS_RECOMMEND = 1u << 10,
	CMD_PARTITIONS_ENSURE = 1u << 11,
	CMD_PARTITIONS_STATUS = 1u << 12,
	CMD_INDEXES_ENSURE = 1u << 14,
	CMD_INDEXES_STATUS = 1u << 15,
	CMD_INDEXES_PROBE = 1u << 16,
	CMD_PARTITIONS_SPLIT = 1u << 13,
	CMD_VERSIONS_STATUS = 1u << 17,
	CMD_VERSIONS_PROMOTE = 1u << 18,
	CMD_VERSIONS_ROLLBACK = 1u << 19,
	CMD_KEYS_STATUS = 1u << 20,
	CMD_KEYS_ROTATE = 1u << 21,
	CMD_TRANSITION = 1u << 22,
	CMD_TOUCH = 1u << 23,
	CMD_CONFIG_SHOW = 1u << 24,
	CMD_DOCTOR = 1u << 25,
	CMD_FORGET = 1u << 26,
	CMD_EXPLAIN = 1u << 27,
	CMD_POLICY_CHECK = 1u << 28,
	CMD_NONE = 1u << 30, /* before a command was named */
};

/* Everything that a command needs; main fills it. */
struct cli {
	struct settings settings;
	struct report report;
	struct log log;    /* stderr */
	struct firn *firn; /* open unless the command is help */
};

enum command_kind {
	COMMAND_ALONE, /* opens what it needs itself */
	COMMAND_LOOKS, /* cli.firn is open; nothing is lost where a signal ends it at once */
	COMMAND_WORKS  /* cli.firn is open; a signal has it finish or undo what is at hand */
};

struct command {
	const char *
		name; /* one word, or two: "versions status" is a command of the group "versions" */
	const char *summary; /* one line, lower case */
	const char *
		text; /* sentences for "firn help NAME" and the man page; paragraphs are apart by a blank line */
	uint32_t id;
	enum command_kind kind;
	/* What a command writes goes to cli.report.out, errors to cli.log. Returns the exit status. */
	int (*run)(struct cli *c);
};

/* Ends with a row whose name is NULL. */
extern const struct command command_table[];

/* The command that the first words are the name of; *words_out is how many. NULL when there is none; e then has ERR_USAGE
 * and perhaps the nearest one. */
const struct command *command_find(const char *const *words, size_t count, size_t *words_out,
				   struct err *e);

/* Whether the command is one of the group of that name. */
bool command_in_group(const struct command *c, const char *group);

/*
 * How a command ends. ok and e are the call's result, shown whether the result could be written (write_ok and
 * write_error). Work that was put off makes an otherwise good run end with 75. Returns the exit status.
 */
struct cli_outcome {
	bool ok;
	const struct err *error;
	bool written;
	const struct err *write_error;
	bool put_off;
};
int cli_end(const struct cli *c, const struct cli_outcome *outcome);

/* What was asked for on the command line and in the environment, for the library; all borrowed from c. */
struct firn_options cli_firn_options(const struct cli *c);

int cmd_init(struct cli *c);
int cmd_pass(struct cli *c);
int cmd_plan(struct cli *c);
int cmd_rehydrate(struct cli *c);
int cmd_maintain(struct cli *c);
int cmd_status(struct cli *c);
int cmd_verify(struct cli *c);
int cmd_gc(struct cli *c);
int cmd_transition(struct cli *c);
int cmd_forget(struct cli *c);
int cmd_report(struct cli *c);
int cmd_partitions_recommend(struct cli *c);
int cmd_partitions_ensure(struct cli *c);
int cmd_partitions_status(struct cli *c);
int cmd_indexes_ensure(struct cli *c);
int cmd_indexes_status(struct cli *c);
int cmd_indexes_probe(struct cli *c);
int cmd_partitions_split(struct cli *c);
int cmd_versions_status(struct cli *c);
int cmd_versions_promote(struct cli *c);
int cmd_versions_rollback(struct cli *c);
int cmd_keys_status(struct cli *c);
int cmd_keys_rotate(struct cli *c);
int cmd_touch(struct cli *c);
int cmd_policy_check(struct cli *c);
int cmd_explain(struct cli *c);
int cmd_config_show(struct cli *c);
int cmd_doctor(struct cli *c);
int cmd_help(struct cli *c);

#endif
