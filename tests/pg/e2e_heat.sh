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
	printf %b "$3" >"$T/given"
	shift 3
	exits "$name" "$status" bash -c 'exec "$FIRN" touch "$@" <"$0"' "$T/given" --table "$GIVEN_TABLE" "$@"
}
export FIRN
sql "CREATE TABLE page (id text PRIMARY KEY, workspace_id text NOT NULL, embedding vector(2));
	CREATE TABLE numbered (id int8 PRIMARY KEY, workspace_id text NOT NULL, embedding vector(2))"
exits "tables with ids of other types are managed" 0 "$FIRN" init --table public.page --table public.numbered
GIVEN_TABLE=public.page
given "ids, one a line" 0 'a\n\nb\r\nb' --format json
is "are recorded" "$(json '{touched}') $(sql "SELECT ids FROM firn.touch_log WHERE managed = 'page'::regclass")" "3 {a,b,b}"
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
GIVEN_TABLE=public.numbered
given "an id that is no number" 65 '12\n-7\nabc\n'
like "is named with its line" "$ERR" 'error: line 3: "abc" is not a value of column "id" \(bigint\)$'
given "one that no bigint holds" 65 'id\n9223372036854775808\n'
like "is named, too" "$ERR" 'error: line 2: "9223372036854775808" is not a value'
GIVEN_TABLE=public.document_chunk
given "an id that is no UUID" 65 'b0b1f9f2-2c43-4b6b-9a0e-3b7f4c8a1f10\nb0b1f9f2\n'
like "is named by its column's type" "$ERR" 'error: line 2: "b0b1f9f2" is not a value of column "id" \(uuid\)$'
is "nothing of these is recorded" "$(touch_log)" ""
given "a UUID as it may be written" 0 '{B0B1F9F2-2c43-4b6b-9a0e-3b7f4c8a1f10}\n'
sql "DELETE FROM firn.touch_log WHERE managed <> 0"
given "no reads at all, which are complete" 0 '' --complete-since 2026-01-01 --format json
is "are known since then" "$(json '{touched}') $(json '{known_since}')" "0 2026-01-01T00:00:00Z"

# ---- exactly what a plain query names ----
# The nearest heat is a hundredth from what it is compared with: hours of cooling.
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
moves "heat_below of documents" "heat_below: 1.2, of: document" "SELECT c.id FROM document_chunk c WHERE (SELECT
	sum(2 ^ (-extract(epoch FROM now() - r.read_at) / 604800)) FROM reads r JOIN document_chunk o USING (id)
	WHERE o.document_id = c.document_id) >= 1.2 ORDER BY 1"
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

# ---- what is read while a pass is at work ----
sql "DELETE FROM firn.heat"
exits "a pass that folds" 0 "$FIRN" pass --policy "$FIRN_SRC/policies/superseded.yaml" --no-maintain -q
ok "and what it moved comes back" back
sql "DELETE FROM firn.heat; DELETE FROM firn.touch_log WHERE managed <> 0; DELETE FROM firn.residency"
known_since "60 years"
# In the leaf that is moved first: what is touched before a leaf is read is no candidate.
READ=$(sql "SELECT id FROM document_chunk_p0 ORDER BY id LIMIT 1")
READ_WS=$(sql "SELECT workspace_id FROM document_chunk WHERE id = '$READ'")
# meanwhile NAME SQL WANTED: SQL runs after the rows were read, and before they are deleted
meanwhile() {
	printf 'psql -X -q -d "%s" -c "%s"\n' "$DB" "$2" >"$T/meanwhile"
	FIRN_FAULT="move.after_verify=${4-each}:sh $T/meanwhile >$T/meanwhile.out" exits "$1" 0 "$FIRN" pass --no-maintain --jobs 1 --format json
	is "$1: stays" "$(hot_ids)" "$(sql "$3")"
	is "$1: is counted" "$(json '{rows_changed}')" "$(sql "SELECT count(*) FROM ($3) x")"
	ok "$1: what went comes back" back
	sql "DELETE FROM firn.heat; DELETE FROM firn.touch_log WHERE managed <> 0; DELETE FROM firn.residency"
}
policy "idle_for: 60d"
meanwhile "a chunk that is touched" "SELECT firn.touch('document_chunk', ARRAY['$READ', 'garbage']::text[])" "SELECT '$READ'::uuid"
meanwhile "with its workspace" "SELECT firn.touch('document_chunk', ARRAY['$READ'], '$READ_WS')" "SELECT '$READ'::uuid"
policy "heat_below: 0.5"
meanwhile "by a rule for heat" "SELECT firn.touch('document_chunk', ARRAY['$READ'])" "SELECT '$READ'::uuid"
policy "idle_for: 60d, of: document"
meanwhile "its document" "SELECT firn.touch('document_chunk', ARRAY['$READ'])" \
	"SELECT id FROM document_chunk WHERE document_id = (SELECT document_id FROM document_chunk WHERE id = '$READ') ORDER BY 1"
