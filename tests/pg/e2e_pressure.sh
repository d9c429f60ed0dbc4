# Rules that press take the coldest rows, as many as are too many and no more: what a plain query over the same rows names.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 2 60
ROWS=$(hot_rows)
ALL=$(e2e_digest)
e2e_env "$(e2e_file_archive)"
rules() { printf '%s\n' 'rules:' "$@" 'limits: { min_residency: 0s, jobs: 1 }' >"$T/policy.yaml"; }
press() { rules '  - name: press' "    match: { $1 }" '    archive: {}'; }
ids() { md5sum | cut -d' ' -f1; }
hot_ids() { sql "SELECT id FROM document_chunk ORDER BY id" | ids; }
wanted_hot() { sql "$1" | ids; }
back() {
	"$FIRN" rehydrate --where-cold all >/dev/null && [ "$(e2e_digest)" = "$ALL" ] || return 1
	# What came back counts as used.
	sql "DELETE FROM firn.residency"
}
moves() { # NAME QUERY: the ids that stay, sorted
	local hot
	hot=$(wanted_hot "$2")
	exits "$1: plan" 0 "$FIRN" plan --format json
	local due
	due=$(json '{total_rows}')
	exits "$1: pass" 0 "$FIRN" pass --no-maintain --format json
	is "$1: leaves what the query names" "$(hot_ids)" "$hot"
	is "$1: as many as plan said" "$(json '{rows_moved}')" "$due"
	isnt "$1: which is something" "$due" 0
	exits "$1: another pass" 0 "$FIRN" pass --no-maintain --format json
	is "$1: finds nothing more" "$(json '{rows_moved}')" 0
	ok "$1: it comes back" back
}
exits "init" 0 "$FIRN" init
LEAST=$(sql "SELECT min(n) FROM (SELECT count(*) AS n FROM document_chunk GROUP BY tableoid) q")
N=$((LEAST - 41))
by_leaf() { # USED [CONDITION]: rows that stay when each leaf keeps N, rows that match CONDITION going first by USED
	echo "SELECT id FROM (SELECT t.id, ${2-true} AS may, row_number() OVER (PARTITION BY tableoid, ${2-true} ORDER BY $1, ctid) AS n,
		count(*) OVER (PARTITION BY tableoid) AS rows FROM document_chunk t) q WHERE NOT may OR n > rows - $N ORDER BY id"
}

# ---- leaf_rows_over ----
press "leaf_rows_over: $N"
moves "rows of a leaf" "$(by_leaf created_at)"
press "leaf_rows_over: $N, where: chunk_index = 1"
moves "with another condition" "$(by_leaf created_at "(chunk_index = 1)")"
press "leaf_rows_over: $N, workspace: w1"
moves "where fewer match than are too many" "SELECT id FROM (SELECT id, workspace_id, tableoid, row_number() OVER
	(PARTITION BY tableoid, workspace_id ORDER BY created_at, ctid) AS n, count(*) OVER (PARTITION BY tableoid) - $N AS take
	FROM document_chunk) q WHERE workspace_id <> 'w1' OR n > take ORDER BY id"
press "leaf_rows_over: $ROWS"
exits "leaves that have not too many" 0 "$FIRN" plan --format json
is "lose nothing" "$(json '{total_rows}')" 0
rules '  - name: old' '    match: { where: "chunk_index = 0 AND embedding_version = '"'v1'"'" }' '    archive: {}' \
	'  - name: keep' '    match: { workspace: w2 }' '    keep: true' \
	'  - name: press' "    match: { leaf_rows_over: $N }" '    archive: {}' \
	'  - name: rest' '    match: { where: "chunk_index = 1 AND workspace_id = '"'w4'"'" }' '    archive: {}'
OLD="chunk_index = 0 AND embedding_version = 'v1'"
moves "between other rules: the first counts, a kept row stays, and what is not needed falls to the next" "
	WITH q AS (SELECT *, tableoid AS leaf, ctid AS tid, count(*) OVER (PARTITION BY tableoid) - $N
			- count(*) FILTER (WHERE $OLD) OVER (PARTITION BY tableoid) AS take FROM document_chunk),
		p AS (SELECT *, row_number() OVER (PARTITION BY leaf ORDER BY created_at, tid) AS n FROM q
			WHERE NOT ($OLD) AND workspace_id <> 'w2')
	SELECT id FROM document_chunk WHERE NOT ($OLD) AND id NOT IN (SELECT id FROM p WHERE n <= take)
		AND (workspace_id <> 'w4' OR chunk_index <> 1) ORDER BY id"
