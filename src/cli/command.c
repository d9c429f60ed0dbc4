#include "cli/command.h"

#include <limits.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/str.h"

const struct command command_table[] = {
	{ "init", "install or upgrade the catalog; check database, table and archive",
	  "Looks at the managed tables, says what it found and what stands in the way, installs "
	  "the catalog (the schema \"firn\") and proves that the archive can be written and "
	  "read. Running it again is safe, and is how the catalog is upgraded.\n\n"
	  "Where another copy of the database (a staging clone, or the original of a restored "
	  "backup) has worked with the archive, passes, transitions and gc --confirm end with "
	  "78; --take-over says that it is this one's turn from now on, and has the other "
	  "refused.",
	  CMD_INIT, COMMAND_WORKS, cmd_init },
	{ "pass", "one tiering pass: plan, move, maintain (what cron runs)",
	  "Moves the chunks that the policy's rules name out of Postgres and into segments of "
	  "the archive, then does the index work that this made due. A chunk is deleted only "
	  "after its segment was read back from the archive and compared.\n\n"
	  "A limit (--max-rows, --max-runtime, those of the policy) ends a pass early with "
	  "status 0; a signal ends it with 75, as does another pass that is at work, or index "
	  "work that had to be put off.",
	  CMD_PASS, COMMAND_WORKS, cmd_pass },
	{ "plan", "what a pass would move and why; moves nothing",
	  "Shows rows and bytes by rule, leaf, workspace and embedding version. Nothing is "
	  "written anywhere.",
	  CMD_PLAN, COMMAND_LOOKS, cmd_plan },
	{ "explain", "where a chunk is, and what each rule says of it; moves nothing",
	  "Of a hot chunk (--chunk): where it is, when it was used last, and of each rule in order "
	  "which "
	  "conditions hold, with what was compared, and from when on it would match if nothing but "
	  "time "
	  "passed. Of a cold one: segment, object, storage class and the rule that archived it. "
	  "With "
	  "--document or --workspace: rows and bytes by the rule that matches them first, and the "
	  "segments "
	  "that hold the others. Conditions are those of a pass, evaluated by the same SQL. Cold "
	  "chunks and "
	  "documents are looked for in the indexes of segments, which are fetched where the cache "
	  "has not "
	  "got them.\n\n"
	  "With --pass or --last-pass: what a pass moved, left, kept and put off, by leaf and "
	  "rule, why it "
	  "paused or stopped, and its index work. gc.pass_log of the configuration says for how "
	  "long that "
	  "is kept.",
	  CMD_EXPLAIN, COMMAND_LOOKS, cmd_explain },
	{ "rehydrate", "bring cold chunks back",
	  "Brings back the chunks that are selected by --workspace, --document, --chunk, "
	  "--version and --segment; different options narrow each other, and of one that is "
	  "repeated any value will do. --where-cold all selects everything.\n\n"
	  "A chunk whose id is hot already is left cold unless --on-conflict says otherwise. "
	  "Rows whose document is gone stay cold and are counted.\n\n"
	  "With --bulk, where a leaf gets a large share of new rows and the cost model expects it "
	  "to be faster by a quarter or more, a vector index of the leaf is dropped before the "
	  "load "
	  "and created after it; one that belongs to an index of the partitioned table cannot be "
	  "dropped alone, and is filled with the least ef_construction, then built anew. Until "
	  "then searches of that leaf are slow (without the index they read the whole leaf), or "
	  "find less of the new rows: do it when few read. What a run that died took away comes "
	  "back with the next pass or \"firn maintain\".",
	  CMD_REHYDRATE, COMMAND_WORKS, cmd_rehydrate },
	{ "maintain", "ANALYZE, VACUUM, REINDEX where due",
	  "Does the index work that moves left behind, choosing what is cheapest for each leaf and "
	  "index by what such work cost in this database: VACUUM, a rebuild before VACUUM, or "
	  "nothing yet. Leaves where a second of work brings most come first. What a REINDEX that "
	  "died left over is dropped.\n\n"
	  "Heavy work is done inside the policy's window only, waits while another process of firn "
	  "builds, rows pour in or a standby lags (maintain: in the configuration says how much), "
	  "and is put off when that does not end, when there is no room on the disk or no lock: "
	  "the status is 75 then, and the next run goes on.\n\n"
	  "VACUUM makes room inside files, but gives only their ends back to the disk. With "
	  "--reclaim "
	  "every leaf of whose table and TOAST files a fifth or more (and 8 MiB) is such room is "
	  "written anew with its indexes by pg_repack, while it is read and written. That takes "
	  "Debian's postgresql-NN-repack, its extension in the database, and disk for a copy.",
	  CMD_MAINTAIN, COMMAND_WORKS, cmd_maintain },
	{ "status", "hot and cold rows and bytes",
	  "By table and leaf, and with --by workspace by workspace and version.", CMD_STATUS,
	  COMMAND_LOOKS, cmd_status },
	{ "touch", "record reads of chunks (ids on standard input)",
	  "Reads ids of chunks that were read, one a line, or CSV whose first line is a header: id "
	  "and, where they are known, workspace and read_at (2026-03-01T12:00:00Z). A read "
	  "without a time was just now; one without a workspace counts for every chunk of that "
	  "id. All lines are recorded, or none: a wrong one is named, with status 65.\n\n"
	  "Applications that can write to the database call the SQL function firn.touch instead. "
	  "Rules with idle_for and heat_below hold back until reads are known for as long as they "
	  "look back. With --complete-since that begins then: say it when what is given now, and "
	  "was recorded before, is all that was read since.",
	  CMD_TOUCH, COMMAND_WORKS, cmd_touch },
	{ "verify", "check archive against catalog",
	  "Checks that every object is there with the length and digest that the catalog has. "
	  "With --deep, every row is decoded and hashed again, and none may be both hot and "
	  "cold. The status is 65 when something is wrong.",
	  CMD_VERIFY, COMMAND_WORKS, cmd_verify },
	{ "gc", "remove what no catalog row refers to; dry run unless --confirm",
	  "Lists the objects of the archive that are no longer needed: those of retired segments "
	  "and what runs that died left behind. None is removed before the horizon, since a "
	  "database restored from a backup may need it.\n\n"
	  "Cold rows that were archived longer ago than delete_after of their rule are listed, "
	  "too. "
	  "With --expire and --confirm they are given up for good: nothing brings them back but a "
	  "backup of the database, until the horizon is over and their objects are removed.",
	  CMD_GC, COMMAND_WORKS, cmd_gc },
	{ "transition", "move archived objects on to other storage classes",
	  "Moves each segment's object to the storage class that the transitions of its rule say "
	  "for "
	  "its age, by a copy in place. Not before the days are over that its present class is "
	  "billed "
	  "for at least, and not where the next one bills more bytes than it has; --dry-run shows "
	  "these, too. Index objects stay where they are read at once. A pass does the same at its "
	  "end.\n\n"
	  "--lifecycle-json prints the rules by which the bucket does it itself, for objects of "
	  "firn that have tags (s3.object_tags). Segments in frozen classes (GLACIER, "
	  "DEEP_ARCHIVE) "
	  "come back in two steps: rehydrate asks for their restore and ends with 75, or waits "
	  "(--wait); called again it goes on.",
	  CMD_TRANSITION, COMMAND_WORKS, cmd_transition },
	{ "forget", "destroy the key of a workspace, so that nobody can read what is cold of it",
	  "Shows what is hot and cold of the workspace. With --confirm its key is removed from the "
	  "catalog and its cold rows are given up: what encrypted segments hold of it can be read "
	  "by "
	  "nobody, also where the objects stay until \"firn gc\" removes them. Refused while the "
	  "workspace has hot rows, which are the application's to delete, or rows in segments that "
	  "are not encrypted.\n\n"
	  "There is no way back, but by a backup of the database, which still has the key, wrapped "
	  "by "
	  "the master key: it is forgotten when the oldest of these is. Names of workspaces, and "
	  "ids, "
	  "can be read with the table's key until the segments are removed.",
	  CMD_FORGET, COMMAND_WORKS, cmd_forget },
	{ "report", "storage cost",
	  "What hot and cold rows cost a month by the price list, and what was saved.", CMD_REPORT,
	  COMMAND_LOOKS, cmd_report },
	{ "partitions recommend", "how many leaves a table should have, and why",
	  "Reckons with 25 million rows a leaf (--leaf-rows), for the rows of now and, with "
	  "--growth or --rows, for those to come. A workspace lies in one leaf, so the largest "
	  "one is given room. Rows and shares are those of the statistics: ANALYZE first.",
	  CMD_PARTITIONS_RECOMMEND, COMMAND_LOOKS, cmd_partitions_recommend },
	{ "partitions ensure", "create the hash partitions that are missing",
	  "Creates TABLE_p0 and so on for a hash-partitioned table until it has --count of them. "
	  "Running it again is safe. It never changes a partition that is there: a table divided "
	  "by another number is refused.\n\n"
	  "Each creation locks the table for a moment. It waits for that lock two seconds at a "
	  "time, so that other sessions can pass; if it does not come the status is 75.",
	  CMD_PARTITIONS_ENSURE, COMMAND_WORKS, cmd_partitions_ensure },
	{ "partitions status", "rows and bytes of each leaf, skew, leaves that are too large",
	  "Rows are those of the statistics where they know any. Skew is the largest leaf over "
	  "the mean.",
	  CMD_PARTITIONS_STATUS, COMMAND_LOOKS, cmd_partitions_status },
	{ "indexes ensure",
	  "make the vector index of every leaf what it should be, without locking",
	  "Builds the index of each leaf concurrently and attaches it to an index of the "
	  "partitioned "
	  "table. One that is there and is as asked for is left; one whose m, ef_construction or "
	  "lists differ is replaced: the new one is built beside it, they exchange names in one "
	  "short transaction, the old one is dropped. What is not given stays as it is. An index "
	  "of "
	  "another method, operator class, expression or condition is another index, and is left "
	  "alone.\n\n"
	  "With --lists auto, IVFFlat gets rows / 1000 lists, above a million rows their square "
	  "root, "
	  "each leaf by its own rows; an index with between half and twice as many is left. A "
	  "partitioned table's indexes are replaced all together, for one cannot be detached from "
	  "its parent: that takes disk for a second set.\n\n"
	  "Indexes that builds left invalid, and firn_new_... and firn_old_... of a run that died, "
	  "are dropped or used. Builds wait as those of \"firn maintain\" do; where there is no "
	  "room "
	  "or the policy's window is closed the status is 75, and the next run goes on.",
	  CMD_INDEXES_ENSURE, COMMAND_WORKS, cmd_indexes_ensure },
	{ "indexes status", "validity, options, size and dead share of each leaf's vector indexes",
	  "FRESH is what a new build would take, DEAD the share of entries whose rows are gone, by "
	  "statistics and by what firn deleted since the last build. Leftovers of builds that died "
	  "are shown whatever their method is.",
	  CMD_INDEXES_STATUS, COMMAND_LOOKS, cmd_indexes_status },
	{ "indexes probe", "recall and latency of each leaf's vector indexes, against exact search",
	  "Takes rows of each leaf as queries (--sample, --seed) or vectors from a file "
	  "(--queries), "
	  "and asks for the ten nearest by each index and without one, which reads the whole leaf "
	  "each time. RECALL is the mean share of the ten that the index found; rows as near as "
	  "the tenth count as found. A sampled row finds itself, as it does for the exact search: "
	  "that is one of the ten. Latencies are those of the whole statement, planning included; "
	  "the first one is not counted.",
	  CMD_INDEXES_PROBE, COMMAND_WORKS, cmd_indexes_probe },
	{ "partitions split", "move a table into other hash partitions while it is used",
	  "Moves a plain table, or one in hash partitions of its workspace, into --count of them: "
	  "a new "
	  "table is filled beside the old one while triggers record what changes, its indexes are "
	  "built, both are compared row by row, and then the new one takes the old one's place, "
	  "names, "
	  "grants, triggers, policies and foreign keys included. Everyone waits for that moment; "
	  "the "
	  "lock for it is asked for half a second at a time, again and again. Cold rows are not "
	  "touched "
	  "and come back into the new partitions.\n\n"
	  "What may be in the way is said before anything is made: views and publications of the "
	  "table, "
	  "for example, or an index that partitions have and the whole table has not. Unique keys "
	  "without the workspace column must take it in, which is a weaker promise: --widen-keys "
	  "allows "
	  "it. A transaction or a function that keeps one snapshot (REPEATABLE READ, STABLE) and "
	  "first "
	  "reads the table after the swap may miss what was changed last. Names of partitions, "
	  "where an "
	  "application uses them, mean other rows afterwards.\n\n"
	  "A run that was stopped or died goes on when it is run again; passes may run between. "
	  "Until "
	  "the swap every change is recorded and TRUNCATE is refused, so go on soon, or take it "
	  "all back "
	  "with --rollback. After the swap there is no way back: the old table is kept as it was "
	  "then "
	  "and refuses writes, until --drop-old --confirm. That is refused where something depends "
	  "on "
	  "the old table, or the table has less than half of its rows and they were not moved out. "
	  "The "
	  "status is 75 when a lock did not come, a standby lags or the disk has no room.",
	  CMD_PARTITIONS_SPLIT, COMMAND_WORKS, cmd_partitions_split },
	{ "versions status", "embedding versions of each workspace, and where their rows are",
	  "Shows which version is active and which is the target, how many of the active version's "
	  "documents have rows of the target, and the rows of each version, hot and cold. Reads "
	  "the "
	  "rows of the table, but not their vectors.",
	  CMD_VERSIONS_STATUS, COMMAND_LOOKS, cmd_versions_status },
	{ "versions promote", "make a version active where every document has it",
	  "Makes the target version of a workspace, or the one that --to names, its active one. "
	  "Refused where a document of the active version has no row of it, or where rows of it "
	  "are cold. Looking and flipping are one transaction; it also sets the columns for since "
	  "when and the count of flips, where there are such. From then on the grace period of "
	  "\"superseded\" runs.\n\n"
	  "A pass that is moving rows of the table ends with 75; the next one sees the new "
	  "version. "
	  "Where a query says what is active, active_version.promote_statement of the "
	  "configuration "
	  "is the statement that changes it. An unfinished rollback of the workspace is given up; "
	  "with --to and the version that is active, that is all that happens.",
	  CMD_VERSIONS_PROMOTE, COMMAND_WORKS, cmd_versions_promote },
	{ "versions rollback", "go back to a version, bringing its cold rows back first",
	  "Undoes the latest promote of a workspace, or goes to the version that --to names. What "
	  "is cold of it comes back and is indexed while the other version is active; it is made "
	  "active only when nothing of it that can come back is cold, so that no reader is left "
	  "without rows. Until then no pass moves its rows, whatever the rules say.\n\n"
	  "Refused where documents have no row of it, unless --allow-missing is given; with cold "
	  "rows that is known only after they came back. Whatever ended it, run it again: it goes "
	  "on. The status is 75 when a vector index of these rows is not whole.",
	  CMD_VERSIONS_ROLLBACK, COMMAND_WORKS, cmd_versions_rollback },
	{ "keys status", "which master key wraps the keys of encrypted segments",
	  "Shows by the id of each master key how many tables and workspaces have keys that it "
	  "wraps, tries to open all of them with what the configuration names, and counts "
	  "segments that are encrypted. The status is 78 where a key does not open.",
	  CMD_KEYS_STATUS, COMMAND_LOOKS, cmd_keys_status },
	{ "keys rotate", "change the master key; no segment is written anew",
	  "Opens the key of each table and workspace with the master key of the configuration, or "
	  "the old one, and wraps it by the new one, all in one transaction: a run that dies "
	  "changes nothing, and one that is run again finds it done. A pass that is at work ends "
	  "with 78 at its next segment, whose rows stay hot. Change encryption.key_file or "
	  "key_command to the new key afterwards.",
	  CMD_KEYS_ROTATE, COMMAND_WORKS, cmd_keys_rotate },
	{ "policy check", "whether a policy is well written; moves nothing",
	  "Reads the policy in FILE (\"firn policy check FILE\"), or the one that is configured, "
	  "and "
	  "lists its rules in the order in which they are tried. What is wrong is said with file, "
	  "line "
	  "and the key that was meant, with status 78. With --tables the database is asked whether "
	  "each table has what the rules speak of, and whether \"where\" is what it may be.",
	  CMD_POLICY_CHECK, COMMAND_LOOKS, cmd_policy_check },
	{ "doctor", "look at all that a pass needs, and say what to do",
	  "Looks, one after the other, at configuration, policy and prices, the database, its "
	  "version and extensions, the catalog, each table, the archive (by writing, reading and "
	  "deleting a small object) and where its keys come from, the clocks, and room for work "
	  "files. It goes on after a failure with what does not depend on it.\n\n"
	  "The status is 0 where there are warnings at most, else that of the first failure.",
	  CMD_DOCTOR, COMMAND_ALONE, cmd_doctor },
	{ "config show", "the configuration in force, and where each value came from",
	  "Shows every key with its value and its source: the default, a line of the file, a "
	  "variable or an option. Then the variables that libpq, the S3 archive and other commands "
	  "read, and such of firn that no option is called by. Passwords and keys are hidden. "
	  "Neither database nor archive is asked: \"firn doctor\" does that.",
	  CMD_CONFIG_SHOW, COMMAND_ALONE, cmd_config_show },
	{ "help", "show help, of a command where one is named", "", CMD_HELP, COMMAND_ALONE,
	  cmd_help },
	{ 0 },
};

