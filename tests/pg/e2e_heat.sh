# Reads become heat: rules that ask for reads move exactly what a plain query over the same reads names, hold back while
# reads may be missing, and never move what was read meanwhile.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

at_exit "$FIRN_SRC/tools/pg" down "$T/pg"
FIRN_PG_FSYNC=off "$FIRN_SRC/tools/pg" up "$T/pg" >"$T/uri" || exit 1
DB=$(cat "$T/uri")
sql "CREATE EXTENSION vector"
e2e_tables 2 30
e2e_env "$(e2e_file_archive)"
ROWS=$(hot_rows)
ALL=$(e2e_digest)
policy() { # MATCH
	printf '%s\n' 'rules:' '  - name: cold' "    match: { $1 }" '    archive: {}' 'limits: { min_residency: 0s }' >"$T/policy.yaml"
}
known_since() { sql "UPDATE firn.heat_state SET known_since = now() - interval '$1', reach_s = 0"; }
hot_ids() { sql "SELECT id FROM document_chunk ORDER BY id"; }
back() { "$FIRN" rehydrate --where-cold all >/dev/null && [ "$(e2e_digest)" = "$ALL" ]; }

# ---- firn.touch ----
exits "init" 0 "$FIRN" init
sql "CREATE ROLE reader; GRANT USAGE ON SCHEMA firn TO reader"
logged() { sql "SELECT string_agg(workspace || ':' || array_to_string(ids, ','), ' ' ORDER BY ctid) FROM firn.touch_log WHERE managed <> 0"; }
ID=$(sql "SELECT id FROM document_chunk ORDER BY id LIMIT 1")
policy "idle_for: 60d"
exits "before anything was touched" 0 "$FIRN" plan --format json
is "idle_for goes by when rows were made" "$(json '{total_rows}') $(json '{held_back}')" "$ROWS []"
policy "heat_below: 0.5"
exits "and heat_below" 0 "$FIRN" plan --format json
is "matches nothing" "$(json '{total_rows}') $(json '{held_back,0,rule}') $(json '{held_back,0,until}')" "0 cold "
like "and says so" "$ERR" 'no read of it was ever recorded'
as_reader() { sql "SET ROLE reader; $1"; }
ok "an array of uuid" as_reader "SELECT firn.touch('document_chunk', ARRAY['$ID']::uuid[])"
ok "of bigint" as_reader "SELECT firn.touch('document_chunk', ARRAY[1, -7]::bigint[])"
ok "of text, with a workspace" as_reader "SELECT firn.touch('document_chunk', ARRAY['a,b', 'c\"d'], 'w1')"
ok "without a type" as_reader "SELECT firn.touch('document_chunk', '{x,y}')"
ok "parameters without types" as_reader "PREPARE p AS SELECT firn.touch(\$1, \$2, \$3); EXECUTE p('document_chunk_p0', '{z}', NULL)"
ok "no ids" as_reader "SELECT firn.touch('document_chunk', '{}'::uuid[]); SELECT firn.touch('document_chunk', NULL::uuid[])"
is "are all in the log" "$(logged)" ":$ID :1,-7 w1:a,b,c\"d :x,y :z"
not_ok "the log is nobody else's to read" as_reader "SELECT * FROM firn.touch_log"
not_ok "a table that is not there is an error" as_reader "SELECT firn.touch('nonesuch', ARRAY[1])"
# A cast of the caller's own would run with the rights of the function's owner.
sql "CREATE SCHEMA mine AUTHORIZATION reader"
as_reader "CREATE TYPE mine.t AS (a int);
	CREATE FUNCTION mine.f(mine.t) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN current_user; END';
	CREATE FUNCTION mine.g(mine.t[]) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN array[current_user]; END';
	CREATE CAST (mine.t AS text) WITH FUNCTION mine.f(mine.t);
	CREATE CAST (mine.t[] AS text) WITH FUNCTION mine.g(mine.t[]);
	SELECT firn.touch('document_chunk', ARRAY[ROW(1)::mine.t])" >/dev/null
