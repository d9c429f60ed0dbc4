#include "engine/move.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/signal.h"
#include "base/str.h"
#include "catalog/leaf_quiet.h"
#include "catalog/move_tx.h"
#include "catalog/server_load.h"
#include "catalog/window.h"
#include "engine/keyring.h"
#include "engine/segment_check.h"
#include "segment/copybin.h"

#define STOPPED_BY_SIGNAL "a signal asked to stop"

/* Rows that go before the rates are looked at. */
#define PACE_ROWS 64

/* The segment that is being filled. */
struct filling {
	struct segment_writer *writer; /* NULL: none is open */
	struct keyring *keyring;       /* of its workspaces; NULL where it is not encrypted */
	int64_t id;
	int rule;
	char *object_key, *index_key;
	struct buf keys, documents; /* as struct move_tx_options has them */
	uint32_t document_count;
	size_t last_document, last_document_len; /* within documents, of the last one */
	uint64_t *hashes;                        /* of each row as it was read */
	size_t hash_capacity;
	uint32_t rows;
	int64_t raw_bytes;
	int64_t paced_bytes; /* of these, that waited for the rates */
};

static void filling_release(struct filling *s)
{
	segment_writer_free(s->writer);
	keyring_free(s->keyring);
	free(s->object_key);
	free(s->index_key);
	buf_release(&s->keys);
	buf_release(&s->documents);
	free(s->hashes);
	*s = (struct filling){ 0 };
}

static bool fault(struct err *e)
{
	return err_set(e, ERR_INTERNAL, "a fault was injected");
}

/* "<catalog id>/<table>/<leaf>/<yyyymmdd>-<128 random bits>": never used twice, and readable without the catalog. */
static bool make_keys(struct move *m, const struct leaf *leaf, const char *now_iso,
		      struct filling *s, struct err *e)
{
	uint8_t random[16];
	char hex[33], day[9];
	struct buf key = BUF_INIT;

	if (!rng_system(random, sizeof(random), e))
		return false;
	hex_encode(random, sizeof(random), hex);
	snprintf(day, sizeof(day), "%.4s%.2s%.2s", now_iso, now_iso + 5, now_iso + 8);
	buf_printf(&key, "%s/%s/%s/%s-%s.seg", m->catalog_id, m->table->info->label, leaf->label,
		   day, hex);
	s->object_key = buf_take(&key, e);
	buf_printf(&key, "%s/%s/%s/%s-%s.idx", m->catalog_id, m->table->info->label, leaf->label,
		   day, hex);
	s->index_key = buf_take(&key, e);
	return s->object_key && s->index_key;
}

static bool begin_segment(struct move *m, const struct leaf *leaf, int rule, struct filling *s,
			  struct err *e)
{
	const struct table_info *t = m->table->info;
	const struct config *config = &m->f->config;
	int zstd_level = m->policy->rules[rule].zstd_level;
	const char *dir = engine_scratch(m->f, e);
	char now[32];

	if (!dir || !catalog_now(m->f->pg, now, NULL, e) || !make_keys(m, leaf, now, s, e))
		return false;
	s->rule = rule;
	if (engine_encrypts(m->f)) {
		s->keyring = engine_keyring(m->f, m->table->id, t->label, true, e);
		if (!s->keyring)
			return false;
	}
	/* The intent is committed before anything of the segment can reach the archive: what a dead run leaves behind
	 * is always named by the catalog. */
	if (!catalog_segment_intent(m->f->pg,
				    &(struct segment_intent){
					    .table_id = m->table->id,
					    .pass_id = m->pass_id,
					    .epoch = m->lease->epoch,
					    .leaf = leaf->label,
					    .rule = m->policy->rules[rule].name,
					    .object_key = s->object_key,
					    .index_key = s->index_key,
					    .storage_class = m->policy->rules[rule].storage_class,
					    .format_version = s->keyring ? SEGMENT_FORMAT_SEALED
									 : SEGMENT_FORMAT_PLAIN,
				    },
				    &s->id, e))
		return false;
	if (FAULT("move.after_intent"))
		return fault(e);
	s->writer = segment_writer_new(
		dir,
		&(struct segment_about){
			.table = t->label,
			.leaf = leaf->label,
			.object_key = s->object_key,
			.created_at = now,
		},
		t->columns, t->column_count,
		&(struct segment_options){
			.zstd_level = zstd_level ? zstd_level : config->segment.zstd_level,
			.text_dictionary = config->segment.text_dictionary,
			.keys = s->keyring ? keyring_keys(s->keyring) : NULL,
		},
		e);
	if (!s->writer)
		return false;
	copybin_add_header(&s->keys);
	copybin_add_header(&s->documents);
	return true;
}

