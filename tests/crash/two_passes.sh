# Two passes at once: one works, the other exits 75. A pass that lost its lease cannot commit.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 2 30
ROWS=$(hot_rows)
ALL=$(e2e_digest)
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init

stopped() { grep -q '^State:.T' "/proc/$PASS/status"; }
start_and_stop_at() { # SITE; with one job, since another could be stopped in a transaction that the test waits for
	FIRN_FAULT=$1=stop "$FIRN" pass --jobs 1 --segment-size 8KiB --format json >"$T/first.json" 2>"$T/first.err" &
	PASS=$!
	ok "a pass stops at $1" poll_until 30 stopped
}
let_go() {
	STATUS=0
	kill -CONT "$PASS"
	wait "$PASS" || STATUS=$?
}

start_and_stop_at move.after_upload
exits "a second pass meanwhile exits 75" 75 "$FIRN" pass
like "and says who works on the table" "$ERR" "worked on by host .* pid $PASS"
exits "so does maintain" 75 "$FIRN" maintain --force
is "neither moved a row" "$(hot_rows)" "$ROWS"
exits "plan needs no lease" 0 "$FIRN" plan --format json
let_go
is "the first goes on and finishes" "$STATUS" 0
is "with all rows" "$(json_of "$(cat "$T/first.json")" '{rows_moved}')" 180
HOT=$(e2e_digest)
exits "everything comes back" 0 "$FIRN" rehydrate --where-cold all
is "as it was" "$(e2e_digest)" "$ALL"

# Its database sessions end while it sleeps: the lock is gone, another pass works, the late one must not commit.
for site in move.after_verify move.before_commit; do
	start_and_stop_at $site
	sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE application_name LIKE 'firn%' AND datname = current_database()" >/dev/null
	is "$site: without its session nothing is moved" "$(hot_rows)" "$ROWS"
	sessions_gone() {
		[ "$(sql "SELECT count(*) FROM pg_stat_activity
			WHERE application_name LIKE 'firn%' AND datname = current_database()")" = 0 ]
	}
	ok "$site: its sessions end" poll_until 30 sessions_gone
	exits "$site: another pass takes over" 0 "$FIRN" pass --segment-size 8KiB --format json
	is "$site: and moves all" "$(json '{rows_moved}')" 180
	is "$site: after undoing what the first began" "$(json '{abandoned}')" 1
	let_go
	isnt "$site: the late one fails" "$STATUS" 0
	is "$site: and changed nothing" "$(e2e_digest)" "$HOT"
	is "$site: nor the catalog" "$(cold_rows)" 180
	exits "$site: verify --deep is clean" 0 "$FIRN" verify --deep
	exits "$site: everything comes back" 0 "$FIRN" rehydrate --where-cold all
	is "$site: as it was" "$(e2e_digest)" "$ALL"
done

# Its session lives, but the epoch moved on, as when a pooler lost its lock.
start_and_stop_at move.after_verify
sql "UPDATE firn.lease SET epoch = epoch + 1"
let_go
is "a pass whose epoch is over exits 75" "$STATUS" 75
is "and all rows stay hot" "$(e2e_digest)" "$ALL"
is "and none is cold" "$(cold_rows)" 0
exits "the next pass" 0 "$FIRN" pass --segment-size 8KiB --format json
is "does the work" "$(e2e_digest)" "$HOT"
is "and no intent is left" "$(sql "SELECT count(*) FROM firn.segment WHERE state = 'intent'")" 0
exits "verify --deep is clean" 0 "$FIRN" verify --deep
done_testing