bool command_in_group(const struct command *c, const char *group)
{
	size_t len = strlen(group);

	return str_starts_with(c->name, group) && c->name[len] == ' ';
}

/* The group's name alone, or with a word that none of its commands has. */
static void not_of_group(const char *group, const char *word, struct err *e)
{
	char names[256] = "";

	for (const struct command *c = command_table; c->name; c++)
		if (command_in_group(c, group))
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
				 *names ? ", " : "", c->name + strlen(group) + 1);
	if (word && *word != '-')
		err_set(e, ERR_USAGE, "\"%s\" is not a command of %s", word, group);
	else
		err_set(e, ERR_USAGE, "%s needs a command", group);
	err_hint(e, "There are: %s.", names);
}

const struct command *command_find(const char *const *words, size_t count, size_t *words_out,
				   struct err *e)
{
	const char *name = words[0], *next = count > 1 ? words[1] : NULL;
	const struct command *near = NULL;
	unsigned best = UINT_MAX;
	bool group = false;

	for (const struct command *c = command_table; c->name; c++) {
		char first[32];

		*words_out = 1;
		if (str_eq(c->name, name))
			return c;
		*words_out = 2;
		if (command_in_group(c, name)) {
			group = true;
			if (next && str_eq(c->name + strlen(name) + 1, next))
				return c;
		}
		snprintf(first, sizeof(first), "%.*s", (int)strcspn(c->name, " "), c->name);
		if (str_resembles(name, first, &best))
			near = c;
	}
	if (group) {
		not_of_group(name, next, e);
		return NULL;
	}
	if (near)
		err_set(e, ERR_USAGE, "\"%s\" is not a command; did you mean \"%.*s\"?", name,
			(int)strcspn(near->name, " "), near->name);
	else
		err_set(e, ERR_USAGE, "\"%s\" is not a command", name);
	err_hint(e, "Run \"firn help\" for a list.");
	return NULL;
}

