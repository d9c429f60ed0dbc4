/*
 * Whether the archive that the URL leads to is the one where this catalog's segments are. A folder that is not mounted,
 * or a bucket of the same name at another endpoint, takes segments and gives them back like the right one; what is
 * moved there is lost to every reader once the mistake is mended. So init leaves an object, and nobody writes or deletes
 * where it is missing.
 */
#include "engine/engine.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"

#define MARKER_NAME "firn-archive.txt"

bool engine_archive_marker(struct firn *f, char key[ENGINE_MARKER_MAX], struct err *e)
{
	char id[37];

	if (!engine_pg(f, e) || !catalog_id(f->pg, id, e))
		return false;
	snprintf(key, ENGINE_MARKER_MAX, "%s/" MARKER_NAME, id);
	return true;
}

bool engine_archive_probe(struct firn *f, struct err *e)
{
	struct store *store = engine_store(f, e);

	if (store && store_check(store, e))
		return true;
	if (store && e->code == ERR_OFFLINE && !e->hint[0] && store_credentials_source(store))
		err_hint(e, "Is s3.endpoint (--s3-endpoint) right, and can this machine reach it?");
	return false;
}

bool engine_archive_check(struct firn *f, struct err *e)
{
	char key[ENGINE_MARKER_MAX];
	struct store_object object;
	struct store *store = engine_store(f, e);

	if (!store || !engine_archive_marker(f, key, e))
		return false;
	if (store_head(store, key, &object, e))
		return true;
	if (e->code != ERR_NOT_FOUND)
		return err_wrap(e, "could not look whether archive \"%s\" is the right one",
				store_url(store));
	err_set(e, ERR_OFFLINE,
		"archive \"%s\" is not the one of this database: object \"%s\" is not there",
		store_url(store), key);
	return err_hint(
		e, "Is the folder mounted, are bucket, prefix and endpoint right? If they are, "
		   "\"firn init\" writes that object (again).");
}

static bool has_index(struct firn *f, const struct segment_record *r, struct err *e)
{
	struct store_object object;

	if (!store_head(f->store, r->index_key, &object, e))
		return false;
	return (int64_t)object.bytes == r->index_bytes ||
	       err_set(e, ERR_DATA, "object \"%s\" has %" PRIu64 " bytes instead of %" PRId64,
		       r->index_key, object.bytes, r->index_bytes);
}

/* The archive is the right one when it has what is active in the catalog, or nothing is: of every table with this URL,
 * since all of them trust the one marker. The oldest segment and the newest: where they lie in two places, a run went
 * wrong before there was a marker, and neither place is the archive. */
static bool prove(struct firn *f, struct err *e)
{
	struct segment_filter filter = { .archive = store_url(f->store) };
	struct segment_list active = { 0 };
	bool ok;

	filter.states[SEGMENT_ACTIVE] = true;
	ok = catalog_segments(f->pg, &filter, &active, e);
	if (ok && active.count > 0) {
		ok = has_index(f, &active.items[0], e) &&
		     (active.count == 1 || has_index(f, &active.items[active.count - 1], e));
		if (!ok && (e->code == ERR_NOT_FOUND || e->code == ERR_DATA)) {
			err_wrap(
				e,
				"archive \"%s\" is not the one where this database's cold rows are",
				store_url(f->store));
			e->code = ERR_OFFLINE;
			err_hint(e,
				 "Is the folder mounted, are bucket, prefix and endpoint right?");
		}
	}
	segment_list_release(&active);
	return ok;
}

bool engine_archive_is_another(struct firn *f, struct err *e)
{
	char key[ENGINE_MARKER_MAX];
	struct store_object object;
	struct err why = { 0 };

	if (!engine_archive_marker(f, key, &why) || store_head(f->store, key, &object, &why) ||
	    why.code != ERR_NOT_FOUND)
		return false;
	err_clear(&why);
	if (prove(f, &why) || why.code != ERR_OFFLINE)
		return false;
	*e = why;
	return true;
}

bool engine_archive_mark(struct firn *f, struct err *e)
{
	char key[ENGINE_MARKER_MAX], id[37];
	struct buf text = BUF_INIT;
	struct io_reader reader;
	struct store_object object;
	uint8_t digest[SHA256_BYTES];
	bool ok;

	if (!engine_archive_marker(f, key, e))
		return false;
	if (store_head(f->store, key, &object, e))
		return true;
	if (e->code != ERR_NOT_FOUND)
		return false;
	err_clear(e);
	if (!prove(f, e))
		return false;
	memcpy(id, key, 36);
	id[36] = '\0';
	buf_printf(
		&text,
		"Here lie rows that firn moved out of a Postgres database, that of catalog %s.\n"
		"Change nothing by hand: \"firn verify\" looks it through, \"firn gc\" tidies up.\n"
		"firn moves rows only to where it finds this file.\n",
		id);
	io_reader_from_memory(&reader, &(struct io_memory){ text.data, text.len }, "marker");
	ok = buf_ok(&text, e) && sha256_once(text.data, text.len, digest, e) &&
	     store_put(f->store, key, &reader, digest, NULL, e);
	/* Another init, at the same time. */
	if (!ok && e->code == ERR_EXISTS) {
		err_clear(e);
		ok = true;
	}
	buf_release(&text);
	return ok || err_wrap(e, "could not mark the archive as this database's");
}
