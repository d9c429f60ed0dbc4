# A leaf in which nothing can be due is not read: until time makes a row due, or anything else that matters changes.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

at_exit "$FIRN_SRC/tools/pg" down "$T/pg"
FIRN_PG_FSYNC=off "$FIRN_SRC/tools/pg" up "$T/pg" >"$T/uri" || exit 1
DB=$(cat "$T/uri")
sql "CREATE EXTENSION vector"
e2e_tables 2 30
ROWS=$(hot_rows)
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
AGED=yes
policy() { printf '%s\n' 'rules:' "$@" 'limits: { min_residency: 0s, jobs: 1 }' >"$T/policy.yaml"; }
archive() { policy '  - name: cold' "    match: { $1 }" '    archive: {}'; }
scans() { sql "SELECT sum(pg_stat_get_numscans(oid)) FROM pg_class WHERE relname ~ '^document_chunk_p[01]$'"; }
pass() { # ARGS...: sets OUT; MOVED; READ, whether it read any leaf
	local before
	sql "SELECT pg_stat_force_next_flush()" >/dev/null 2>&1
	before=$(scans)
	[ -z "$AGED" ] || sql "UPDATE firn.leaf_quiet SET noted_at = noted_at - interval '5 minutes'"
	exits "$1" 0 "$FIRN" pass --no-maintain --format json -v "${@:2}"
	MOVED=$(json '{rows_moved}')
	QUIET=$(grep -c 'is not read: nothing can be due before' <<<"$ERR")
}
# Changes are counted when the session that made them has ended, or a second later.
counted() { # SQL
	local before
	before=$(sql "SELECT sum(pg_stat_get_tuples_inserted(oid) + pg_stat_get_tuples_updated(oid) + pg_stat_get_tuples_deleted(oid)) FROM pg_class WHERE relname ~ '^document_chunk_p[01]$'")
	sql "$1"
	more() { [ "$(sql "SELECT sum(pg_stat_get_tuples_inserted(oid) + pg_stat_get_tuples_updated(oid) + pg_stat_get_tuples_deleted(oid)) FROM pg_class WHERE relname ~ '^document_chunk_p[01]$'")" -gt "$before" ]; }
	poll_until 20 more
}

sql "UPDATE document_chunk SET created_at = now() - interval '10 days' + chunk_index * interval '1 hour'"
AGED=
archive "age_over: 30d"
pass "nothing is due, and what was written may not be counted yet"
pass "a pass that follows at once"
is "reads the leaves" "$MOVED $QUIET" "0 0"
AGED=yes
sql "TRUNCATE firn.leaf_quiet"
pass "nothing is due"
is "it reads the leaves" "$MOVED $QUIET" "0 0"
BEFORE=$(scans)
pass "the next pass"
is "does not read them" "$MOVED $QUIET $(($(scans) - BEFORE))" "0 2 0"
like "and says why" "$ERR" 'leaf "public.document_chunk_p0" is not read: nothing can be due before 20'
exits "plan" 0 "$FIRN" plan
is "it is looked at again after a day, though nothing can be due for longer" "$(sql "SELECT bool_and(until BETWEEN now() + interval '23 hours' AND now() + interval '24 hours') FROM firn.leaf_quiet")" t
pass "a pass with a limit" --max-rows 5
is "does not read them, either" "$MOVED $QUIET" "0 0"

# What is due by time is known exactly.
archive "age_over: 241h"
pass "another policy"
is "is looked at anew" "$MOVED $QUIET" "0 0"
is "until the first row is old enough" "$(sql "SELECT bool_and(q.until = c.first + interval '241 hours') FROM firn.leaf_quiet q JOIN
	(SELECT tableoid, min(created_at) AS first FROM document_chunk GROUP BY 1) c ON c.tableoid = q.leaf_oid")" t
counted "UPDATE document_chunk SET created_at = now() - interval '242 hours' WHERE workspace_id = 'w1' AND chunk_index = 0"
DUE=$(sql "SELECT count(*) FROM document_chunk WHERE workspace_id = 'w1' AND chunk_index = 0")
pass "a leaf that was written to"
is "is read, the other is not" "$MOVED $QUIET" "$DUE 1"
exits "it comes back" 0 "$FIRN" rehydrate --where-cold all
sql "DELETE FROM firn.residency"
pass "so is one into which rows came back"
is "they move" "$MOVED" "$DUE"
exits "they come back again" 0 "$FIRN" rehydrate --where-cold all
sql "DELETE FROM firn.residency"

# Active versions.
policy '  - name: old' '    match: { superseded: { grace: 0s } }' '    archive: {}'
sql "UPDATE workspace_index_state SET active_embedding_version = 'v1', updated_at = now()"
V2=$(sql "SELECT count(*) FROM document_chunk WHERE embedding_version = 'v2'")
pass "nothing but new versions"
is "all of v2 is superseded" "$MOVED" "$V2"
pass "then nothing is due"
pass "and the leaves are quiet"
is "both" "$MOVED $QUIET" "0 2"
exits "v2 comes back" 0 "$FIRN" rehydrate --where-cold all
sql "DELETE FROM firn.residency; UPDATE workspace_index_state SET active_embedding_version = 'v2' WHERE workspace_id <> 'w4'"
pass "after a flip"
is "v1 moves" "$MOVED" "$(sql "SELECT $ROWS - count(*) FROM document_chunk")"
isnt "which is something" "$MOVED" 0
exits "v1 comes back" 0 "$FIRN" rehydrate --where-cold all
sql "DELETE FROM firn.residency"

# Rows that a keep rule holds are no reason to look; what depends on more is always looked at.
policy '  - name: keep' '    match: { workspace: "*" }' '    keep: true' '  - name: cold' '    match: { age_over: 1d }' '    archive: {}'
pass "all is kept"
pass "and the pass after it"
is "reads nothing" "$MOVED $QUIET" "0 2"
for match in 'age_over: 30d, where: "chunk_index = 7"' 'age_over: 30d, heat_below: 0.0001' 'hot_bytes_over: 1TiB'; do
	archive "$match"
	pass "$match"
	pass "$match, again"
	is "$match: is read each time" "$MOVED $QUIET" "0 0"
done
sql "UPDATE firn.leaf_quiet SET until = now() - interval '1 second'"
archive "age_over: 241h"
pass "when its time is over"
is "a leaf is read" "$QUIET" 0
sql "SELECT pg_stat_reset()" >/dev/null
pass "when counts were reset"
is "too" "$QUIET" 0
e2e_check_accounted "$ROWS" "at the end"
# A plan of which nothing would move says whether anything ever will.
printf '%s\n' "rules: [{ name: later, match: { age_over: 3650d }, archive: {} }]" >"$T/later.yaml"
exits "a plan of what is not due yet" 0 "$FIRN" --policy "$T/later.yaml" plan
like "says how many wait, and until when" "$OUT" "^nothing would move yet: .* wait for time to pass, the first until 20[0-9]{2}-"
exits "for programs, too" 0 "$FIRN" --policy "$T/later.yaml" plan --format json
is "with all rows" "$(json '{waiting_rows}')" "$(hot_rows)"
printf '%s\n' "rules: [{ name: nobody, match: { workspace: nobody, age_over: 3650d }, archive: {} }]" >"$T/later.yaml"
exits "a plan of what will never be due" 0 "$FIRN" --policy "$T/later.yaml" plan
is "says so" "$OUT" "nothing would move"
done_testing
