# What rules can ask of a chunk beyond its version and its reads: documents and SQL conditions, which only look.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 2 30
ROWS=$(hot_rows)
ALL=$(e2e_digest)
e2e_env "$(e2e_file_archive)"
policy() { # LINES of rules
	printf '%s\n' 'rules:' "$@" 'limits: { min_residency: 0s }' >"$T/policy.yaml"
}
archive() { policy '  - name: cold' "    match: $1" '    archive: {}'; }
hot_ids() { sql "SELECT md5(string_agg(id::text, ',' ORDER BY id)) FROM document_chunk"; }
back() { "$FIRN" rehydrate --where-cold all >/dev/null && [ "$(e2e_digest)" = "$ALL" ]; }
moves() { # NAME CONDITION: the pass moves exactly the rows of the SQL condition
	local wanted
	wanted=$(sql "SELECT md5(string_agg(id::text, ',' ORDER BY id)) FROM document_chunk WHERE ($2) IS NOT TRUE")
	exits "$1: plan" 0 "$FIRN" plan --format json
	is "$1: plan says how many" "$(json '{total_rows}')" "$(sql "SELECT count(*) FROM document_chunk WHERE $2")"
	exits "$1: pass" 0 "$FIRN" pass --format json
	is "$1: moves what the same query names" "$(hot_ids)" "$wanted"
	isnt "$1: which is something" "$(json '{rows_moved}')" 0
	ok "$1: it comes back" back
}
exits "init" 0 "$FIRN" init

# ---- document ----
D=$(sql "SELECT document_id FROM document_chunk ORDER BY 1 LIMIT 1")
archive "{ document: ['$D', '1*', 'f?0*'] }"
moves "documents by name and pattern" "document_id = '$D' OR document_id::text LIKE '1%' OR document_id::text LIKE 'f_0%'"
policy '  - name: keep' "    match: { document: '1*' }" '    keep: true' '  - name: cold' "    match: { workspace: w1 }" '    archive: {}'
moves "a document is kept" "workspace_id = 'w1' AND document_id::text NOT LIKE '1%'"

# ---- where ----
archive "{ where: chunk_index = 1 AND workspace_id <> 'w2' }"
moves "where" "chunk_index = 1 AND workspace_id <> 'w2'"
archive '{ where: "length(chunk_text) > 50 -- not the short ones" }'
moves "where, with a comment" "length(chunk_text) > 50"
archive '{ superseded: { grace: 0s }, where: "embedding IS NULL OR vector_norm(embedding) > 2.8" }'
moves "where, with another condition and an extension's function" "embedding_version = 'v1' AND workspace_id <> 'w4' AND (embedding IS NULL OR vector_norm(embedding) > 2.8)"
sql "CREATE TABLE held (document uuid, since timestamptz); INSERT INTO held SELECT DISTINCT document_id FROM document_chunk WHERE workspace_id = 'w3'"
archive '{ version: v1, where: "NOT EXISTS (SELECT 1 FROM held h WHERE h.document = t.document_id)" }'
moves "where, with a subquery" "embedding_version = 'v1' AND document_id NOT IN (SELECT document FROM held)"
policy '  - name: keep' '    match: { where: "chunk_text IS NULL" }' '    keep: true' \
	'  - name: short' '    match: { where: "length(chunk_text) < 100" }' '    archive: {}' \
	'  - name: v1' '    match: { version: v1 }' '    archive: {}'
moves "several rules with where" "chunk_text IS NOT NULL AND (length(chunk_text) < 100 OR embedding_version = 'v1')"

# Nothing of these runs, and nothing is moved.
sql "CREATE TABLE victim AS SELECT 1 AS a; GRANT ALL ON victim TO public;
	CREATE FUNCTION writes(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN DELETE FROM victim; RETURN true; END';
	CREATE FUNCTION lies(int) RETURNS bool STABLE LANGUAGE plpgsql AS 'BEGIN RETURN public.writes(1); END'"
while IFS='|' read -r name where wanted; do
	printf '%s\n' 'rules:' '  - name: cold' '    match:' '      where: |' "        $where" '    archive: {}' >"$T/policy.yaml"
	exits "$name" 78 "$FIRN" pass
	like "$name: file, line, rule and key are named" "$ERR" "policy\.yaml:2: rule \"cold\": where: .*$wanted"
	exits "$name: so does plan" 78 "$FIRN" plan
done <<'END'
a column that is not there|colour = 1|column "colour" does not exist
a number|chunk_index|must be type boolean
no expression|chunk_index = = 1|syntax error
two statements|true); DELETE FROM victim; SELECT (true|
two statements without parentheses|true; DELETE FROM victim|
a second branch|true) UNION SELECT (true|syntax error
a closed bracket|true] FROM victim; DELETE FROM victim WHERE a = ANY (ARRAY[1|
an open comment|true /*|unterminated
an open quote|true OR 'a|
a data-modifying query|EXISTS (WITH d AS (DELETE FROM victim RETURNING 1) SELECT * FROM d)|
a parameter|chunk_index = $1|
an aggregate|count(*) > 1|aggregate functions are not allowed
a function that writes|writes(chunk_index)|writes\(integer\) is volatile
one of the server's own|nextval('s') > 0 OR set_config('a.b', 'c', false) = ''|
a setting|set_config('search_path', '', false) = ''|set_config\(text,text,boolean\) is volatile
chance|random() < 0.5|random\(\) is volatile
a volatile function in a subquery|EXISTS (SELECT 1 FROM held WHERE pg_sleep(0) IS NULL)|pg_sleep\(double precision\) is volatile
a sample|chunk_index IN (SELECT 1 FROM held TABLESAMPLE system (50))|is volatile
END
is "no row was lost by them" "$(e2e_digest) $(sql "SELECT count(*) FROM victim")" "$ALL 1"
archive '{ where: "lies(chunk_index)" }'
exits "a function that lies about what it does" 78 "$FIRN" pass
like "is stopped by the read-only transaction" "$ERR" 'read-only transaction'
archive '{ where: "1 / (chunk_index - 1) < 0" }'
exits "a condition that fails on a row" 65 "$FIRN" pass
like "says at what" "$ERR" 'division by zero'
is "and neither moved or removed anything" "$(e2e_digest) $(sql "SELECT count(*) FROM victim")" "$ALL 1"
is "nothing is left behind" "$(sql "SELECT count(*) FROM pg_class WHERE relname LIKE 'firn_where%'")" 0
done_testing