static void add_field(struct buf *b, const struct field *f)
{
	buf_add_u32be(b, (uint32_t)f->len);
	if (f->len > 0)
		buf_add(b, f->data, (size_t)f->len);
}

/* Rows come sorted by workspace, version and document, so that a document is met once or once a version. */
static void add_document(struct filling *s, const struct table_info *t, const struct field *values)
{
	const size_t head =
		2 + 4 + 4; /* count of fields and the document's number, before what is compared */
	const struct column *workspace = table_info_column(t, COLUMN_WORKSPACE);
	const struct column *document = table_info_column(t, COLUMN_DOCUMENT);
	struct buf *b = &s->documents;
	size_t start = b->len, len;

	buf_add_u16be(b, document ? 3 : 2);
	buf_add_u32be(b, 4);
	buf_add_u32be(b, s->document_count);
	add_field(b, &values[workspace - t->columns]);
	if (document)
		add_field(b, &values[document - t->columns]);
	len = b->len - start;
	if (b->failed)
		return;
	if (s->document_count > 0 && len == s->last_document_len &&
	    memcmp(b->data + start + head, b->data + s->last_document + head, len - head) == 0) {
		b->len = start;
		return;
	}
	s->last_document = start;
	s->last_document_len = len;
	s->document_count++;
}

/* Row number, document's number, ctid, xmin and the key columns, as the deleting transaction's table takes them. */
static void add_key(struct filling *s, const struct table_info *t, const struct field *fields)
{
	uint16_t count = 4;

	for (size_t i = 0; i < t->column_count; i++)
		count += t->columns[i].in_key;
	buf_add_u16be(&s->keys, count);
	buf_add_u32be(&s->keys, 4);
	buf_add_u32be(&s->keys, s->rows);
	buf_add_u32be(&s->keys, 4);
	buf_add_u32be(&s->keys, s->document_count ? s->document_count - 1 : 0);
	for (size_t i = 0; i < CANDIDATE_FIELDS + t->column_count; i++) {
		if (i == 2 || (i >= CANDIDATE_FIELDS && !t->columns[i - CANDIDATE_FIELDS].in_key))
			continue;
		add_field(&s->keys, &fields[i]);
	}
}

static bool add_row(struct move *m, struct filling *s, const struct field *fields, struct err *e)
{
	const struct table_info *t = m->table->info;
	const struct field *values = fields + CANDIDATE_FIELDS;
	void *hashes = s->hashes;
	uint64_t hash = row_hash(values, t->column_count);
	int64_t raw = 2;

	if (!mem_grow(&hashes, &s->hash_capacity, s->rows + 1, sizeof(*s->hashes), e))
		return false;
	s->hashes = hashes;
	s->hashes[s->rows] = hash;
	if (m->policy->rules[s->rule].superseded || m->policy->rules[s->rule].of_document)
		add_document(s, t, values);
	add_key(s, t, fields);
	if (!buf_ok(&s->keys, e) || !buf_ok(&s->documents, e) ||
	    !segment_writer_add(s->writer, values, hash, e))
		return false;
	for (size_t i = 0; i < t->column_count; i++)
		raw += 4 + (values[i].len > 0 ? values[i].len : 0);
	s->raw_bytes += raw;
	s->rows++;
	crew_add_rows(m->crew, 1, raw);
	progress_add(&m->progress, 1, raw);
	return true;
}