policy "idle_for: 60d"
known_since "60 years"
meanwhile "everything, when the log is lost" "TRUNCATE firn.touch_log" "SELECT id FROM document_chunk ORDER BY 1" exec
like "the next pass" "$("$FIRN" pass --format json 2>&1)" 'the log of reads was lost'

# ---- a log that was lost ----
held_back() { # NAME
	exits "$1: plan, which looks only" 0 "$FIRN" plan --format json
	is "$1: holds the rule back" "$(json '{total_rows}') $(json '{held_back,0,rule}') $(json '{held_back,0,table}')" \
		"0 cold public.document_chunk"
	like "$1: and says until when" "$(json '{held_back,0,until}')" '^20..-..-..T..:..:..Z$'
	exits "$1: a pass" 0 "$FIRN" pass --format json
	is "$1: moves nothing" "$(json '{rows_moved}') $(json '{held_back,0,rule}')" "0 cold"
	like "$1: warns, and names the time" "$ERR" 'log of reads was lost.*between 20[0-9TZ:-]* and 20[0-9TZ:-]* is not known'
	like "$1: a notice says until when" "$ERR" 'rule "cold" of table "public.document_chunk" is held back until 20'
	exits "$1: the next pass" 0 "$FIRN" pass --format json
	is "$1: still holds back" "$(json '{rows_moved}') $(json '{held_back,0,rule}')" "0 cold"
	unlike "$1: without the warning" "$ERR" 'log of reads was lost'
	exits "$1: --complete-since" 0 bash -c 'echo "$0" | "$FIRN" touch --complete-since 2020-01-01' "$READ"
	exits "$1: plan again" 0 "$FIRN" plan --format json
	is "$1: all but that one would go" "$(json '{total_rows}') $(json '{held_back}')" "$((ROWS - 1)) []"
}
exits "reads that were lost are supplied" 0 bash -c 'echo "$0" | "$FIRN" touch --complete-since 2020-01-01' "$READ"
"$FIRN_SRC/tools/pg" restart "$T/pg"
exits "after a clean restart of Postgres" 0 "$FIRN" plan --format json
is "nothing is held back" "$(json '{total_rows}') $(json '{held_back}')" "$((ROWS - 1)) []"
"$FIRN_SRC/tools/pg" kill9 "$T/pg"
"$FIRN_SRC/tools/pg" restart "$T/pg"
held_back "after a crash of Postgres"
sql "TRUNCATE firn.touch_log"
held_back "after TRUNCATE"
sql "DELETE FROM firn.touch_log"
held_back "after DELETE"
# pg_dump writes the log's rows, too: what tells a restored one is that it is another table.
sql "CREATE UNLOGGED TABLE firn.new_log (LIKE firn.touch_log INCLUDING ALL); INSERT INTO firn.new_log SELECT * FROM firn.touch_log;
	DROP TABLE firn.touch_log; ALTER TABLE firn.new_log RENAME TO touch_log"
held_back "in a restored copy"
sql "DELETE FROM firn.heat_state; DELETE FROM firn.heat; TRUNCATE firn.touch_log"
held_back "before any pass had folded"
other_rule() { printf '%s\n' 'rules:' '  - name: cold' '    match: { heat_below: 1 }' '    archive: {}' \
	'  - name: old' '    match: { age_over: 30d, workspace: w4 }' '    archive: {}' 'limits: { min_residency: 0s }' >"$T/policy.yaml"; }
other_rule
known_since "6 days"
exits "while one rule is held back" 0 "$FIRN" plan --format json
is "later ones match" "$(json '{groups,0,rule}') $(json '{total_rows}') $(json '{held_back,0,rule}')" "old 60 cold"

# ---- what is no chunk's ----
policy "idle_for: 60d"
sql "CREATE TABLE unmanaged (id int);
	SELECT firn.touch('unmanaged', ARRAY[1, 2]), firn.touch('document', ARRAY[3]);
	UPDATE firn.touch_log SET read_at = read_at - interval '2 days' WHERE managed = 'unmanaged'::regclass;
	SELECT firn.touch('document_chunk', ARRAY[repeat('x', 100000), NULL, '', '9999999999999999999999', E'\\\\']);
	SELECT firn.touch('document_chunk', ARRAY['$READ'], repeat('w', 5000))" >/dev/null
