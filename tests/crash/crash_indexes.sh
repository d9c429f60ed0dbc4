# kill -9 of firn at every fault site of indexes ensure, and in a build that the recall gate asks for.
. "$FIRN_SRC/tests/lib/e2e_common.sh"
. "$FIRN_SRC/tests/lib/e2e_crash.sh"

fresh_db
e2e_tables 4 150
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
exits "ensure" 0 "$FIRN" indexes ensure --type hnsw --m 4

# Every vector index: name, whether it is valid and attached, options.
tree() { sql "SELECT c.relname, i.indisvalid, EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhrelid = c.oid), c.reloptions
	FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
	WHERE m.amname = 'hnsw' ORDER BY length(c.relname), 1"; }
ours() { sql "SELECT count(*) FROM pg_class WHERE relname ~ '^firn_(new|old)_'"; }
wanted() { printf '%s\n' "document_chunk_embedding_hnsw|t|f|{m=$1}" \
	"document_chunk_p"{0..3}"_embedding_hnsw|t|t|{m=$1}"; }

m=4
for site in $(fault_sites indexes.); do
	m=$((m + 1))
	killed_at "$site" "$site" "$FIRN" indexes ensure --type hnsw --m $m
	isnt "$site: not all is done" "$(ours)-$(tree | grep -c "{m=$m,")" "0-5"
	exits "$site: the next run" 0 "$FIRN" indexes ensure --type hnsw --m $m
	is "$site: ends with what was asked for" "$(tree)" "$(wanted $m)"
	is "$site: and nothing else" "$(ours)" 0
done
killed_at indexes.after_attach "then asked for something else" "$FIRN" indexes ensure --type hnsw --m 20
exits "the other thing" 0 "$FIRN" indexes ensure --type hnsw --m 18
is "is what comes" "$(tree)" "$(wanted 18)"
is "and nothing else is left" "$(ours)" 0

# Few rows die, so that only the gate has a reason to build; no index of two links can find what it asks for.
exits "ensure a bad graph" 0 "$FIRN" indexes ensure --type hnsw --m 2 --ef-construction 4
sql "VACUUM ANALYZE"
sql "ALTER DATABASE $DB_NAME SET hnsw.ef_search = 1; INSERT INTO document_chunk
	SELECT gen_random_uuid(), document_id, workspace_id, 7, 'x', embedding, 'v0', created_at FROM document_chunk
	WHERE embedding_version = 'v2' LIMIT 4"
ROWS=$(hot_rows)
printf 'rules: [{ name: s, match: { version: [v0] }, archive: {} }]\nlimits: { min_residency: 0s, recall_floor: 1.0 }\n' >"$T/floor.yaml"
due() { sql "SELECT count(*) FROM firn.maintenance"; }
first=pass
for site in maintain.before_reindex maintain.after_reindex; do
	killed_at "$site" "$site in the gate" "$FIRN" $first --policy "$T/floor.yaml"
	first=maintain
	isnt "$site in the gate: the work is still due" "$(due)" 0
	e2e_check_accounted "$ROWS" "$site in the gate"
done
exits "without a floor" 0 "$FIRN" maintain
is "nothing is due" "$(due)" 0
is "no index is invalid" "$(tree | grep -c '|f|[tf]|')" 0
exits "verify --deep" 0 "$FIRN" verify --deep
done_testing
