/*
 * What is known of reads, in the statements that find candidates and delete them: firn.heat and what firn.touch_log has
 * beyond it. A read that named no workspace counts for every chunk of that id. Ids came from outside: one that is no value
 * of the id column's type is no chunk's, and is passed over.
 *
 * firn_reads(workspace, chunk, at, heat): the last read, and the heat by now. In a statement over rows t it is joined as
 * ra (reads without a workspace), rw (with the row's), and da by document.
 */
#ifndef CATALOG_CANDIDATE_READS_H
#define CATALOG_CANDIDATE_READS_H

#include "catalog/table_info.h"

struct candidate_reads {
	bool without_workspace, by_workspace; /* which kinds of reads there are */
	bool of_document;                     /* a rule counts those of a document together */
};

/* By the snapshot of the open transaction. */
bool candidate_reads_look(struct pg *pg, int64_t table_id, struct candidate_reads *r,
			  struct err *e);

/* Whether a chunk of the table can have this id, as reads name it: one that none can have would never count. */
bool candidate_reads_takes(const struct table_info *t, const char *id);

static inline bool candidate_reads_any(const struct candidate_reads *r)
{
	return r->without_workspace || r->by_workspace;
}

/* "firn_reads AS (...), " and, of_document, "firn_doc_reads AS (...), ". */
void candidate_reads_add_ctes(struct pg *pg, struct buf *b, const struct table_info *t,
			      const struct leaf *leaf, int64_t table_id, int64_t half_life_s,
			      const struct candidate_reads *r);
/* " LEFT JOIN ..." to rows t. */
void candidate_reads_add_joins(struct pg *pg, struct buf *b, const struct table_info *t,
			       const struct candidate_reads *r);
/* ", ra.at, rw.at": what to take the latest of. */
void candidate_reads_add_times(struct buf *b, const struct candidate_reads *r, bool of_document);
/* The heat, 0 where there was no read. */
void candidate_reads_add_heat(struct buf *b, const struct candidate_reads *r, bool of_document);

/* For the deleting transaction, as candidates_recheck_sql: rows of pg_temp.firn_move that were touched since the log was
 * folded stay, of_document all rows of a document of which one was (pg_temp.firn_moved_doc has the documents); and no row
 * goes while the log is not whole. */
void candidate_reads_recheck_sql(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
				 int64_t table_id, bool of_document, struct buf *ctes,
				 struct buf *conditions);

/* How many hot chunks were read within the last window_s and had then been neither created nor read for idle_s: at least, since
 * of a chunk that was read again after that it cannot be told. Reads are known of idle_s and window_s, and the table says when
 * rows were created. */
bool candidate_reads_woken(struct pg *pg, const struct table_info *t, int64_t table_id,
			   int64_t half_life_s, int64_t idle_s, int64_t window_s, int64_t *out,
			   struct err *e);

#endif