static bool upload(struct move *m, const struct filling *s, const struct segment_sealed *sealed,
		   bool index, struct err *e)
{
	struct store *store = engine_store(m->f, e);
	const char *path = index ? sealed->index_path : sealed->path;
	const struct rule *rule = &m->policy->rules[s->rule];
	const struct store_keeping keeping = { .storage_class = rule->storage_class,
					       .rule = rule->name };
	struct io_reader reader;
	bool ok;
	int fd;

	if (!store)
		return false;
	fd = file_open_read(path, e);
	if (fd < 0)
		return false;
	/* The index stays in the default class, and no rule of the bucket finds it: it is small, and wanted at once when a
	 * tenant wakes up. */
	ok = io_reader_from_sealed_fd(&reader, &fd, path, e) &&
	     store_put(store, index ? s->index_key : s->object_key, &reader,
		       index ? sealed->index_sha256 : sealed->sha256, index ? NULL : &keeping, e);
	close(fd);
	return ok;
}

static bool read_back(struct move *m, const struct filling *s, const struct segment_sealed *sealed,
		      struct err *e)
{
	progress_note(&m->progress, "reading back");
	return segment_check_archived(m->f, m->table, s->object_key, s->index_key, sealed,
				      s->hashes, e);
}

/* One transaction: the rows leave, the segment becomes the place where they are, index work becomes due. */
static bool activate(struct move *m, const struct leaf *leaf, struct filling *s,
		     const struct segment_sealed *sealed, int64_t *moved_out, bool *lock_wait,
		     struct err *e)
{
	const struct rule *rule = &m->policy->rules[s->rule];
	struct pg *pg = m->f->pg;
	struct bitmap *missed = bitmap_new(e);
	struct segment_group_row *groups = NULL;
	bool ok = false;

	copybin_add_trailer(&s->keys);
	copybin_add_trailer(&s->documents);
	if (!missed || !buf_ok(&s->keys, e) || !buf_ok(&s->documents, e))
		goto out;
	groups = segment_group_texts(pg, m->table->info, sealed, e);
	if (!groups)
		goto out;
	if (!move_tx_delete(pg,
			    &(struct move_tx_options){
				    .lease = m->lease,
				    .table = m->table->info,
				    .leaf = leaf,
				    .table_id = m->table->id,
				    .superseded = rule->superseded,
				    .require_replacement = rule->require_replacement,
				    .reads = candidate_rule_reads(&m->rules->rules[s->rule]) ||
					     candidate_rule_presses(&m->rules->rules[s->rule]),
				    .of_document = rule->of_document,
				    .lock_timeout_ms = m->policy->limits.lock_timeout_ms,
				    .statement_timeout_ms = m->policy->limits.statement_timeout_ms,
				    .rows = s->rows,
				    .keys = &s->keys,
				    .documents = &s->documents,
			    },
			    missed, lock_wait, e))
		goto out;
	if (FAULT("move.after_delete")) {
		fault(e);
		goto out;
	}
	for (size_t i = 0; i < sealed->group_count; i++)
		groups[i].rows_live = groups[i].rows_total -
				      (int64_t)bitmap_count_range(
					      missed, sealed->groups[i].first_row,
					      sealed->groups[i].first_row + sealed->groups[i].rows);
	*moved_out = (int64_t)s->rows - (int64_t)bitmap_count(missed);
	if (!catalog_segment_activate(pg,
				      &(struct segment_activation){
					      .segment_id = s->id,
					      .rows_total = s->rows,
					      .rows_live = *moved_out,
					      .bytes = (int64_t)sealed->bytes,
					      .index_bytes = (int64_t)sealed->index_bytes,
					      .raw_bytes = (int64_t)sealed->raw_bytes,
					      .sha256 = sealed->sha256,
					      .index_sha256 = sealed->index_sha256,
					      .dead = missed,
					      .groups = groups,
					      .group_count = sealed->group_count,
				      },
				      e))
		goto out;
	if (*moved_out > 0 &&
	    !catalog_maintenance_add(pg, m->table->id, leaf->label, *moved_out, 0, e))
		goto out;
	if (FAULT("move.before_commit")) {
		fault(e);
		goto out;
	}
	ok = pg_commit(pg, e);
out:
	if (!ok)
		pg_rollback(pg);
	segment_groups_free(groups, groups ? sealed->group_count : 0);
	bitmap_free(missed);
	return ok;
}

