# A pass that others share the server with: it holds rates, waits for standbys, ends when it is asked to, and says why.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

at_exit "$FIRN_SRC/tools/pg" down "$T/pg"
FIRN_PG_FSYNC=off "$FIRN_SRC/tools/pg" up "$T/pg" >"$T/uri" || exit 1
DB=$(cat "$T/uri")
sql "CREATE EXTENSION vector"
e2e_tables 2 100
ROWS=$(hot_rows)
ALL=$(e2e_digest)
e2e_env "$(e2e_file_archive)"
limits() { printf '%s\n' 'rules:' '  - name: superseded' '    match: { superseded: { grace: 0s } }' '    archive: {}' "limits: { min_residency: 0s, jobs: 1, $1 }" >"$T/policy.yaml"; }
back() { "$FIRN" rehydrate --where-cold all >/dev/null && [ "$(e2e_digest)" = "$ALL" ]; }
in_background() { # ARGS...: its pid in PID, output in $T/out and $T/err
	: >"$T/err" # now: the background does it in its own time
	"$FIRN" "$@" >"$T/out" 2>"$T/err" &
	PID=$!
}
ended() { # STATUS NAME
	wait "$PID"
	is "$2" $? "$1"
}
exits "init" 0 "$FIRN" init

# ---- rates ----
limits "rows_per_second: 200"
BEFORE=$(sql "SELECT extract(epoch FROM clock_timestamp())")
exits "rows a second" 0 "$FIRN" pass --no-maintain --format json
# 600 rows: 200 at once, 64 ahead of their time, the others take 1.6 s at least.
is "are held" "$(json '{rows_moved}') $(sql "SELECT extract(epoch FROM clock_timestamp()) - $BEFORE > 1.6")" "600 t"
ok "and all comes back" back
BEFORE=$(sql "SELECT extract(epoch FROM clock_timestamp())")
exits "rows a second, in segments of few rows" 0 "$FIRN" pass --no-maintain --segment-size 1KiB --format json
ok "of which there are many" [ "$(json '{segments}')" -gt 20 ]
is "are held, too" "$(sql "SELECT extract(epoch FROM clock_timestamp()) - $BEFORE > 1.6")" t
ok "and all comes back again" back
limits "bytes_per_second: 60kB"
BYTES=$(sql "SELECT raw_bytes FROM firn.pass ORDER BY id DESC LIMIT 1")
BEFORE=$(sql "SELECT extract(epoch FROM clock_timestamp())")
exits "bytes a second" 0 "$FIRN" pass --no-maintain
is "are held" "$(sql "SELECT extract(epoch FROM clock_timestamp()) - $BEFORE > ($BYTES - 60000 - 64 * $BYTES / 600) / 60000.0")" t
ok "and all of it comes back" back

# ---- signals, and the run time, while it waits for its rate ----
limits "rows_per_second: 1"
moving() { [ "$(sql "SELECT count(*) FROM firn.segment WHERE state = 'intent'")" = 1 ]; }
in_background pass --no-maintain
ok "a pass that would take ten minutes" poll_until 20 moving
kill -TERM "$PID"
ended 75 "is ended by SIGTERM"
like "says so" "$(cat "$T/err")" "a signal asked to stop"
MOVED=$(cold_rows)
ok "after the segment at hand" [ "$MOVED" -gt 0 -a "$MOVED" -lt 600 ]
is "of which nothing is left undone" "$(sql "SELECT count(*) FROM firn.segment WHERE state = 'intent'")" 0
e2e_check_accounted "$ROWS" "then"
exits "a pass of two seconds" 0 "$FIRN" pass --no-maintain --max-runtime 2s --format json
is "ends by itself" "$(json '{stop_reason}')" "the run time was used up"
ok "and has moved something" [ "$(cold_rows)" -gt "$MOVED" ]
ok "it comes back" back

# ---- window and timeouts ----
limits 'window: "00:00-24:00 UTC"'
FIRN_FAULT="move.before_commit=exec:psql -X -q -A -t -d $DB -c \"SELECT 1\"" exits "inside a window" 0 "$FIRN" pass --no-maintain -v
ok "all comes back then" back
limits 'statement_timeout: 1ms'
exits "a timeout that no statement can keep" 75 "$FIRN" pass --no-maintain
like "is named" "$ERR" "statement timeout"
e2e_check_accounted "$ROWS" "after it"

