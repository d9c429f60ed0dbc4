# kill -9 of every Postgres process in the middle of a pass and of a rehydrate: a second run gives the same end state.
. "$FIRN_SRC/tests/lib/e2e_common.sh"
. "$FIRN_SRC/tests/lib/e2e_crash.sh"

at_exit "$FIRN_SRC/tools/pg" down "$T/pg"
FIRN_PG_FSYNC=off "$FIRN_SRC/tools/pg" up "$T/pg" >"$T/uri" || exit 1
DB=$(cat "$T/uri")
sql "CREATE EXTENSION vector"
e2e_tables 2 30
ROWS=$(hot_rows)
ALL=$(e2e_digest)
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
exits "a pass that nothing disturbs" 0 "$FIRN" pass --segment-size 8KiB
HOT=$(e2e_digest)
exits "which comes back" 0 "$FIRN" rehydrate --where-cold all

postgres_killed_at() {
	local site=$1 name=$2 status=0
	shift 2
	rm -f "$T/reached"
	FIRN_FAULT="$site=exec:touch $T/reached; $FIRN_SRC/tools/pg kill9 $T/pg" "$@" >"$T/killed" 2>&1 </dev/null || status=$?
	ok "$name: is reached" test -e "$T/reached"
	ok "$name: and firn says that it failed" [ "$status" != 0 ]
	unlike "$name: with a status for cron, not by a signal" "$status" '^1[2-9][0-9]$'
	ok "$name: Postgres starts again" "$FIRN_SRC/tools/pg" restart "$T/pg"
}

for site in move.after_intent move.while_streaming move.after_upload move.after_verify move.after_delete \
	move.before_commit move.after_commit; do
	postgres_killed_at "$site" "$site" "$FIRN" pass --segment-size 8KiB
	recovered "$site"
done

for site in rehydrate.after_fetch rehydrate.after_stage rehydrate.after_insert rehydrate.before_commit \
	rehydrate.after_commit; do
	exits "$site: a pass" 0 "$FIRN" pass --segment-size 8KiB
	postgres_killed_at "$site" "$site" "$FIRN" rehydrate --where-cold all
	e2e_check_accounted "$ROWS" "after $site"
	exits "$site: the next rehydrate" 0 "$FIRN" rehydrate --where-cold all
	is "$site: brings back every row, once" "$(e2e_digest)" "$ALL"
	recovered "$site"
done
done_testing
