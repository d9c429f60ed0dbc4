# What a bulk load that died took out of the way, where it cannot simply come back: the archive is away, the leaf or the
# index has another name, or one of several cannot be made.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

index_state() { # of $1: valid, and its options
	sql "SELECT i.indisvalid, coalesce(c.reloptions::text, '') FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
		WHERE c.relname = '$1'"
}
restores() { sql "SELECT count(*) FROM firn.index_restore"; }
killed() { FIRN_FAULT=bulk.after_begin=kill exits "$1" 137 "$FIRN" rehydrate --where-cold all --bulk; }

fresh_db
e2e_tables 1 400
sql "ALTER TABLE document_chunk_p0 RENAME TO chunk_a"
sql "CREATE INDEX alone ON chunk_a USING hnsw (embedding vector_cosine_ops) WITH (m = 8, ef_construction = 32)"
e2e_env "$(e2e_file_archive)"
exits "init of a partitioned table" 0 "$FIRN" init
e2e_only_priors
WHOLE=$(index_state alone)
exits "a pass" 0 "$FIRN" pass
killed "a load of a leaf is killed"
sql "ALTER TABLE chunk_a RENAME TO chunk_b"
exits "maintain under the leaf's new name" 78 "$FIRN" maintain
sql "ALTER TABLE chunk_b RENAME TO chunk_a"
exits "status" 0 "$FIRN" status --format json
is "the index is work that is due" "$(json '{maintenance_due}')" 1
exits "maintain under the old name" 0 "$FIRN" maintain
is "brings the index back" "$(index_state alone) $(restores)" "$WHOLE 0"

exits "all comes back" 0 "$FIRN" rehydrate --where-cold all
exits "a pass" 0 "$FIRN" pass
killed "a load is killed"
mv "${FIRN_ARCHIVE#file://}" "$T/away"
exits "a pass while the archive is not there" 69 "$FIRN" pass
is "brings the index back all the same" "$(index_state alone) $(restores)" "$WHOLE 0"
mkdir "${FIRN_ARCHIVE#file://}"
killed_rows=$(hot_rows)
exits "a pass with another archive" 69 "$FIRN" pass
is "moves nothing" "$(hot_rows)" "$killed_rows"
rmdir "${FIRN_ARCHIVE#file://}"
mv "$T/away" "${FIRN_ARCHIVE#file://}"

# What took rows with little care is known by its name only.
sql "COMMENT ON INDEX alone IS 'x'"
exits "all comes back" 0 "$FIRN" rehydrate --where-cold all
exits "a pass" 0 "$FIRN" pass
killed "a load of an index with a comment is killed"
sql "ALTER INDEX alone RENAME TO renamed"
exits "maintain under the index's new name" 78 "$FIRN" maintain
like "says that the index is gone" "$ERR" "\"alone\" of leaf \"public.chunk_a\" out of the way, and that index is not there"
like "and what it was" "$ERR" "ALTER INDEX \"public\".\"alone\" SET \(ef_construction = 32\); REINDEX INDEX CONCURRENTLY"
is "which stays recorded" "$(restores)" 1
sql "ALTER INDEX renamed RENAME TO alone"
exits "maintain under its old name" 0 "$FIRN" maintain
is "has it as it was" "$(index_state alone) $(restores)" "$WHOLE 0"

# One leaf's index that cannot come back is no reason for another's to stay away.
psql -X -q -d "$FIRN_TEST_PG_URI" -c "DROP DATABASE IF EXISTS $DB_NAME WITH (FORCE)"
fresh_db
e2e_tables 2 600
for i in 0 1; do sql "CREATE INDEX alone_$i ON document_chunk_p$i USING hnsw (embedding vector_cosine_ops) WITH (m = 8, ef_construction = 32)"; done
e2e_env "$(e2e_file_archive)"
exits "init of two leaves" 0 "$FIRN" init
e2e_only_priors
exits "a pass" 0 "$FIRN" pass
FIRN_FAULT=rehydrate.after_insert=kill exits "a load of two leaves is killed" 137 "$FIRN" rehydrate --where-cold all --bulk
is "both indexes are away" "$(restores)" 2
for i in 0 1; do
	sql "UPDATE firn.index_restore SET definition = replace(definition, 'vector_cosine_ops', 'no_such_ops') WHERE index_name = 'alone_$i'"
	exits "maintain, to which index $i cannot be made" 78 "$FIRN" maintain
	is "brings the other back" "$(sql "SELECT string_agg(index_name, ' ') FROM firn.index_restore")" "alone_$i"
	is "does the work of that leaf" "$(sql "SELECT string_agg(leaf, ' ') FROM firn.maintenance")" "public.document_chunk_p$i"
	sql "UPDATE firn.index_restore SET definition = replace(definition, 'no_such_ops', 'vector_cosine_ops')"
	exits "maintain, to which it can" 0 "$FIRN" maintain
	is "brings it back" "$(restores)" 0
	[ $i = 1 ] && break
	exits "all comes back" 0 "$FIRN" rehydrate --where-cold all
	exits "a pass" 0 "$FIRN" pass
	FIRN_FAULT=rehydrate.after_insert=kill exits "a load is killed" 137 "$FIRN" rehydrate --where-cold all --bulk
done
done_testing
