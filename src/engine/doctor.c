/*
 * firn doctor: everything that a pass needs, looked at one after the other. A failure is a finding, not an end: what does
 * not depend on it is looked at all the same.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "catalog/index_work.h"
#include "catalog/migrate.h"
#include "catalog/server_facts.h"
#include "engine/engine.h"

/* Requests to S3 are refused when the clocks differ by a quarter of an hour. */
#define CLOCK_WARN_S 60
#define CLOCK_FAIL_S 900

struct doctor {
	struct firn *f;
	const struct firn_options *options;
	struct firn_doctor_result *result;
	struct err first; /* of the failures */
	bool failed;      /* memory ran out: nothing more can be said */
	int catalog_version;
};

static struct firn_finding *add(struct doctor *d, enum firn_finding_state state, const char *name,
				const char *subject, const char *message, const char *hint)
{
	struct firn_doctor_result *r = d->result;
	struct firn_finding *x;
	struct err e = { 0 };

	if (!mem_grow((void **)&r->findings, &r->finding_capacity, r->finding_count + 1,
		      sizeof(*r->findings), &e))
		goto fail;
	x = &r->findings[r->finding_count++];
	*x = (struct firn_finding){ .state = state };
	snprintf(x->name, sizeof(x->name), "%s", name);
	x->subject = mem_strdup(subject, &e);
	x->message = mem_strdup(message, &e);
	x->hint = mem_strdup(hint && *hint ? hint : NULL, &e);
	if (e.code != ERR_NONE)
		goto fail;
	r->warnings += state == FIRN_FINDING_WARNING;
	r->failed += state == FIRN_FINDING_FAILED;
	return x;
fail:
	d->failed = true;
	return NULL;
}

static void ok(struct doctor *d, const char *name, const char *fmt, ...) PRINTF(3, 4);
static void warn(struct doctor *d, const char *name, const char *hint, const char *fmt, ...)
	PRINTF(4, 5);

