# Killing firn, or Postgres under it, at fault sites; source it after e2e_common.sh.
#
#     fault_sites PREFIX        the sites of src/base/fault.c whose names begin so
#     killed_at SITE[=ACTION] NAME COMMAND...
#                               one assertion: COMMAND was killed by signal 9 at SITE, so it was reached
#     recovered SITE            assertions: after the next pass nothing tells the run from an undisturbed one; gc
#                               lists and removes what the dead run left, and nothing else; rehydrating everything
#                               gives the rows as they were. Needs $HOT (digest after an undisturbed pass) and $ALL
#                               (digest before it) and $ROWS.

fault_sites() { sed -n 's/^\t"\('"$1"'[a-z_.]*\)",$/\1/p' "$FIRN_SRC/src/base/fault.c"; }

killed_at() {
	local site=$1 name=$2 status=0
	shift 2
	case $site in *=*) ;; *) site=$site=kill ;; esac
	# The outer redirection swallows this shell's own word on the killed job.
	{ (FIRN_FAULT=$site exec "$@" >"$T/killed" 2>&1 </dev/null) || status=$?; } 2>/dev/null
	tap_result "$([ "$status" = 137 ] && echo 0 || echo 1)" "$name: kill -9 there"
	[ "$status" = 137 ] || diag "exited with $status: $(tail -n 5 "$T/killed")"
}

# The keys that gc named in $OUT, one a line.
listed() {
	psql -X -q -A -t -d "$DB" -v doc="$OUT" <<<"SELECT i ->> 'object' FROM jsonb_array_elements(:'doc'::jsonb -> 'items') i
		WHERE (i ->> '$1')::boolean" | LC_ALL=C sort
}

gc_removes_leftovers() {
	local site=$1 leftovers
	leftovers=$(LC_ALL=C comm -23 <(objects) <(referenced))
	exits "$site: gc without --confirm" 0 "$FIRN" gc --horizon 1s --format json
	is "$site: which removes nothing" "$(LC_ALL=C comm -23 <(objects) <(referenced))" "$leftovers"
	# Ages are whole seconds of the database's clock.
	poll_until 10 gc_until_gone || true
	is "$site: gc removes what is left over" "$(objects)" "$(referenced)"
}

gc_until_gone() {
	"$FIRN" gc --horizon 1s --confirm --format json >"$T/gc.json" || return 1
	[ "$(objects)" = "$(referenced)" ]
}

no_intents() { [ "$(sql "SELECT count(*) FROM firn.segment WHERE state = 'intent'")" = 0 ]; }

recovered() {
	local site=$1
	e2e_check_accounted "$ROWS" "after $site"
	exits "$site: the next pass" 0 "$FIRN" pass --segment-size 8KiB --format json
	is "$site: leaves the same rows hot as an undisturbed one" "$(e2e_digest)" "$HOT"
	e2e_check_accounted "$ROWS" "after the pass after $site"
	ok "$site: no intent is left" no_intents
	is "$site: and no pass unended" "$(sql "SELECT count(*) FROM firn.pass WHERE finished_at IS NULL")" 0
	gc_removes_leftovers "$site"
	exits "$site: verify --deep is clean after gc" 0 "$FIRN" verify --deep
	exits "$site: everything comes back" 0 "$FIRN" rehydrate --where-cold all
	is "$site: as it was" "$(e2e_digest)" "$ALL"
	is "$site: and nothing is cold" "$(cold_rows)" 0
}