is "a caller's cast is not called" "$(sql "SELECT ids[1] FROM firn.touch_log ORDER BY ctid DESC LIMIT 1")" "(1)"
exits "a pass" 0 "$FIRN" pass --format json
is "with garbage among the ids, holds back" "$(json '{rows_moved}') $(json '{held_back,0,rule}')" "0 cold"
is "and folds the log" "$(sql "SELECT count(*) FROM firn.touch_log WHERE managed <> 0")" 0

# ---- firn touch ----
touch_log() { sql "SELECT coalesce(string_agg(workspace || ':' || array_to_string(ids, ',') || '@' ||
	to_char(read_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), ' ' ORDER BY ctid), '') FROM firn.touch_log WHERE managed <> 0"; }
given() { # NAME STATUS TEXT ARGS...
	local name=$1 status=$2
	printf "$3" >"$T/given"
	shift 3
	exits "$name" "$status" bash -c 'exec "$FIRN" touch "$@" <"$0"' "$T/given" "$@"
}
export FIRN
given "ids, one a line" 0 'a\n\nb\r\nb' --format json
is "are recorded" "$(json '{touched}') $(sql "SELECT ids FROM firn.touch_log WHERE managed = 'document_chunk'::regclass")" "3 {a,b,b}"
sql "DELETE FROM firn.touch_log WHERE managed <> 0"
given "CSV" 0 'read_at,id,workspace\n2026-03-01T12:00:00Z,a,w1\n2026-03-01T14:00:00+02:00,"b,""c""",w1\n2026-03-02,"two\nlines",\n' --format json
is "is recorded" "$(touch_log)" "w1:a,b,\"c\"@2026-03-01 12:00:00 :two
lines@2026-03-02 00:00:00"
sql "DELETE FROM firn.touch_log WHERE managed <> 0"
while IFS='|' read -r name text wanted; do
	given "$name" 65 "$text"
	like "$name: the line is named" "$ERR" "error: $wanted"
done <<'END'
a time that is none|id,read_at\na,2026-03-01\nb,yesterday\n|line 3: "yesterday" is not a time
a day that is none|id,read_at\na,2026-02-30\n|line 2: "2026-02-30" is not a time
too many fields|id\na\nb,c\n|line 3: 2 fields, the header has 1
no id|id,workspace\na,\n,w1\n|line 3: it has no id
a column that is not known|id,tenant\na,b\n|line 1: the column "tenant" is not one of id, workspace and read_at
a column twice|id,id\na,b\n|line 1: the column "id" is not one of
a header without ids|workspace,read_at\na,2026-03-01\n|line 1: the header has no column id
a comma without a header|a,b\n|line 1: a comma, but no header
an open quote|id\n"a\nb\n|line 2: a quote is never closed
bytes that are not UTF-8|a\nb\xff\n|line 2: it is not UTF-8
END
is "and nothing of it is recorded" "$(touch_log)" ""
given "a time of --complete-since that is none" 64 'a\n' --complete-since soon
given "one that is to come" 64 'a\n' --complete-since 2999-01-01
is "record nothing" "$(touch_log)" ""
given "no reads at all, which are complete" 0 '' --complete-since 2026-01-01 --format json
is "are known since then" "$(json '{touched}') $(json '{known_since}')" "0 2026-01-01T00:00:00Z"

# ---- exactly what a plain query names ----
sql "DELETE FROM firn.heat; CREATE TABLE reads AS
	SELECT c.id, CASE WHEN abs(hashtext(c.id::text || n)) % 3 > 0 THEN c.workspace_id ELSE '' END AS workspace,
		now() - interval '1 hour' - abs(hashtext(c.id::text || 'r' || n)) % 100 * interval '1 day' AS read_at
	FROM document_chunk c, generate_series(1, 4) n WHERE abs(hashtext(c.document_id::text)) % 3 < 2 AND abs(hashtext(c.id::text)) % 4 >= n"
