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
done_testing
