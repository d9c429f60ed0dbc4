# What a pass may not move, and what a rehydrate says of ids, documents and columns that changed meanwhile: in a
# hash-partitioned table.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
# One leaf and one segment, so that what happens before the delete happens to every row that was read.
e2e_tables 1 40
sql "CREATE INDEX ON document_chunk USING hnsw (embedding vector_l2_ops)"
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
ROWS=$(hot_rows)
ALL=$(e2e_digest)
back() { "$FIRN" rehydrate --where-cold all >/dev/null && [ "$(e2e_digest)" = "$ALL" ] && [ "$(cold_rows)" = 0 ]; }
planned() { "$FIRN" plan --format json | sed -n 's/^  "total_rows": \([0-9]*\),$/\1/p'; }

is "superseded rows are planned" "$(planned)" 240
exits "pass" 0 "$FIRN" pass --format json
is "and moved" "$(json '{rows_moved}')" 240
e2e_check_accounted "$ROWS" "after a pass"
exits "verify --deep is clean" 0 "$FIRN" verify --deep
exits "status --by workspace" 0 "$FIRN" status --by workspace --format json
is "counts them" "$(json '{tables,0,cold_rows}')" 240
exits "report" 0 "$FIRN" report --format json
ok "all of it comes back" back

# --- only what is superseded and replaced --------------------------------------------------------------------------
sql "UPDATE workspace_index_state SET target_embedding_version = 'v1' WHERE workspace_id = 'w1'"
is "the version being built is not superseded" "$(planned)" 160
sql "UPDATE workspace_index_state SET target_embedding_version = NULL WHERE workspace_id = 'w1'"
sql "CREATE TABLE kept AS SELECT * FROM document_chunk WHERE workspace_id = 'w2' AND embedding_version = 'v2'
		AND document_id IN (SELECT id FROM document WHERE workspace_id = 'w2' ORDER BY id LIMIT 5);
	DELETE FROM document_chunk c USING kept k WHERE (c.workspace_id, c.id) = (k.workspace_id, k.id)"
is "rows without a replacement are not planned" "$(planned)" 230
exits "pass" 0 "$FIRN" pass --format json
is "nor moved" "$(json '{rows_moved}')" 230
is "they are hot" "$(sql "SELECT count(*) FROM document_chunk c JOIN kept k USING (document_id) WHERE c.embedding_version = 'v1'")" 20
sql "INSERT INTO document_chunk SELECT * FROM kept"
ok "all of it comes back" back
sql "DELETE FROM workspace_index_state WHERE workspace_id = 'w3'"
is "a workspace without an active version keeps all" "$(planned)" 160
sql "INSERT INTO workspace_index_state VALUES ('w3', 'v2', NULL, now() - interval '1 day')"

# --- what changes between reading and deleting ---------------------------------------------------------------------
FIRN_FAULT="move.after_verify=exec:psql -X -q -d $DB -c \"UPDATE workspace_index_state SET active_embedding_version =
	CASE active_embedding_version WHEN 'v1' THEN 'v2' ELSE 'v1' END WHERE workspace_id <> 'w4'\"" \
	exits "a pass under which the active version flips back" 0 "$FIRN" pass --format json
is "moves nothing" "$(json '{rows_moved}')" 0
isnt "since all had changed" "$(json '{rows_changed}')" 0
is "all rows are hot" "$(e2e_digest)" "$ALL"
sql "UPDATE workspace_index_state SET active_embedding_version = 'v2' WHERE workspace_id <> 'w4'"
FIRN_FAULT="move.after_verify=exec:psql -X -q -d $DB -c \"UPDATE document_chunk SET rev = rev + 1 WHERE embedding_version = 'v1'
	AND chunk_index = 0\" -c \"DELETE FROM document_chunk WHERE embedding_version = 'v1' AND workspace_id = 'w2'\"" \
	exits "a pass under which rows change and go" 0 "$FIRN" pass --format json