static int progress_of(const struct settings *s)
{
	if (s->no_progress || s->quiet > 0)
		return 0;
	return isatty(STDERR_FILENO) && s->log_format == FORMAT_TEXT ? 1 : 2;
}

struct firn_options cli_firn_options(const struct cli *c)
{
	const struct settings *s = &c->settings;

	return (struct firn_options){
		.config_path = s->config,
		.database = s->database,
		.archive = s->archive,
		.policy_path = s->policy,
		.prices_path = s->prices,
		.tables = (const char *const *)s->tables.items,
		.table_count = s->tables.count,
		.s3_endpoint = s->s3_endpoint,
		.s3_region = s->s3_region,
		.s3_profile = s->s3_profile,
		.s3_ca_file = s->s3_ca_file,
		.s3_path_style = s->s3_path_style,
		.cache_dir = s->cache_dir,
		.log_level = (enum firn_log_level)c->log.level,
		.log_json = c->log.json,
		.progress = progress_of(s),
	};
}

int cli_end(const struct cli *c, const struct cli_outcome *outcome)
{
	if (!outcome->ok)
		log_err(&c->log, outcome->error);
	if (!outcome->written)
		log_err(&c->log, outcome->write_error);
	if (!outcome->ok)
		return err_exit_status(outcome->error->code);
	if (!outcome->written)
		return err_exit_status(outcome->write_error->code);
	return outcome->put_off ? EX_TEMPFAIL : EX_OK;
}