sql "SELECT firn.touch('document_chunk', (SELECT array_agg(id) FROM (SELECT id FROM document_chunk ORDER BY created_at, id LIMIT 30) q))"
sql "CREATE TABLE touched AS SELECT id FROM document_chunk ORDER BY created_at, id LIMIT 30"
press "leaf_rows_over: $N"
moves "what was read is warm" "$(by_leaf "greatest(created_at, CASE WHEN id IN (SELECT id FROM touched) THEN now() END)")"
press "leaf_rows_over: $N, of: document"
moves "with the rest of its document where that is asked for" "$(by_leaf "greatest(created_at, CASE WHEN document_id IN
	(SELECT document_id FROM document_chunk WHERE id IN (SELECT id FROM touched)) THEN now() END)")"
sql "TRUNCATE firn.heat"

# ---- hot_bytes_over ----
BYTES="(28 + $(sql "SELECT string_agg('coalesce(pg_column_size(' || quote_ident(attname) || '), 0)', ' + ') FROM pg_attribute
	WHERE attrelid = 'document_chunk'::regclass AND attnum > 0 AND NOT attisdropped"))"
TOTAL=$(sql "SELECT sum($BYTES) FROM document_chunk")
by_bytes() { # LIMIT [CONDITION]
	echo "SELECT id FROM (SELECT id, ${2-true} AS may, sum($BYTES) OVER w - $BYTES AS before FROM document_chunk
		WINDOW w AS (PARTITION BY ${2-true} ORDER BY created_at, tableoid::regclass::text, ctid ROWS UNBOUNDED PRECEDING)) q
		WHERE NOT may OR before >= $TOTAL - $1 ORDER BY id"
}
L=$((TOTAL * 2 / 3))
press "hot_bytes_over: $L"
moves "bytes of the table" "$(by_bytes $L)"
press "hot_bytes_over: $L, version: v1"
moves "of some rows only" "$(by_bytes $L "(embedding_version = 'v1')")"
press "hot_bytes_over: $TOTAL"
exits "a table that is just not too big" 0 "$FIRN" plan --format json
is "loses nothing" "$(json '{total_rows}')" 0
press "hot_bytes_over: $((TOTAL - 1))"
exits "one with a byte too many" 0 "$FIRN" plan --format json
is "loses one row" "$(json '{total_rows}')" 1
rules '  - name: rows' "    match: { leaf_rows_over: $N }" '    archive: {}' \
	'  - name: bytes' "    match: { hot_bytes_over: $L }" '    archive: {}'
moves "after rows of a leaf" "WITH r AS ($(by_leaf created_at)), q AS (SELECT *, tableoid::regclass::text AS leaf, ctid AS tid FROM document_chunk
	WHERE id IN (SELECT id FROM r)), s AS (SELECT id, $BYTES AS b, sum($BYTES) OVER (ORDER BY created_at, leaf, tid ROWS UNBOUNDED PRECEDING) AS c FROM q)
	SELECT id FROM s WHERE c - b >= (SELECT sum(b) FROM s) - $L ORDER BY id"
press "hot_bytes_over: 1"
FIRN_FAULT="move.after_verify=exec:psql -X -q -d $DB -c \"SELECT firn.touch('document_chunk', (SELECT array_agg(id) FROM touched))\"" \
	exits "rows that were read while their segment was made" 0 "$FIRN" pass --no-maintain --format json
is "stay hot" "$(hot_ids)" "$(sql "SELECT id FROM touched ORDER BY id" | ids)"
e2e_check_accounted "$ROWS" "then"
sql "ALTER TABLE document_chunk RENAME created_at TO made"
press "leaf_rows_over: 5"
exits "a table that does not say when rows were made" 78 "$FIRN" plan
like "has no coldest ones" "$ERR" 'policy.yaml:2: rule "press" speaks of "leaf_rows_over", for which table .* has no column'
done_testing
