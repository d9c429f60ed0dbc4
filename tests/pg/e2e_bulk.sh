# rehydrate --bulk: what becomes of vector indexes that stand for themselves, and of those of a partitioned table; the same
# rows come back; what a dead run took away comes back with the next.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

index_state() { # of $1: valid, and its options
	sql "SELECT i.indisvalid, coalesce(c.reloptions::text, '') FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
		WHERE c.relname = '$1'"
}
restores() { sql "SELECT count(*) FROM firn.index_restore"; }
# The nearest of every 40th row is itself, found by the index of its leaf.
found_by_index() { # TABLE
	sql "SET enable_seqscan = off; SET hnsw.ef_search = 200;
		SELECT count(*) FROM (SELECT id, embedding FROM $1 WHERE embedding IS NOT NULL ORDER BY id LIMIT 40) q
		WHERE EXISTS (SELECT 1 FROM (SELECT embedding FROM $1 c ORDER BY c.embedding <=> q.embedding LIMIT 1) n
			WHERE n.embedding <=> q.embedding < 0.00001)"
}

for kind in plain partitioned; do
	[ -z "$DB_NAME" ] || psql -X -q -d "$FIRN_TEST_PG_URI" -c "DROP DATABASE IF EXISTS $DB_NAME WITH (FORCE)"
	fresh_db
	leaves=0
	[ $kind = plain ] || leaves=1
	e2e_tables $leaves 500
	INDEX=document_chunk_ix
	[ $kind = plain ] || INDEX=document_chunk_p0_embedding_idx
	sql "CREATE INDEX document_chunk_ix ON document_chunk USING hnsw (embedding vector_cosine_ops) WITH (m = 8, ef_construction = 32)"
	[ $kind = plain ] || sql "ALTER INDEX document_chunk_ix RENAME TO document_chunk_parent"
	e2e_env "$(e2e_file_archive)"
	exits "$kind: init" 0 "$FIRN" init
	BEFORE=$(index_state $INDEX)
	DEFINITION=$(sql "SELECT pg_get_indexdef('$INDEX'::regclass)")
	ALL=$(e2e_digest)
	exits "$kind: a pass" 0 "$FIRN" pass
	exits "$kind: what a bulk load would do" 0 "$FIRN" rehydrate --where-cold all --bulk --dry-run --format json
	like "$kind: is said" "$(json '{notes}')" "index .*$INDEX.* would be"
	is "$kind: and nothing is done" "$(restores)" 0

	# Out of the way while rows come in.
	printf '%s\n' "psql -X -q -A -t -d '$DB' -c \"SELECT coalesce(max(coalesce(c.reloptions::text, '')), 'gone')
		FROM pg_class c WHERE c.relname = '$INDEX'\" >'$T/meanwhile'" >"$T/look.sh"
	FIRN_FAULT="rehydrate.after_insert=exec:sh $T/look.sh" exits "$kind: a bulk load" 0 \
		"$FIRN" rehydrate --where-cold all --bulk --format json
	is "$kind: brings all back" "$(e2e_digest)" "$ALL"
	if [ $kind = plain ]; then
		is "$kind: without the index" "$(cat "$T/meanwhile")" gone
		like "$kind: which is created" "$(json '{maintain,steps}')" '"create"'
	else
		is "$kind: with little care" "$(cat "$T/meanwhile")" "{m=8,ef_construction=4}"
		like "$kind: the index is built anew" "$(json '{maintain,steps}')" '"reindex"'
	fi
	is "$kind: the index is as it was" "$(index_state $INDEX)" "$BEFORE"
	is "$kind: to the letter" "$(sql "SELECT pg_get_indexdef('$INDEX'::regclass)")" "$DEFINITION"
	is "$kind: and finds rows" "$(found_by_index document_chunk)" 40
	is "$kind: nothing is left to restore" "$(restores) $(sql 'SELECT count(*) FROM firn.maintenance')" "0 0"

	# A run that fails half way brings the index back itself; one that is killed leaves that to the next.
	exits "$kind: out again" 0 "$FIRN" pass
	FIRN_FAULT=rehydrate.after_insert=error exits "$kind: a bulk load that fails" 70 "$FIRN" rehydrate --where-cold all --bulk
	is "$kind: leaves the index whole" "$(index_state $INDEX) $(restores)" "$BEFORE 0"
	FIRN_FAULT=rehydrate.after_commit=kill exits "$kind: one that is killed" 137 "$FIRN" rehydrate --where-cold all --bulk
	isnt "$kind: does not" "$(index_state $INDEX)" "$BEFORE"
	is "$kind: but it is recorded" "$(restores)" 1
	exits "$kind: maintain" 0 "$FIRN" maintain
	is "$kind: makes it whole" "$(index_state $INDEX) $(restores)" "$BEFORE 0"
	exits "$kind: the rest comes back" 0 "$FIRN" rehydrate --where-cold all
	is "$kind: every byte" "$(e2e_digest)" "$ALL"
done

exits "a bulk load leaves no index work to others" 64 "$FIRN" rehydrate --where-cold all --bulk --no-maintain
exits "a pass" 0 "$FIRN" pass
exits "one document" 0 "$FIRN" rehydrate --document "$(sql "SELECT id FROM document WHERE workspace_id = 'w1' LIMIT 1")" --bulk
is "is no load" "$(restores)" 0
done_testing