static void note_segment(struct move *m, const struct leaf *leaf, const struct filling *s,
			 int64_t moved, int64_t raw_bytes, double lock_s)
{
	const char *rule = m->policy->rules[s->rule].name;

	if (moved > 0)
		crew_note(m->crew, &(struct pass_decision){ .leaf = leaf->label,
							    .rule = rule,
							    .decision = "moved",
							    .times = 1,
							    .rows = moved,
							    .bytes = raw_bytes,
							    .seconds = lock_s });
	if (moved < s->rows)
		crew_note(m->crew, &(struct pass_decision){
					   .leaf = leaf->label,
					   .rule = rule,
					   .decision = "changed",
					   .reason = "changed, locked or read since they were "
						     "looked at: they stay hot",
					   .times = 1,
					   .rows = s->rows - moved });
}

static void note_pause(struct move *m, const char *reason, int64_t since_ms)
{
	crew_note(m->crew,
		  &(struct pass_decision){
			  .decision = "paused",
			  .reason = reason,
			  .times = 1,
			  .seconds = (double)(clock_now_ms(m->f->clock) - since_ms) / 1000 });
}

static bool finish_segment(struct move *m, const struct leaf *leaf, struct filling *s,
			   struct err *e)
{
	struct segment_sealed sealed = { 0 };
	int64_t moved = 0;
	int64_t began_us;
	bool lock_wait = false, ok = false;

	progress_note(&m->progress, "sealing");
	if (!segment_writer_seal(s->writer, &sealed, e))
		goto out;
	/* What is encoded lies in the sealed file now; the writer's memory is wanted for the read-back. */
	segment_writer_free(s->writer);
	s->writer = NULL;
	if (sealed.rows != s->rows) {
		err_set(e, ERR_INTERNAL, "added %u rows, sealed %u", s->rows, sealed.rows);
		goto out;
	}
	progress_note(&m->progress, "uploading");
	if (FAULT("move.after_seal") || !upload(m, s, &sealed, false, e) ||
	    FAULT("move.after_upload") || !upload(m, s, &sealed, true, e) ||
	    FAULT("move.after_index_upload") || !read_back(m, s, &sealed, e) ||
	    FAULT("move.after_verify")) {
		if (e->code == ERR_NONE)
			fault(e);
		goto out;
	}
	progress_note(&m->progress, "deleting");
	began_us = clock_stopwatch_us();
	if (!activate(m, leaf, s, &sealed, &moved, &lock_wait, e))
		goto out;
	m->lock_waits = crew_note_locks(m->crew, lock_wait);
	note_segment(m, leaf, s, moved, (int64_t)sealed.raw_bytes,
		     (double)(clock_stopwatch_us() - began_us) / 1e6);
	crew_add_segment(m->crew,
			 &(struct catalog_pass_totals){
				 .rows_moved = moved,
				 .rows_changed = s->rows - moved,
				 .segments = moved > 0,
				 .raw_bytes = (int64_t)sealed.raw_bytes,
				 .stored_bytes = (int64_t)(sealed.bytes + sealed.index_bytes),
			 });
	if (FAULT("move.after_commit")) {
		fault(e);
		goto out;
	}
	log_info(&m->f->log, "segment %" PRId64 ": moved %" PRId64 " rows of leaf \"%s\"", s->id,
		 moved, leaf->label);
	ok = true;
out:
	if (sealed.path)
		unlink(sealed.path);
	if (sealed.index_path)
		unlink(sealed.index_path);
	segment_sealed_release(&sealed);
	if (!ok)
		err_wrap(e, "could not move segment %" PRId64 " of leaf \"%s\"", s->id,
			 leaf->label);
	return ok;
}