# ---- rows that others have locked ----
limits 'lock_timeout: 20ms'
(psql -X -q -d "$DB" -c "BEGIN; SELECT count(*) FROM (SELECT 1 FROM document_chunk FOR UPDATE) q; SELECT pg_advisory_lock(77), pg_sleep(600)" >/dev/null 2>&1) &
locked() { [ "$(sql "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND granted")" = 1 ]; }
ok "another session locks all rows" poll_until 20 locked
exits "a pass" 0 "$FIRN" pass --no-maintain --segment-size 4KiB --format json
like "slows down, and says why" "$ERR" "the pass slows down: other sessions have rows of the table locked"
is "and ends with the reason" "$(json '{stop_reason}') $(json '{rows_moved}')" "other sessions keep rows of the table locked 0"
sql "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 77" >/dev/null
free() { ! locked; }
poll_until 20 free
is "nothing moved" "$(hot_rows) $(e2e_digest)" "$ROWS $ALL"

# ---- a standby ----
bindir=$(pg_config --bindir 2>/dev/null || ls -d /usr/lib/postgresql/*/bin | tail -1)
data=$(sql "SHOW data_directory")
port=$(sql "SHOW port")
sockets=$(sql "SHOW unix_socket_directories")
owner=$(stat -c %U "$data")
as_owner() { if [ "$(id -u)" = 0 ]; then setpriv --reuid "$owner" --regid "$(id -g "$owner")" --init-groups "$@"; else "$@"; fi; }
install -d -m 700 -o "$owner" "$T/standby"
sql "SELECT pg_reload_conf()" >/dev/null
ok "a standby" as_owner "$bindir/pg_basebackup" -h "${sockets%%,*}" -p "$port" -U "$(sql "SELECT current_user")" -D "$T/standby" -R -X stream --checkpoint=fast
stop_standby() { as_owner "$bindir/pg_ctl" -D "$T/standby" -m immediate stop; }
at_exit stop_standby
install -d -m 755 -o "$owner" "$T/standby-socket"
ok "starts" as_owner "$bindir/pg_ctl" -D "$T/standby" -w -l "$T/standby/log" -o "-c listen_addresses='' -c unix_socket_directories=$T/standby-socket -c port=$port -c hot_standby=on" start
on_standby() { psql -X -q -A -t -h "$T/standby-socket" -p "$port" -d "$(sql "SELECT current_database()")" -U "$(sql "SELECT current_user")" -c "$1"; }
streams() { [ "$(sql "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn = pg_current_wal_lsn()")" = 1 ]; }
ok "and streams" poll_until 30 streams
limits "max_replica_lag: 64kB"
exits "while it follows a pass" 0 "$FIRN" pass --no-maintain --max-rows 10 --format json
is "moves" "$(json '{rows_moved}')" 10
on_standby "SELECT pg_wal_replay_pause()" >/dev/null
paused() { [ "$(on_standby "SELECT pg_get_wal_replay_pause_state()")" = paused ]; }
poll_until 20 paused
sql "CREATE TABLE wal AS SELECT repeat('x', 100) FROM generate_series(1, 5000)"
behind() { [ "$(sql "SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)) > 65536 FROM pg_stat_replication")" = t ]; }
ok "it falls behind" poll_until 20 behind
in_background pass --no-maintain --max-rows 10 --format json
ok "a pass then pauses, and says why" poll_until 20 grep -q "the pass pauses: a standby is .* behind" "$T/err"
is "and moves nothing" "$(cold_rows)" 10
on_standby "SELECT pg_wal_replay_resume()" >/dev/null
ended 0 "it goes on when the standby is there"
is "and moves" "$(cold_rows)" 20
on_standby "SELECT pg_wal_replay_pause()" >/dev/null
poll_until 20 paused
sql "INSERT INTO wal SELECT repeat('x', 100) FROM generate_series(1, 5000)"
poll_until 20 behind
printf 'maintain: { pause_at_most: 1s }\n' >"$T/firn.yaml"
exits "a standby that does not come" 0 "$FIRN" pass --config "$T/firn.yaml" --no-maintain --format json
is "ends the pass" "$(json '{rows_moved}') $(json '{stopped_early}')" "0 true"
like "with the reason" "$(json '{stop_reason}')" "^a standby is .* behind$"
in_background pass --no-maintain
ok "a pass that waits for it" poll_until 20 grep -q "the pass pauses" "$T/err"
kill -TERM "$PID"
ended 75 "is ended by SIGTERM, too"
e2e_check_accounted "$ROWS" "at the end"
done_testing
