# Where not all may move that is due, workspaces take turns: a giant does not keep the small ones waiting.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 4 0
sql "INSERT INTO document SELECT md5(w || '-' || d)::uuid, w, 'title' FROM
		(SELECT 'giant' AS w, 3600 AS n UNION ALL SELECT 'small ' || i, 10 FROM generate_series(1, 40) i) q, generate_series(1, n) d;
	INSERT INTO document_chunk SELECT id, id, workspace_id, 0, repeat(id::text, 20),
		(SELECT array_agg(sin(x + length(id::text)))::vector FROM generate_series(1, 16) x), 'v1',
		timestamptz '2026-01-01' + (row_number() OVER (ORDER BY id)) * interval '1 minute' FROM document;
	ANALYZE"
ROWS=$(hot_rows)
ALL=$(e2e_digest)
e2e_env "$(e2e_file_archive)"
policy() { printf '%s\n' 'rules:' '  - name: old' '    match: { age_over: 1d }' '    archive: {}' "limits: { min_residency: 0s $1 }" >"$T/policy.yaml"; }
moved() { sql "SELECT string_agg(DISTINCT n::text, ',') FROM (SELECT a.w, a.n - count(c.id) AS n FROM all_rows a LEFT JOIN document_chunk c
	ON c.workspace_id = a.w WHERE a.w LIKE '$1' GROUP BY a.w, a.n) q"; }
sql "CREATE TABLE all_rows AS SELECT workspace_id AS w, count(*) AS n FROM document_chunk GROUP BY 1"
back() { "$FIRN" rehydrate --where-cold all >/dev/null && [ "$(e2e_digest)" = "$ALL" ] && sql "DELETE FROM firn.residency"; }
exits "init" 0 "$FIRN" init

policy ""
exits "a pass that may move a fifteenth" 0 "$FIRN" pass --max-rows 246 --no-maintain --format json
is "stops for that" "$(json '{stopped_early}') $(json '{stop_reason}')" "true the limit of rows a pass was reached"
is "to the row" "$(json '{rows_moved}') $(cold_rows)" "246 246"
is "and each workspace has its turn" "$(moved 'small%') $(moved giant)" "6 6"
coldest() { sql "SELECT count(*) FROM (SELECT workspace_id, max(created_at) AS cold FROM was WHERE id NOT IN (SELECT id FROM document_chunk) GROUP BY 1) g
	JOIN document_chunk c ON c.workspace_id = g.workspace_id AND c.created_at < g.cold"; }
ok "it comes back" back
sql "CREATE TABLE was AS SELECT id, workspace_id, created_at FROM document_chunk"
exits "again" 0 "$FIRN" pass --max-rows 246 --no-maintain
is "each begins with its coldest rows" "$(coldest)" 0
exits "further passes" 0 "$FIRN" pass --max-rows 246 --no-maintain
is "finish the small ones" "$(moved 'small%') $(moved giant)" "10 92"
for _ in 1 2 3; do exits "and then move the giant" 0 "$FIRN" pass --max-rows 1200 --no-maintain --format json; done
is "up to the last row" "$(hot_rows) $(json '{stopped_early}')" "0 false"
ok "all comes back" back
for i in 1 2 3 4; do exits "a pass that may move one row" 0 "$FIRN" pass --max-rows 1 --no-maintain; done
is "gives each turn to another workspace" "$(sql "SELECT count(DISTINCT workspace_id) FROM was WHERE id NOT IN (SELECT id FROM document_chunk)")" 4
ok "these come back" back

policy ", max_bytes_per_pass: 250kB"
exits "a limit of bytes" 0 "$FIRN" pass --no-maintain --format json
is "stops for that" "$(json '{stop_reason}')" "the limit of bytes a pass was reached"
ok "is passed by less than a row" [ "$(json '{raw_bytes}')" -ge 240000 -a "$(json '{raw_bytes}')" -lt 252000 ]
is "and shared" "$(sql "SELECT max(n) - min(n) <= 1 FROM (SELECT a.w, a.n - count(c.id) AS n FROM all_rows a LEFT JOIN document_chunk c
	ON c.workspace_id = a.w GROUP BY a.w, a.n) q")" t
ok "it comes back too" back

# Only time is short: nobody knows how far a pass gets, so it goes in rounds.
policy ', window: "00:00-24:00 UTC"'
exits "a pass with a window" 0 "$FIRN" pass --segment-size 8KiB --no-maintain --format json
is "moves all" "$(json '{rows_moved}') $(json '{stopped_early}')" "$ROWS false"
LAST=$(sql "SELECT max(s.id) FROM firn.segment s JOIN firn.segment_workspace g ON g.segment_id = s.id WHERE s.state = 'active' AND g.workspace LIKE 'small%'")
ok "small ones before the giant is half through" [ "$(sql "SELECT sum(g.rows_total) FROM firn.segment s JOIN firn.segment_workspace g ON g.segment_id = s.id
	WHERE s.state = 'active' AND g.workspace = 'giant' AND s.id <= $LAST")" -lt 1800 ]
ok "all of it comes back" back
FIRN_FAULT=move.before_commit=error exits "one that fails" 70 "$FIRN" pass --max-runtime 1h --no-maintain
e2e_check_accounted "$ROWS" "after it"
# Rows that are in use stay, and are not tried for ever.
policy ", lock_timeout: 50ms, max_bytes_per_pass: 10GB"
(psql -X -q -d "$DB" -c "BEGIN; SELECT count(*) FROM (SELECT 1 FROM document_chunk FOR UPDATE) q; SELECT pg_advisory_lock(77), pg_sleep(600)" >/dev/null 2>&1) &
poll_until 20 eval '[ "$(sql "SELECT count(*) FROM pg_locks WHERE locktype = '"'advisory'"' AND objid = 77 AND granted")" = 1 ]'
HOT=$(hot_rows)
exits "a pass over rows that are all locked" 0 "$FIRN" pass --max-runtime 1h --no-maintain --format json
is "ends" "$(json '{rows_moved}') $(hot_rows)" "0 $HOT"
sql "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 77" >/dev/null
done_testing