/* Whether the segment at hand is to be the last, as it is. */
static bool ends_soon(const struct move *m)
{
	return signal_stop_requested() ||
	       (m->deadline_ms && clock_now_ms(m->f->clock) >= m->deadline_ms);
}

/* Holds the rates of the policy by waiting, in slices so that a signal or the end of the run time ends it. */
static void pace(struct move *m, int64_t rows, int64_t bytes)
{
	int64_t now = clock_now_ms(m->f->clock);
	int64_t until = now + crew_take(m->crew, rows, bytes, now);

	for (; now < until && !ends_soon(m); now = clock_now_ms(m->f->clock))
		clock_sleep_ms(m->f->clock, until - now > 200 ? 200 : until - now);
}

/* Rows wait for the rates in one segment no longer than this, so that what a limit of time, the window's end or a signal waits
 * for is short. */
#define PACED_S 900

static bool paced_long(const struct limits *l, const struct filling *s)
{
	return (l->rows_per_second > 0 && s->rows / PACED_S >= l->rows_per_second) ||
	       (l->bytes_per_second > 0 && s->raw_bytes / PACED_S >= l->bytes_per_second);
}

static bool is_full(const struct move *m, const struct filling *s)
{
	return s->rows >= m->f->config.segment.max_rows ||
	       segment_writer_bytes(s->writer) >= m->segment_bytes ||
	       (m->max_rows >= 0 && s->rows >= m->max_rows) ||
	       (m->max_bytes >= 0 && s->raw_bytes >= m->max_bytes) ||
	       paced_long(&m->policy->limits, s) || ends_soon(m);
}

/* A segment is done: its rows count against the limits, and its last ones wait for the rates, too. */
static void count_against_limits(struct move *m, const struct filling *s)
{
	pace(m, s->rows % PACE_ROWS, s->raw_bytes - s->paced_bytes);
	if (m->max_rows >= 0)
		m->max_rows -= s->rows < m->max_rows ? s->rows : m->max_rows;
	if (m->max_bytes >= 0)
		m->max_bytes -= s->raw_bytes < m->max_bytes ? s->raw_bytes : m->max_bytes;
}

/* After a segment of which others had rows locked, the next begins later: by lock_timeout, then twice as much, to LOCK_PAUSE_MS.
 * After LOCK_WAITS_MAX in a row the pass ends. */
#define LOCK_PAUSE_MS  30000
#define LOCK_WAITS_MAX 6

static void wait_for_locks(struct move *m)
{
	int64_t began = clock_now_ms(m->f->clock), now = began;
	int64_t pause = m->policy->limits.lock_timeout_ms << m->lock_waits;
	int64_t until = now + (pause > LOCK_PAUSE_MS ? LOCK_PAUSE_MS : pause);

	if (m->lock_waits == 0)
		return;
	if (m->lock_waits >= LOCK_WAITS_MAX) {
		crew_stop(m->crew, false, "other sessions keep rows of the table locked");
		return;
	}
	log_notice(&m->f->log, "the pass slows down: other sessions have rows of the table locked");
	m->lock_waits = 0;
	for (; now < until && !ends_soon(m) && !crew_stopped(m->crew);
	     now = clock_now_ms(m->f->clock))
		clock_sleep_ms(m->f->clock, until - now > 200 ? 200 : until - now);
	note_pause(m, "other sessions had rows of the table locked", began);
}

/* *reason "": no standby is too far behind. */
static bool standby_lags(struct move *m, char *reason, size_t len, struct err *e)
{
	const struct limits *l = &m->policy->limits;
	struct server_load load;
	char lag[16], time[32];

	if (!server_load_read(m->f->pg, &load, e))
		return false;
	*reason = '\0';
	if ((l->max_replica_lag_bytes > 0 && load.lag_bytes > l->max_replica_lag_bytes) ||
	    (l->max_replica_lag_s > 0 && load.lag_s > l->max_replica_lag_s))
		snprintf(reason, len, "a standby is %s and %s behind",
			 str_format_bytes((uint64_t)load.lag_bytes, lag, sizeof(lag)),
			 str_format_duration(load.lag_s, time, sizeof(time)));
	return true;
}

