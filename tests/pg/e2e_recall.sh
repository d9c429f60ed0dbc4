# What index work leaves behind finds what a fresh index finds, and with recall_floor it is looked at each time.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 1 400
LEAF=document_chunk_p0
# Vectors that are near none of the others: a graph has to be good to find them.
sql "UPDATE document_chunk SET embedding = (SELECT array_agg((sin(abs(hashtext(id::text || i)) / 1e4))::real) FROM generate_series(1, 16) i)::vector"
index() { sql "DROP INDEX IF EXISTS chunk_ix; CREATE INDEX chunk_ix ON $LEAF USING hnsw (embedding vector_cosine_ops) WITH ($1)"; }
index "m = 16, ef_construction = 64"
sql "VACUUM ANALYZE"
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
recall() { "$FIRN" indexes probe --sample 100 --format json >"$T/probe.json" && json_of "$(cat "$T/probe.json")" "{probes,$1,recall}"; }
at_least() { [ "$(sql "SELECT $1 >= $2")" = t ]; }

# ---- after a pass an index is like a fresh one ----
for policy in policy few; do
	printf 'rules: [{ name: few, match: { superseded: { grace: 0s }, workspace: [w1] }, archive: {} }]\nlimits: { min_residency: 0s }\n' >"$T/few.yaml"
	exits "$policy: a pass" 0 "$FIRN" pass --policy "$T/$policy.yaml"
	sql "CREATE INDEX fresh_ix ON $LEAF USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64)"
	ok "$policy: it takes at most a tenth more than a fresh one" at_least \
		"1.1 * pg_relation_size('fresh_ix')" "pg_relation_size('chunk_ix')"
	sql "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'fresh_ix'::regclass"
	OURS=$(recall 0)
	sql "UPDATE pg_index SET indisvalid = indexrelid = 'fresh_ix'::regclass WHERE indexrelid IN ('fresh_ix'::regclass, 'chunk_ix'::regclass)"
	FRESH=$(recall 0)
	sql "UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'chunk_ix'::regclass; DROP INDEX fresh_ix"
	ok "$policy: and finds as much, but for a hundredth" at_least "$OURS" "$FRESH - 0.01"
	exits "$policy: back" 0 "$FIRN" rehydrate --where-cold all
done

# ---- the floor ----
floor() { printf 'rules: [{ name: s, match: { superseded: { grace: 0s } }, archive: {} }]\nlimits: { min_residency: 0s, recall_floor: %s }\n' "$1" >"$T/floor.yaml"; }
floor 0.5
exits "a pass over a good index" 0 "$FIRN" pass --policy "$T/floor.yaml" --format json
like "says what it finds" "$(json '{maintain,steps}')" '"action": "probe".*recall@10 is (0\.[5-9]|1\.0)'
exits "back" 0 "$FIRN" rehydrate --where-cold all

# Few rows go, so that neither VACUUM nor they are a reason to build; but the graph is a bad one, and its settings are not.
index "m = 2, ef_construction = 4"
sql "ALTER INDEX chunk_ix SET (m = 16, ef_construction = 64); INSERT INTO document_chunk
	SELECT gen_random_uuid(), document_id, workspace_id, 7, 'x', embedding, 'v0', created_at FROM document_chunk WHERE embedding_version = 'v2' LIMIT 3;
	ALTER DATABASE $DB_NAME SET hnsw.ef_search = 10"
printf 'rules: [{ name: s, match: { superseded: { grace: 0s }, version: [v0] }, archive: {} }]\nlimits: { min_residency: 0s, recall_floor: 0.8 }\n' >"$T/floor.yaml"
BEFORE=$(recall 0)
not_ok "an index that finds too little" at_least "$BEFORE" 0.8
exits "a pass with a floor" 0 "$FIRN" pass --policy "$T/floor.yaml" --format json
like "builds it anew" "$(json '{maintain,steps}')" '"action": "reindex".*its recall@10 is 0\.[0-7][0-9]*, below the floor of 0\.800'
like "says before and after" "$(json '{maintain,steps}')" 'recall@10 was 0\.[0-9]+, is (0\.[89]|1\.0)'
ok "and now it finds enough" at_least "$(recall 0)" 0.8

index "m = 2, ef_construction = 4"
sql "INSERT INTO document_chunk
	SELECT gen_random_uuid(), document_id, workspace_id, 7, 'x', embedding, 'v0', created_at FROM document_chunk WHERE embedding_version = 'v2' LIMIT 3"
exits "a pass over one that cannot find enough" 75 "$FIRN" pass --policy "$T/floor.yaml"
like "says so" "$ERR" 'index "chunk_ix" of leaf "public.document_chunk_p0" has a recall@10 of 0\.[0-7][0-9]* also after a new build'
is "the leaf is still due" "$(sql "SELECT count(*) FROM firn.maintenance")" 1
sed -i 's/0\.8 /0.0 /' "$T/floor.yaml"
exits "without the floor" 0 "$FIRN" maintain --policy "$T/floor.yaml"
is "it is done" "$(sql "SELECT count(*) FROM firn.maintenance")" 0
sed -i 's/0\.0 /1.5 /' "$T/floor.yaml"
exits "a floor above 1" 78 "$FIRN" pass --policy "$T/floor.yaml"
like "is refused with its line" "$ERR" 'floor.yaml:2: .*recall_floor'
done_testing