exits "a pass over reads of other tables and of nothing" 0 "$FIRN" pass --format json
like "removes the old ones and names the table" "$ERR" 'removed 2 reads that were recorded for "public.unmanaged"'
is "and leaves the young" "$(sql "SELECT count(*) FROM firn.touch_log WHERE managed = 'document'::regclass")" 1
ok "what went comes back" back
sql "DELETE FROM firn.touch_log WHERE managed <> 0; DELETE FROM firn.residency; DELETE FROM firn.heat"

# ---- what is forgotten ----
known_since "300 days"
sql "UPDATE firn.heat_state SET pruned_at = NULL;
	INSERT INTO firn.heat SELECT m.id, '', x.chunk, x.heat, now() - x.age FROM firn.managed_table m, (VALUES
		('old', 1, interval '70 days'), ('old but hot', 1e6, interval '70 days'), ('young', 1, interval '50 days')) x (chunk, heat, age)
	WHERE m.label = 'public.document_chunk'"
exits "a pass forgets" 0 "$FIRN" pass --policy "$T/policy.yaml" --max-rows 1
is "what is older than any rule looks back, and cold" "$(sql "SELECT string_agg(chunk, ',' ORDER BY chunk) FROM firn.heat")" "old but hot,young"
policy "idle_for: 90d"
exits "a rule that looks back further" 0 "$FIRN" plan --format json
is "is held back" "$(json '{total_rows}') $(json '{held_back,0,rule}')" "0 cold"
policy "idle_for: 61d"
sql "UPDATE firn.heat_state SET pruned_at = NULL"
exits "a pass by one that looks back as far as is known" 0 "$FIRN" pass --max-rows 1
is "is not" "$(json_of "$("$FIRN" plan --format json)" '{held_back}')" "[]"
policy "idle_for: 10d"
sql "UPDATE firn.heat_state SET pruned_at = NULL"
exits "and one that looks back less" 0 "$FIRN" pass --max-rows 1
policy "idle_for: 61d"
is "forgets nothing that the other needs" "$(json_of "$("$FIRN" plan --format json)" '{held_back}')" "[]"
ok "what went comes back again" back

# ---- other tables ----
sql "CREATE TABLE note (tenant text, id bigint PRIMARY KEY, embedding vector(3), created_at timestamptz DEFAULT '2025-01-01');
	INSERT INTO note SELECT 't' || n % 3, n, '[1,2,3]' FROM generate_series(1, 100) n;
	CREATE TABLE pair (workspace_id text, a text, b int, embedding vector(3), created_at timestamptz DEFAULT '2025-01-01',
		PRIMARY KEY (a, b));
	INSERT INTO pair SELECT 'w', 'a' || n, n, '[1,2,3]' FROM generate_series(1, 20) n"
printf '%s\n' 'tables:' '  - table: public.note' '    columns: { id: id, workspace: tenant }' \
	'  - table: public.pair' '    columns: { id: [a, b] }' >"$T/tables.yaml"
unset FIRN_TABLE
export FIRN_CONFIG=$T/tables.yaml
policy "idle_for: 60d"
exits "init of two tables" 0 "$FIRN" init
exits "touch of both" 64 bash -c 'echo 1 | "$FIRN" touch'
exits "of one, a workspace named for one id" 0 bash -c 'printf "id,workspace\n7,t1\n+008,\n9,t1\n" | "$FIRN" touch --table public.note --complete-since 2020-01-01'
exits "of the other, whose ids are of two columns" 0 bash -c 'printf "id\n\"a3,3\"\n" | "$FIRN" touch --table public.pair --complete-since 2020-01-01'
FIRN_FAULT="move.after_verify=each:psql -X -q -d '$DB' -o /dev/null -c \"SELECT firn.touch('note', ARRAY[10], 't1'), firn.touch('note', ARRAY[11],
	't1'), firn.touch('pair', ARRAY['a5,5'])\"" exits "a pass over both, and reads meanwhile" 0 "$FIRN" pass --no-maintain --format json
is "what was read of one stays" "$(sql "SELECT string_agg(id::text, ',' ORDER BY id) FROM note")" "7,8,10"
is "and of the other" "$(sql "SELECT string_agg(a, ',' ORDER BY b) FROM pair")" "a3,a5"
like "a condition that needs a document column" "$(printf 'rules:\n  - name: d\n    match: { idle_for: 1d, of: document }\n    archive: {}\n' \
	>"$T/doc.yaml"; "$FIRN" plan --policy "$T/doc.yaml" 2>&1)" 'rule "d" speaks of "of: document", for which table "public.note" has no column'
done_testing