/* Waits while one is; after maintain.pause_at_most that ends the pass. */
static bool wait_for_standby(struct move *m, struct err *e)
{
	const struct limits *l = &m->policy->limits;
	int64_t began = clock_now_ms(m->f->clock);
	char reason[96] = "";
	bool waited = false;

	if (l->max_replica_lag_bytes <= 0 && l->max_replica_lag_s <= 0)
		return true;
	while (!ends_soon(m) && !crew_stopped(m->crew)) {
		if (!standby_lags(m, reason, sizeof(reason), e))
			return false;
		if (!*reason)
			break;
		if (!waited)
			log_notice(&m->f->log, "the pass pauses: %s", reason);
		waited = true;
		if (clock_now_ms(m->f->clock) - began >=
		    m->f->config.maintain.pause_at_most_s * 1000)
			crew_stop(m->crew, false, reason);
		else
			clock_sleep_ms(m->f->clock, 500);
	}
	if (waited)
		note_pause(m, "a standby was too far behind", began);
	return true;
}

/* Whether a new segment may be begun; if not, the crew knows why. */
static bool may_go_on(struct move *m, bool *go_on, struct err *e)
{
	const struct limits *limits = &m->policy->limits;

	*go_on = false;
	wait_for_locks(m);
	if (!wait_for_standby(m, e))
		return false;
	if (signal_stop_requested())
		crew_stop(m->crew, true, STOPPED_BY_SIGNAL);
	else if (m->max_rows == 0)
		crew_stop(m->crew, false, STOPPED_BY_ROWS);
	else if (m->max_bytes == 0)
		crew_stop(m->crew, false, STOPPED_BY_BYTES);
	else if (m->deadline_ms && clock_now_ms(m->f->clock) >= m->deadline_ms)
		crew_stop(m->crew, false, STOPPED_BY_TIME);
	if (crew_stopped(m->crew))
		return true;
	if (limits->has_window) {
		int minutes;

		if (!window_local_minutes(m->f->pg, limits->window_zone, &minutes, e))
			return false;
		if (!window_contains(limits->window_from_min, limits->window_to_min, minutes)) {
			crew_stop(m->crew, false, STOPPED_BY_WINDOW);
			return true;
		}
	}
	*go_on = true;
	return true;
}

/* Puts one row where it belongs, closing and opening segments around it. *stop: no more rows are wanted. */
static bool take_row(struct move *m, const struct leaf *leaf, struct filling *s,
		     const struct field *fields, bool *stop, struct err *e)
{
	int rule;
	bool go_on;

	if (fields[2].len != 4 || (rule = (int)get_u32be(fields[2].data)) < 0 ||
	    (size_t)rule >= m->policy->rule_count)
		return err_set(e, ERR_INTERNAL, "the server sent a row without a rule");
	if (s->writer && (rule != s->rule || is_full(m, s))) {
		if (signal_stop_requested())
			log_notice(&m->f->log,
				   "stopping: leaf \"%s\" ends with the %" PRIu32
				   " rows that were read of it",
				   leaf->label, s->rows);
		if (!finish_segment(m, leaf, s, e))
			return false;
		count_against_limits(m, s);
		filling_release(s);
	}
	if (!s->writer) {
		if (!may_go_on(m, &go_on, e))
			return false;
		if (!go_on) {
			*stop = true;
			return true;
		}
		if (!begin_segment(m, leaf, rule, s, e))
			return false;
	}
	if (!add_row(m, s, fields, e))
		return false;
	if (s->rows % PACE_ROWS == 0) {
		pace(m, PACE_ROWS, s->raw_bytes - s->paced_bytes);
		s->paced_bytes = s->raw_bytes;
	}
	if (s->rows == 1 && FAULT("move.while_streaming"))
		return fault(e);
	return true;
}