sql "COPY (SELECT * FROM reads ORDER BY random()) TO STDOUT (FORMAT csv, HEADER)" >"$T/reads.csv"
READS=$(sql "SELECT count(*) FROM reads")
ok "there are reads" [ "$READS" -gt 100 ]
exits "firn touch takes them" 0 bash -c '"$FIRN" touch --complete-since 2025-01-01 --format json <"$0"' "$T/reads.csv"
is "all of them" "$(json '{touched}')" "$READS"
# moves NAME MATCH QUERY: QUERY names the ids that stay. Before and after folding, plan counts the same.
moves() {
	local stay
	policy "$2"
	stay=$(sql "$3")
	ok "$1: some stay, others do not" test "$(wc -l <<<"$stay")" -gt 5 -a "$(wc -l <<<"$stay")" -lt $((ROWS - 5))
	exits "$1: plan" 0 "$FIRN" plan --format json
	is "$1: is not held back" "$(json '{held_back}')" "[]"
	is "$1: counts what would go" "$(json '{total_rows}')" "$((ROWS - $(wc -l <<<"$stay")))"
	exits "$1: pass" 0 "$FIRN" pass --no-maintain --format json
	is "$1: exactly these stay" "$(hot_ids)" "$stay"
	is "$1: nothing changed meanwhile" "$(json '{rows_changed}')" 0
	exits "$1: plan again" 0 "$FIRN" plan --format json
	is "$1: nothing is left to go" "$(json '{total_rows}')" 0
	ok "$1: all of it comes back" back
	sql "DELETE FROM firn.residency"
}
moves "idle_for" "idle_for: 60d" "SELECT c.id FROM document_chunk c WHERE EXISTS (SELECT 1 FROM reads r
	WHERE r.id = c.id AND r.read_at > now() - interval '60 days') ORDER BY 1"
moves "idle_for of documents" "idle_for: 20d, of: document" "SELECT c.id FROM document_chunk c WHERE EXISTS (SELECT 1 FROM reads r
	JOIN document_chunk o USING (id) WHERE o.document_id = c.document_id AND r.read_at > now() - interval '20 days') ORDER BY 1"
moves "heat_below" "heat_below: 0.3" "SELECT c.id FROM document_chunk c WHERE (SELECT sum(2 ^ (-extract(epoch FROM now() - r.read_at) / 604800))
	FROM reads r WHERE r.id = c.id) >= 0.3 ORDER BY 1"
moves "heat_below of documents" "heat_below: 1.1, of: document" "SELECT c.id FROM document_chunk c WHERE (SELECT
	sum(2 ^ (-extract(epoch FROM now() - r.read_at) / 604800)) FROM reads r JOIN document_chunk o USING (id)
	WHERE o.document_id = c.document_id) >= 1.1 ORDER BY 1"
is "a read is counted once, wherever it lies" "$(sql "SELECT count(*) FROM firn.heat h FULL JOIN (SELECT id::text AS chunk, workspace,
		max(read_at) AS last, count(*) AS n FROM reads GROUP BY 1, 2) r USING (workspace, chunk)
	WHERE h.chunk IS NULL OR (r.chunk IS NULL AND h.chunk ~ '-') OR date_trunc('milliseconds', h.last_read) <> date_trunc('milliseconds', r.last)")" 0
# A half-life of its own, and ids that were written otherwise.
printf '%s\n' 'heat: { half_life: 1d }' >"$T/firn.yaml"
policy "heat_below: 0.3"
exits "a shorter half-life" 0 "$FIRN" -c "$T/firn.yaml" plan --format json
is "cools faster" "$(json '{total_rows}')" "$(sql "SELECT $ROWS - count(*) FROM (SELECT id FROM reads
	GROUP BY id HAVING sum(2 ^ (-extract(epoch FROM now() - read_at) / 86400)) >= 0.3) x")"
IDLE=$(sql "SELECT id FROM document_chunk c WHERE NOT EXISTS (SELECT 1 FROM reads r WHERE r.id = c.id) ORDER BY 1 LIMIT 1")
policy "idle_for: 1000000000s"
sql "UPDATE document_chunk SET created_at = '1980-01-01' WHERE id = '$IDLE'"
ALL=$(e2e_digest)
known_since "60 years"
exits "a chunk that nobody read" 0 "$FIRN" plan --format json
is "would go" "$(json '{total_rows}')" 1
sql "SELECT firn.touch('document_chunk', '{{$(tr a-f A-F <<<"$IDLE" | tr -d -)}}', 'w1'),
	firn.touch('document_chunk', ARRAY['{$(tr a-f A-F <<<"$IDLE")}'])" >/dev/null
exits "capitals, braces and no hyphens are the same id" 0 "$FIRN" plan --format json
is "it stays" "$(json '{total_rows}')" 0
done_testing
