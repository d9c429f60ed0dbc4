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
	e2e_only_priors
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
	exits "$kind: what came back by then is moved out" 0 "$FIRN" pass
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

# ---- a load that was killed, and then things change before its index is back ----
psql -X -q -d "$FIRN_TEST_PG_URI" -c "DROP DATABASE IF EXISTS $DB_NAME WITH (FORCE)"
fresh_db
e2e_tables 0 500
INDEX=document_chunk_ix
made() { sql "DROP INDEX IF EXISTS $INDEX; CREATE INDEX $INDEX ON document_chunk USING hnsw (embedding vector_cosine_ops) WITH ($1)"; }
made "m = 8, ef_construction = 32"
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
e2e_only_priors
WHOLE=$(index_state $INDEX)
exits "a pass" 0 "$FIRN" pass
killed() { FIRN_FAULT=bulk.after_begin=kill exits "$1" 137 "$FIRN" rehydrate --where-cold all --bulk; }

sql "COMMENT ON INDEX $INDEX IS 'x'"
killed "a load of an index that cannot be dropped is killed"
sql "COMMENT ON INDEX $INDEX IS NULL"
exits "the next load, to which it could be" 0 "$FIRN" rehydrate --where-cold all --bulk
is "has it back as it was" "$(index_state $INDEX) $(restores)" "$WHOLE 0"

exits "a pass" 0 "$FIRN" pass
killed "a load that dropped an index is killed"
made "m = 16, ef_construction = 128"
OWN=$(index_state $INDEX)
exits "the next load, after somebody made another index of that name" 0 "$FIRN" rehydrate --where-cold all --bulk
is "leaves that one as it is" "$(index_state $INDEX) $(restores)" "$OWN 0"

exits "a pass" 0 "$FIRN" pass
killed "a load is killed"
made "m = 8, ef_construction = 32"
sql "COMMENT ON INDEX $INDEX IS 'mine'"
exits "the next load, after somebody made it again with a comment" 0 "$FIRN" rehydrate --where-cold all --bulk
is "leaves it as it is" "$(index_state $INDEX) $(restores)" "$WHOLE 0"
sql "COMMENT ON INDEX $INDEX IS NULL"

# ---- passes that fail do not keep the index away ----
exits "a pass in small segments" 0 "$FIRN" pass --segment-size 100KiB
cat >"$T/term.sh" <<EOF
for i in \$(seq 200); do [ -s "$T/pid" ] && break; sleep 0.05; done
kill -TERM \$(cat "$T/pid")
EOF
rm -f "$T/pid"
FIRN_FAULT="rehydrate.after_insert=exec:sh $T/term.sh" "$FIRN" rehydrate --where-cold all --bulk >"$T/term.out" 2>&1 &
echo $! >"$T/pid.new" && mv "$T/pid.new" "$T/pid"
status=0
wait "$(cat "$T/pid")" || status=$?
is "a load that is told to stop" "$status" 75
like "says which index is missing" "$(cat "$T/term.out")" "$INDEX +put-off +still out of the way"
is "for it is" "$(restores)" 1
exits "until the next load" 0 "$FIRN" rehydrate --where-cold all --bulk
exits "a pass" 0 "$FIRN" pass
killed "a load is killed again"
ARCHIVE_OF=$(dirname "$(find "${FIRN_ARCHIVE#file://}" -name '*.seg' | head -n 1)")
mv "$ARCHIVE_OF" "$ARCHIVE_OF.away"
: >"$ARCHIVE_OF"
sql "INSERT INTO document_chunk SELECT gen_random_uuid(), document_id, workspace_id, 9, 'more', embedding, 'v0', created_at FROM document_chunk
	WHERE embedding_version = 'v2' LIMIT 10"
not_ok "a pass that cannot write to the archive" "$FIRN" pass
is "brings the index back all the same" "$(index_state $INDEX) $(restores)" "$WHOLE 0"
rm "$ARCHIVE_OF"
mv "$ARCHIVE_OF.away" "$ARCHIVE_OF"
exits "a pass that can" 0 "$FIRN" pass

# ---- why not ----
FEW=$(sql "SELECT min(id) FROM firn.segment WHERE state = 'active' AND rows_live < 1000")
exits "of a few rows" 0 "$FIRN" rehydrate --segment "$FEW" --bulk --dry-run
like "it is said that they are few" "$OUT" 'rows? of 1 leaf go in one by one: --bulk begins at 1000 rows of a leaf'
exits "of a document" 0 "$FIRN" rehydrate --document "$(sql "SELECT id FROM document LIMIT 1")" --bulk --dry-run
like "it is said that they never do" "$OUT" 'documents and chunks come back one by one, with --bulk, too'
sql "DROP RULE IF EXISTS forget ON firn.maintenance_log"
sql "INSERT INTO firn.maintenance_log (table_id, leaf, method, action, rows, seconds, dimensions)
	SELECT id, 'x', 'hnsw', 'reindex', 30000, 20000, 16 FROM firn.managed_table, generate_series(1, 25)"
exits "where a build takes long" 0 "$FIRN" rehydrate --where-cold all --bulk --dry-run
like "how much is known" "$OUT" 'go into index ".*" one by one, which is expected to take [0-9.]+ s(, against [0-9.]+ s with --bulk|; --bulk would not)'
sql "DELETE FROM firn.maintenance_log WHERE leaf = 'x'"
e2e_only_priors

# ---- a leaf that has another name ----
killed "a load is killed once more"
sql "ALTER TABLE document_chunk RENAME TO chunk_now"
export FIRN_TABLE=public.chunk_now
exits "init under the table's new name" 0 "$FIRN" init
sql "UPDATE firn.index_restore SET table_id = (SELECT id FROM firn.managed_table WHERE label = 'public.chunk_now')"
exits "maintain" 78 "$FIRN" maintain
like "does not forget the index" "$ERR" "took index \"$INDEX\" of leaf \"public.document_chunk\" out of the way"
like "and says what it was" "$ERR" "CREATE INDEX $INDEX ON public.document_chunk USING hnsw"
done_testing
