# What someone sees who watches a pass on a terminal, and what Ctrl-C does there.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

on_terminal() { /usr/bin/python3 "$FIRN_SRC/tests/lib/terminal.py" "$@"; }
widest() { printf '%s\n' "$OUT" | awk '{ if (length($0) > n) n = length($0) } END { print n }'; }
lines() { printf '%s\n' "$OUT" | grep -cE "$1"; }

fresh_db
e2e_tables 4 100
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
LEAF=$(sql "SELECT tableoid::regclass FROM document_chunk WHERE workspace_id = 'w1' LIMIT 1")
DUE=$(sql "SELECT count(*) FROM $LEAF WHERE embedding_version = 'v1' AND workspace_id <> 'w4'")

# --- lines of leaves ---
exits "a pass on a terminal" 0 on_terminal --size 80x24 -- "$FIRN" pass
is "leaves a line for each leaf that rows went out of" "$(lines '^  public\.document_chunk_p[0-3]: [0-9,]+ rows, .* in ')" \
	"$(sql "SELECT count(DISTINCT tableoid) FROM document_chunk WHERE workspace_id <> 'w4'")"
like "with its rows" "$OUT" "  public\.$LEAF: $DUE rows, "
is "none of which is left over while others go on" "$(lines 'moving:|looking for|of [0-9,]+ rows')" 0
like "and what was done below them" "$OUT" "600 rows moved out"
unlike "nothing has a colour, and nothing is sent that a terminal might not know" "$OUT" '<ESC'
exits "it all comes back" 0 on_terminal -- "$FIRN" rehydrate --where-cold all
for size in 20x5 40x10 200x50; do
	exits "on a terminal of $size" 0 on_terminal --size $size -- sh -c '"$1" pass >/dev/null' sh "$FIRN"
	ok "no line is longer" test "$(widest)" -lt "${size%x*}"
	like "each leaf has its figures" "$OUT" "_p[0-3]: [0-9]+"
	exits "it all comes back again" 0 "$FIRN" rehydrate --where-cold all
done
exits "a dumb terminal" 0 on_terminal --term dumb -- "$FIRN" pass
is "gets no lines of leaves" "$(lines 'document_chunk_p[0-3]: [0-9]')" 0
unlike "and nothing to be obeyed" "$OUT" '<ESC'
exits "it all comes back" 0 "$FIRN" rehydrate --where-cold all
exits "without progress" 0 on_terminal -- "$FIRN" pass --no-progress
is "there are none either" "$(lines 'document_chunk_p[0-3]: [0-9]')" 0
exits "it all comes back" 0 "$FIRN" rehydrate --where-cold all
exits "where standard error is a file" 0 "$FIRN" pass
is "nothing is written to it" "$ERR" ""
exits "it all comes back" 0 "$FIRN" rehydrate --where-cold all

# --- Ctrl-C ---
# So slowly that there is time for it: rows wait for their rate.
printf '%s\n' 'limits: { min_residency: 0s, rows_per_second: 100, jobs: 1 }' | sed -i '/^limits/{r /dev/stdin
d}' "$FIRN_POLICY"
ALL=$(hot_rows)
exits "Ctrl-C in a pass" 75 on_terminal --press "$LEAF: [1-9][0-9]* of" '\x03' -- "$FIRN" pass
like "is answered at once" "$OUT" "firn: stopping: what is at hand is finished or undone, and nothing is lost"
like "with what a second one would do" "$OUT" "hint: A second signal ends it at once"
like "and what is being finished" "$OUT" "firn: stopping: leaf \"public\.$LEAF\" ends with the [0-9]+ rows"
like "it ends with what was done" "$OUT" "firn: error: stopped: a signal asked to stop"
like "and how to go on" "$OUT" "hint: What was moved stays so; run it again to go on\."
COLD=$(cold_rows)
ok "some rows went, and some did not" test "$COLD" -gt 0 -a "$COLD" -lt 600
e2e_check_accounted "$ALL" "after Ctrl-C"
is "nothing is left over" "$(sql "SELECT count(*) FROM firn.segment WHERE state = 'intent'")" 0
exits "Ctrl-C twice" 130 on_terminal --press "_p[0-3]: [1-9][0-9]* of" '\x03' --press "firn: stopping:" '\x03' -- "$FIRN" pass
e2e_check_accounted "$ALL" "after two"
sed -i 's/rows_per_second: 100, //' "$FIRN_POLICY"
exits "the next pass" 0 "$FIRN" pass
e2e_check_accounted "$ALL" "after the next"
is "cleans up and goes on" "$(cold_rows) $(sql "SELECT count(*) FROM firn.segment WHERE state = 'intent'")" "600 0"
exits "SIGINT where nobody sits" 130 on_terminal --press "up" '\x03' -- sh -c 'echo up; exec sleep 100'

# What only looks ends at the first: the server is told to keep it waiting.
sql "BEGIN; LOCK firn.pass; SELECT pg_sleep(60)" >/dev/null 2>&1 &
HOLDER=$!
locked() { [ "$(sql "SELECT count(*) FROM pg_locks WHERE relation = 'firn.pass'::regclass AND mode = 'AccessExclusiveLock' AND granted")" = 1 ]; }
ok "the catalog is locked" poll_until 20 locked
waits() { [ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name LIKE 'firn%'")" -ge 1 ]; }
"$FIRN" report >"$T/out" 2>"$T/err" &
REPORT=$!
ok "a report waits for it" poll_until 20 waits
kill -TERM $REPORT
wait $REPORT
is "and ends at the first signal" $? 143
kill $HOLDER 2>/dev/null
sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()" >/dev/null
done_testing