is "moves those that did not" "$(json '{rows_moved}') $(json '{rows_changed}')" "$(sql "SELECT 240 - 80 - 80 || ' ' || 160")"
is "what changed is hot" "$(sql "SELECT count(*) FROM document_chunk WHERE rev = 1 AND workspace_id IN ('w1', 'w3')")" 80
exits "verify --deep is clean" 0 "$FIRN" verify --deep
exits "what was moved comes back" 0 "$FIRN" rehydrate --where-cold all
is "and what was deleted does not" "$(hot_rows)" "$((ROWS - 80))"

# --- what is in the way of coming back -----------------------------------------------------------------------------
ALL=$(e2e_digest)
exits "pass" 0 "$FIRN" pass --format json
COLD=$(json '{rows_moved}')
sql "CREATE TABLE doc AS SELECT * FROM document WHERE workspace_id = 'w1' ORDER BY id LIMIT 1"
CHUNK=$(sql "SELECT md5('c1-3-0-1')::uuid")
hot_again() { sql "INSERT INTO document_chunk SELECT '$CHUNK', md5('d1-3')::uuid, 'w1', 0, 'mine', NULL, 'v1', now()"; }
text() { sql "SELECT chunk_text FROM document_chunk WHERE id = '$CHUNK'"; }
hot_again
exits "an id that is hot, --on-conflict fail" 65 "$FIRN" rehydrate --where-cold all --on-conflict fail
like "says so" "$ERR" "hot already"
is "and brings back nothing of that batch" "$(text)" mine
exits "--on-conflict skip" 0 "$FIRN" rehydrate --where-cold all --on-conflict skip --format json
is "brings back the others" "$(json '{rows}')" "$((COLD - 1))"
is "reports the one" "$(json '{rows_hot}')" 1
like "by its id" "$(json '{notes}')" "$CHUNK"
is "leaves the hot row alone" "$(text)" mine
is "and its archived copy cold" "$(cold_rows)" 1
exits "verify --deep finds a chunk that is hot and cold" 65 "$FIRN" verify --deep
like "and counts it" "$OUT" "1 of its cold rows are hot as well"
exits "--on-conflict replace" 0 "$FIRN" rehydrate --where-cold all --on-conflict replace --format json
is "puts the archived row in its place" "$(e2e_digest)" "$ALL"

exits "pass" 0 "$FIRN" pass --format json
sql "DELETE FROM document_chunk c USING doc d WHERE c.document_id = d.id;
	DELETE FROM document USING doc WHERE document.id = doc.id"
exits "a document that is gone" 0 "$FIRN" rehydrate --where-cold all --format json
is "its rows are reported" "$(json '{rows_orphaned}')" 2
is "and stay cold" "$(cold_rows)" 2
like "by id" "$(json '{notes}')" "stays cold"
sql "INSERT INTO document SELECT * FROM doc"
exits "once it is back" 0 "$FIRN" rehydrate --where-cold all --format json
is "they come back" "$(json '{rows}') $(cold_rows)" "2 0"

# --- columns that came, went and changed ---------------------------------------------------------------------------
exits "pass" 0 "$FIRN" pass
COLD=$(cold_rows)
sql "ALTER TABLE document_chunk ADD COLUMN lang text NOT NULL DEFAULT 'en', ADD COLUMN score real, DROP COLUMN rev"
exits "a column was added and one dropped" 0 "$FIRN" rehydrate --workspace w1 --format json
like "the dropped one is reported" "$(json '{notes}')" '\\"rev\\"|"rev"|rev'
is "the added one has its default" "$(sql "SELECT count(*) FROM document_chunk WHERE lang IS DISTINCT FROM 'en' OR score IS NOT NULL")" 0
sql "ALTER TABLE document_chunk ALTER COLUMN chunk_index TYPE bigint"
exits "a column whose type changed is refused" 78 "$FIRN" rehydrate --where-cold all
like "by its name" "$ERR" "chunk_index"
sql "ALTER TABLE document_chunk ALTER COLUMN chunk_index TYPE int"
exits "until it is as it was" 0 "$FIRN" rehydrate --where-cold all
is "nothing is cold" "$(cold_rows)" 0
done_testing