static bool stream(struct move *m, const struct leaf *leaf, struct pg *reader, struct filling *s,
		   bool *cut_short, struct err *e)
{
	size_t field_count = CANDIDATE_FIELDS + m->table->info->column_count;
	struct field *fields = mem_new(field_count, sizeof(*fields), e);
	bool expect_header = true, stop = false, ok = fields != NULL;

	while (ok && !stop) {
		const uint8_t *message;
		size_t len, used;

		ok = pg_copy_out_next(reader, &message, &len, e);
		if (!ok || len == 0)
			break;
		while (ok && len > 0 && !stop) {
			enum copybin_event event;

			ok = copybin_parse(message, len, expect_header, fields, field_count, &event,
					   &used, e);
			if (!ok)
				break;
			expect_header = false;
			message += used;
			len -= used;
			if (event == COPYBIN_ROW)
				ok = take_row(m, leaf, s, fields, &stop, e);
		}
	}
	*cut_short = stop || !ok;
	free(fields);
	return ok;
}

static bool count_due(void *ctx, const struct candidate_group *g, struct err *e)
{
	struct move *m = ctx;

	(void)e;
	if (m->policy->rules[g->rule].action == RULE_ARCHIVE)
		m->progress.total_rows += g->rows;
	return true;
}

/* For the time left, where somebody watches: it reads the leaf once more. */
static void look_ahead(struct move *m, const struct leaf *leaf,
		       const struct candidate_quotas *quotas)
{
	struct err e = { 0 };

	if (m->f->progress != PROGRESS_TERMINAL || signal_stop_requested())
		return;
	for (size_t i = 0; i < quotas->count; i++)
		m->progress.total_rows += quotas->items[i].rows;
	progress_note(&m->progress, "looking for what is due");
	if (!m->quota && !candidates_plan(m->reader, m->table->info, leaf, m->table->id, m->rules,
					  count_due, m, &e))
		log_debug(&m->f->log, "%s", e.message);
	/* The server goes on to sort what it found. */
	m->progress.started_ms = clock_now_ms(m->f->clock);
}

bool move_leaf(struct move *m, const struct leaf *leaf, struct err *e)
{
	struct pg *reader = m->reader;
	struct candidate_quotas quotas = { 0 };
	struct filling s = { 0 };
	struct leaf_quiet quiet = { 0 };
	struct err ignored;
	bool cut_short = true, ok;

	if (m->quota)
		quotas = quota_of_leaf(m->quota, (size_t)(leaf - m->table->info->leaves));
	if (m->quota && quotas.count == 0)
		return true;
	if (!leaf_quiet_look(reader, m->table->info, leaf, m->table->id, m->rules, &quiet, e))
		return false;
	if (quiet.quiet) {
		log_info(&m->f->log, "leaf \"%s\" is not read: nothing can be due before %s",
			 leaf->label, quiet.until);
		return true;
	}
	progress_start(&m->progress, m->f, "moving", leaf->label, 0);
	look_ahead(m, leaf, &quotas);
	ok = candidates_copy_start(reader, m->table->info, leaf, m->table->id, m->rules,
				   m->quota ? &quotas : NULL, e);
	if (!ok && e->code == ERR_INTERRUPTED) {
		/* Nothing of this leaf was begun. */
		err_clear(e);
		crew_stop(m->crew, true, STOPPED_BY_SIGNAL);
		ok = true;
		goto out;
	}
	if (!ok)
		goto out;
	ok = stream(m, leaf, reader, &s, &cut_short, e);
	/* Ends the snapshot before the index work: VACUUM cannot remove what it still sees. */
	if (cut_short)
		pg_copy_out_cancel(reader);
	pg_rollback(reader);
	if (ok && s.writer) {
		ok = finish_segment(m, leaf, &s, e);
		count_against_limits(m, &s);
	} else if (ok && !cut_short && !m->quota && s.id == 0 && quiet.possible) {
		ok = leaf_quiet_note(reader, m->table->info, leaf, m->table->id, m->rules, &quiet,
				     e);
	}
out:
	progress_end(&m->progress, ok);
	if (!ok && s.id && !pg_in_transaction(m->f->pg))
		catalog_segment_abandon(m->f->pg, s.id, &ignored);
	filling_release(&s);
	return ok;
}