static void ok(struct doctor *d, const char *name, const char *fmt, ...)
{
	char message[ERR_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	add(d, FIRN_FINDING_OK, name, NULL, message, NULL);
}

static void warn(struct doctor *d, const char *name, const char *hint, const char *fmt, ...)
{
	char message[ERR_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	add(d, FIRN_FINDING_WARNING, name, NULL, message, hint);
}

static void fail(struct doctor *d, const char *name, const char *subject, const struct err *why)
{
	if (d->first.code == ERR_NONE)
		d->first = *why;
	add(d, FIRN_FINDING_FAILED, name, subject, why->message, why->hint);
}

static void skip(struct doctor *d, const char *name, const char *why)
{
	add(d, FIRN_FINDING_SKIPPED, name, NULL, why, NULL);
}

/* ---- files ---- */

static void look_at_rules(struct doctor *d)
{
	struct err e = { 0 };
	struct prices prices = { 0 };
	const struct policy *policy = engine_policy(d->f, &e);

	if (!policy)
		fail(d, "policy", NULL, &e);
	else if (!policy->path)
		ok(d, "policy", "the built-in one: superseded versions after 7 days");
	else
		ok(d, "policy", "%s: %zu %s", policy->path, policy->rule_count,
		   policy->rule_count == 1 ? "rule" : "rules");
	err_clear(&e);
	if (!prices_load(&prices, d->f->config.prices, &e))
		fail(d, "prices", NULL, &e);
	else if (!d->f->config.prices)
		ok(d, "prices", "none are given: \"firn report\" reckons with nothing");
	else
		ok(d, "prices", "%s of %s", prices.name, prices.date ? prices.date : "no date");
	prices_release(&prices);
}

/* ---- database ---- */

static void compare_clocks(struct doctor *d, const char *name, const char *whose, int64_t off_s)
{
	int64_t by = off_s < 0 ? -off_s : off_s;
	const char *hint = "Set this machine's clock, or have it set by NTP (chrony, "
			   "systemd-timesyncd).";
	struct err e = { 0 };
	char text[32];

	str_format_duration(by, text, sizeof(text));
	if (by < CLOCK_WARN_S) {
		ok(d, name, "this machine's and %s differ by less than a minute", whose);
	} else if (by < CLOCK_FAIL_S) {
		warn(d, name, hint, "this machine's clock is %s %s %s", text,
		     off_s < 0 ? "ahead of" : "behind", whose);
	} else {
		err_set(&e, ERR_CONFIG, "this machine's clock is %s %s %s", text,
			off_s < 0 ? "ahead of" : "behind", whose);
		err_hint(&e, "%s", hint);
		fail(d, name, NULL, &e);
	}
}

static void look_at_extensions(struct doctor *d, const struct server_facts *facts)
{
	struct err e = { 0 };
	char version[32], text[128];

	if (!table_info_pgvector_version(d->f->pg, version, &e)) {
		fail(d, "pgvector", NULL, &e);
	} else if (!version[0]) {
		err_set(&e, ERR_CONFIG, "pgvector is not installed in database \"%s\"",
			facts->database);
		err_hint(&e, "%s",
			 facts->vector_offered ? "Run there: CREATE EXTENSION vector;"
					       : "Install it on the server (Debian: "
						 "postgresql-NN-pgvector), then run in "
						 "the database: CREATE EXTENSION vector;");
		fail(d, "pgvector", NULL, &e);
	} else if (!table_info_pgvector_is_sound(version)) {
		warn(d, "pgvector",
		     "Upgrade pgvector, then run: ALTER EXTENSION vector UPDATE; and REINDEX.",
		     "%s: before 0.8.4, VACUUM beside inserts can damage an HNSW index", version);
	} else {
		ok(d, "pgvector", "%s", version);
	}
	if (facts->repack[0]) {
		ok(d, "pg-repack", "%s", facts->repack);
		return;
	}
	snprintf(text, sizeof(text), "%s",
		 facts->repack_offered[0] ? "not in this database" : "not on this server");
	ok(d, "pg-repack", "%s: \"firn maintain --reclaim\" cannot be used, all else can", text);
}

static void look_at_catalog(struct doctor *d)
{
	struct err e = { 0 };

	d->catalog_version = -1;
	if (!migrate_current_version(d->f->pg, &d->catalog_version, &e)) {
		fail(d, "catalog", NULL, &e);
	} else if (d->catalog_version == 0) {
		warn(d, "catalog", "Run \"firn init\" once.", "there is no catalog of firn yet");
	} else if (!migrate_check(d->f->pg, &e)) {
		fail(d, "catalog", NULL, &e);
	} else {
		ok(d, "catalog", "version %d", d->catalog_version);
	}
}

static bool look_at_database(struct doctor *d)
{
	struct err e = { 0 };
	struct server_facts facts;
	struct pg *pg = engine_pg(d->f, &e);

	if (!pg || !server_facts_read(pg, &facts, &e)) {
		fail(d, "database", NULL, &e);
		skip(d, "catalog", "no database");
		return false;
	}
	if (facts.standby) {
		err_set(&e, ERR_CONFIG, "database (%s) is a standby", pg_describe(pg));
		err_hint(&e, "Connect to the primary: a standby cannot be tiered.");
		fail(d, "database", NULL, &e);
	} else {
		ok(d, "database", "PostgreSQL %s, database \"%s\" as role \"%s\"", facts.version,
		   facts.database, facts.role);
	}
	compare_clocks(d, "database-clock", "the database's clock",
		       facts.clock_ms / 1000 - clock_wall_s(d->f->clock));
	look_at_extensions(d, &facts);
	look_at_catalog(d);
	return true;
}

static void look_at_server_disk(struct doctor *d)
{
	int64_t room = (int64_t)d->f->config.maintain.disk_free_bytes;
	struct err e = { 0 };
	char text[16];

	if (!room && !index_work_disk_free(d->f->pg, &room, &e)) {
		fail(d, "server-disk", NULL, &e);
		return;
	}
	if (room <= 0)
		ok(d, "server-disk",
		   "cannot be seen from here: index work trusts that there is "
		   "room, unless maintain.disk_free_bytes says how much");
	else
		ok(d, "server-disk", "%s free%s",
		   str_format_bytes((uint64_t)room, text, sizeof(text)),
		   d->f->config.maintain.disk_free_bytes ? ", as maintain.disk_free_bytes says"
							 : "");
}

/* ---- tables ---- */

static void look_at_table(struct doctor *d, const struct table_wanted *wanted)
{
	struct err e = { 0 };
	struct table_info *t = table_info_load(d->f->pg, wanted, &e);
	size_t passed = 0;
	char rows[32], text[160];

	if (!t) {
		fail(d, "table", wanted->table, &e);
		return;
	}
	if (t->rows_estimate > 0)
		snprintf(text, sizeof(text), "%zu %s, about %s rows", t->leaf_count,
			 t->leaf_count == 1 ? "leaf" : "leaves",
			 str_format_count(t->rows_estimate, rows, sizeof(rows)));
	else
		snprintf(text, sizeof(text), "%zu %s; the statistics know of no rows",
			 t->leaf_count, t->leaf_count == 1 ? "leaf" : "leaves");
	if (t->rows_estimate > 0)
		add(d, FIRN_FINDING_OK, "table", t->label, text, NULL);
	else
		add(d, FIRN_FINDING_WARNING, "table", t->label, text,
		    "Is it the right table? If it is not empty, run ANALYZE on it.");
	for (size_t i = 0; i < t->check_count; i++) {
		const struct table_check *c = &t->checks[i];

		/* pgvector was looked at already, for the database. */
		if (str_eq(c->name, "pgvector"))
			continue;
		if (c->state == TABLE_CHECK_OK) {
			passed++;
		} else if (c->state == TABLE_CHECK_WARNING) {
			add(d, FIRN_FINDING_WARNING, c->name, t->label, c->message, c->hint);
		} else {
			err_clear(&e);
			err_set(&e, c->code, "%s", c->message);
			err_hint(&e, "%s", c->hint ? c->hint : "");
			fail(d, c->name, t->label, &e);
		}
	}
	snprintf(text, sizeof(text), "%zu found nothing in the way", passed);
	add(d, FIRN_FINDING_OK, "checks", t->label, text, NULL);
	table_info_free(t);
}

static void look_at_tables(struct doctor *d)
{
	struct err e = { 0 };

	if (!engine_tables_given(d->f, &e))
		fail(d, "table", NULL, &e);
	for (size_t i = 0; i < d->f->table_count; i++)
		look_at_table(d, &d->f->tables[i]);
}

/* ---- archive ---- */

/* By an object of its own, whose time is the archive's. */
static void look_at_archive_clock(struct doctor *d)
{
	struct store *s = d->f->store;
	struct store_object object;
	struct io_reader reader;
	struct err e = { 0 }, ignored = { 0 };
	uint64_t random;
	char key[64];
	const char *keys[] = { key };
	int64_t now;

	if (!rng_system(&random, sizeof(random), &e)) {
		fail(d, "archive-clock", NULL, &e);
		return;
	}
	snprintf(key, sizeof(key), ".firn-check/clock-%016" PRIx64, random);
	io_reader_from_memory(&reader, &(struct io_memory){ (const uint8_t *)"tick", 4 }, "clock");
	now = clock_wall_s(d->f->clock);
	if (!store_put(s, key, &reader, NULL, NULL, &e) || !store_head(s, key, &object, &e)) {
		fail(d, "archive-clock", NULL, &e);
	} else {
		compare_clocks(d, "archive-clock", "the archive's clock", object.modified_s - now);
	}
	/* Where Object Lock keeps it, store_check has said so. */
	store_delete(s, keys, 1, NULL, &ignored);
}

static void look_at_archive(struct doctor *d)
{
	struct err e = { 0 };
	struct store *s = engine_store(d->f, &e);
	const char *source;

	if (!s && d->catalog_version == 0 && e.code == ERR_OFFLINE &&
	    str_starts_with(d->f->config.archive, "file://")) {
		warn(d, "archive", "\"firn init\" makes it.", "%s", e.message);
		return;
	}
	if (!s) {
		fail(d, "archive", NULL, &e);
		return;
	}
	source = store_credentials_source(s);
	if (source)
		ok(d, "archive-keys", "%s", source);
	if (!engine_archive_probe(d->f, &e)) {
		fail(d, "archive", NULL, &e);
		return;
	}
	ok(d, "archive", "%s: an object was written, read back, listed and deleted", store_url(s));
	look_at_archive_clock(d);
	if (d->catalog_version <= 0)
		return;
	if (engine_archive_ours(d->f, &e))
		ok(d, "archive-mark", "it is this database's, and no copy of it works there");
	else
		fail(d, "archive-mark", NULL, &e);
}

/* ---- this machine ---- */

static void look_at_work_folder(struct doctor *d)
{
	struct err e = { 0 };
	const char *path = engine_scratch(d->f, &e);
	int64_t jobs =
		d->f->policy_loaded && d->f->policy.limits.jobs ? d->f->policy.limits.jobs : 2;
	/* Of each job a segment that is written, its sealed copy, and one that was read back. */
	uint64_t wanted = 3 * (uint64_t)jobs * d->f->config.segment.target_bytes, free_bytes;
	struct statvfs fs;
	char have[16], want[16];

	if (!path) {
		fail(d, "work-folder", NULL, &e);
		return;
	}
	if (statvfs(path, &fs) != 0) {
		err_set_errno(&e, ERR_IO, errno, "could not look at folder \"%s\"", path);
		fail(d, "work-folder", NULL, &e);
		return;
	}
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	str_format_bytes(free_bytes, have, sizeof(have));
	str_format_bytes(wanted, want, sizeof(want));
	if (free_bytes < wanted)
		warn(d, "work-folder",
		     "Make room, choose another folder with --cache-dir, or lower --jobs or "
		     "segment.target_bytes.",
		     "%s has %s free; a pass of %" PRId64 " jobs can take %s",
		     d->f->config.cache.dir, have, jobs, want);
	else
		ok(d, "work-folder", "%s has %s free", d->f->config.cache.dir, have);
}

bool firn_doctor(const struct firn_options *options, struct firn_doctor_result *result,
		 struct err *e)
{
	struct doctor d = { .options = options, .result = result, .catalog_version = -1 };
	struct err why = { 0 };

	*result = (struct firn_doctor_result){ 0 };
	d.f = firn_open(options, &why);
	if (!d.f) {
		fail(&d, "configuration", NULL, &why);
		skip(&d, "database", "no configuration");
		skip(&d, "archive", "no configuration");
		goto out;
	}
	if (options->config_path)
		ok(&d, "configuration", "%s", options->config_path);
	else
		ok(&d, "configuration", "no file: options and environment only");
	look_at_rules(&d);
	if (look_at_database(&d)) {
		look_at_server_disk(&d);
		look_at_tables(&d);
	} else {
		skip(&d, "table", "no database");
	}
	look_at_archive(&d);
	look_at_work_folder(&d);
	firn_close(d.f);
out:
	if (d.failed)
		return err_no_memory(e);
	if (d.first.code == ERR_NONE)
		return true;
	*e = d.first;
	engine_hint_failed(e, result->failed);
	return false;
}

void firn_doctor_result_release(struct firn_doctor_result *r)
{
	for (size_t i = 0; i < r->finding_count; i++) {
		free(r->findings[i].subject);
		free(r->findings[i].message);
		free(r->findings[i].hint);
	}
	free(r->findings);
	*r = (struct firn_doctor_result){ 0 };
}
