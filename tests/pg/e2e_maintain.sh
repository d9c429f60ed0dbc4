# The maintenance planner: what it chooses for which share of dead rows, in what order, when it waits and when it goes on.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 4 200
sql "CREATE INDEX document_chunk_hnsw ON document_chunk USING hnsw (embedding vector_cosine_ops)"
sql "SELECT pg_stat_reset()"
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init

leaf_of() { sql "SELECT tableoid::regclass FROM document_chunk WHERE workspace_id = '$1' LIMIT 1"; }
W1=$(leaf_of w1)
TABLE_ID=$(sql "SELECT id FROM firn.managed_table")
# Rows that an application deletes, and firn is told of by the due work that a move would have left.
gone() { # LEAF WORKSPACE ROWS
	local n
	n=$(sql "WITH d AS (DELETE FROM document_chunk WHERE (workspace_id, id) IN
			(SELECT workspace_id, id FROM document_chunk WHERE workspace_id = '$2' LIMIT $3) RETURNING 1)
		SELECT count(*) FROM d")
	sql "INSERT INTO firn.maintenance AS m (table_id, leaf, rows_deleted) VALUES ($TABLE_ID, 'public.$1', $n)
		ON CONFLICT (table_id, leaf) DO UPDATE SET rows_deleted = m.rows_deleted + excluded.rows_deleted"
}
actions() { # of hnsw indexes and VACUUM, in order
	json_of "$OUT" '{steps}' | python3 -c 'import json,sys
print(" ".join("%s:%s" % (s["leaf"].split(".")[1], s["action"]) for s in json.load(sys.stdin)
	if (s["index"] or "embedding").find("embedding") >= 0 and s["action"] != "analyze"))'
}

gone "$W1" w1 3
exits "a few dead rows" 0 "$FIRN" maintain --format json
is "are left to wait, and no index is touched" "$(actions)" "$W1:wait $W1:vacuum"
is "they are remembered" "$(sql "SELECT rows_deleted FROM firn.maintenance")" 3
like "it says how long that is safe" "$OUT" "safe until [0-9]+ more are, at today's rate in"
exits "again" 0 "$FIRN" maintain
like "the same, for people" "$OUT" "wait"

gone "$W1" w1 300
exits "a dry run" 0 "$FIRN" maintain --dry-run --format json
like "would rebuild" "$(actions)" "$W1:reindex"
is "and does nothing" "$(sql "SELECT rows_deleted FROM firn.maintenance")" 303
BEFORE=$(sql "SELECT pg_relation_size('${W1}_embedding_idx')")
exits "many dead rows" 0 "$FIRN" maintain --format json
is "have the index rebuilt, then VACUUM" "$(actions)" "$W1:reindex $W1:vacuum"
is "nothing is due" "$(sql "SELECT count(*) FROM firn.maintenance")" 0
ok "the index is smaller" [ "$(sql "SELECT pg_relation_size('${W1}_embedding_idx')")" -lt "$BEFORE" ]
is "what it was like is logged" "$(sql "SELECT DISTINCT dimensions FROM firn.maintenance_log WHERE method = 'hnsw'")" 16
like "what is reclaimable is said" "$(json '{steps,0}')" '"reclaimable_bytes": [0-9]'

# What was done before a run died is not done again.
gone "$W1" w1 40
FIRN_FAULT=maintain.after_reindex=kill exits "a run that is killed after its first build" 137 "$FIRN" maintain
exits "the next one" 0 "$FIRN" maintain --format json
is "goes on with VACUUM" "$(actions)" "$W1:vacuum"
is "nothing is due" "$(sql "SELECT count(*) FROM firn.maintenance")" 0

# Here builds were slow and VACUUM fast: the planner believes its own history.
sql "INSERT INTO firn.maintenance_log (table_id, leaf, index_name, method, action, rows, dead, seconds, dimensions)
	SELECT $TABLE_ID, 'x', 'x', 'hnsw', a, 30000, 15000, s, 16
	FROM (VALUES ('reindex', 2000), ('vacuum', 1)) v(a, s), generate_series(1, 25)"
gone "$W1" w1 30
exits "where VACUUM is cheaper by experience" 0 "$FIRN" maintain --format json
is "it is chosen, and cleans the index" "$(actions)" "$W1:vacuum"
is "and logged for the index" "$(sql "SELECT count(*) FROM firn.maintenance_log
	WHERE action = 'vacuum' AND method = 'hnsw' AND leaf <> 'x'")" 1
sql "DELETE FROM firn.maintenance_log WHERE leaf = 'x'"

# Two leaves: the one with the greater share of dead rows comes first.
W2=$W1
for w in w2 w3 w4; do [ "$(leaf_of $w)" = "$W1" ] || { W2=$(leaf_of $w) && OTHER=$w; }; done
isnt "there are two leaves with rows" "$W1" "$W2"
gone "$W1" w1 20
gone "$W2" "$OTHER" 200
exits "two leaves" 0 "$FIRN" maintain --format json
like "are worked on in order of what a second brings" "$(actions)" "^$W2:reindex .*$W1:reindex"

# Places for builds are the database's: with all taken, the work is put off and goes on later.
gone "$W2" "$OTHER" 60
printf 'maintain: { pause_at_most: 1s, pause_ingest_rows: 0 }\n' >"$T/firn.yaml"
coproc HOLDER { psql -X -q -A -t -d "$DB" 2>&1; }
HOLDING=$HOLDER_PID
echo "SELECT pg_advisory_lock(x'66697262'::int, 0);" >&"${HOLDER[1]}"
held() { [ "$(sql "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = x'66697262'::int::oid AND granted")" = 1 ]; }
ok "another process builds" poll_until 10 held
exits "a build that finds no place" 75 "$FIRN" -c "$T/firn.yaml" maintain --format json
like "is put off, and its dead entries stay" "$(actions)" "$W2:put-off .*$W2:vacuum"
like "it says why" "$OUT" "1 index is being built in this database already"
isnt "the work is still due" "$(sql "SELECT count(*) FROM firn.maintenance")" 0
printf 'maintain: { pause_at_most: 1s, builds: 2 }\n' >"$T/firn.yaml"
exits "with two places it is done" 0 "$FIRN" -c "$T/firn.yaml" maintain --format json
like "by a rebuild" "$(actions)" "$W2:reindex"
echo '\q' >&"${HOLDER[1]}"
wait "$HOLDING" 2>/dev/null

# A build does not wait for ever for a transaction that another session left open.
in_transaction() { [ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()")" = 1 ]; }
invalid() { sql "SELECT count(*) FROM pg_index WHERE NOT indisvalid"; }
printf 'maintain: { pause_at_most: 1s, pause_ingest_rows: 0 }\n' >"$T/firn.yaml"
gone "$W2" "$OTHER" 60
coproc OPEN { psql -X -q -A -t -d "$DB" 2>&1; }
OPENER=$OPEN_PID
echo "BEGIN; LOCK TABLE $W2 IN ROW EXCLUSIVE MODE;" >&"${OPEN[1]}"
ok "a session leaves its transaction open" poll_until 10 in_transaction
exits "a build behind it" 75 "$FIRN" -c "$T/firn.yaml" maintain --format json
like "is put off, and its dead entries stay" "$(actions)" "$W2:put-off .*$W2:vacuum"
like "it says why" "$OUT" "transactions of other sessions held it up for 1s"
isnt "the work is still due" "$(sql "SELECT count(*) FROM firn.maintenance")" 0
"$FIRN" maintain --format json >"$T/stopped" 2>&1 &
FIRN_PID=$!
builds() { [ "$(sql "SELECT count(*) FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting%'")" = 1 ]; }
ok "another waits behind it" poll_until 60 builds
kill -TERM $FIRN_PID
wait $FIRN_PID
is "SIGTERM ends it" $? 75
like "with the work put off" "$(cat "$T/stopped")" "a signal came while it was being built"
like "and what follows, for the same reason" "$(cat "$T/stopped")" '"a signal came; firn maintain goes on from here"'
printf '%s\n' 'COMMIT;' '\q' >&"${OPEN[1]}"
wait "$OPENER" 2>/dev/null
exits "without the transaction it is done" 0 "$FIRN" -c "$T/firn.yaml" maintain --format json
like "by a rebuild" "$(actions)" "$W2:reindex"
is "and nothing is left of the builds that were given up" "$(invalid)" 0

# Outside the policy's window only what is light is done.
NOW=$(sql "SELECT to_char(now() AT TIME ZONE 'UTC' + interval '2 h', 'HH24:MI') || '-' || to_char(now() AT TIME ZONE 'UTC' + interval '3 h', 'HH24:MI')")
sed "s/^limits: { /limits: { window: \"$NOW UTC\", /" "$T/policy.yaml" >"$T/window.yaml"
gone "$W2" "$OTHER" 40
exits "outside the window" 75 "$FIRN" maintain --policy "$T/window.yaml" --format json
like "the build is put off" "$OUT" "the policy's window is closed"
exits "inside of it" 0 "$FIRN" maintain --format json
like "it is done" "$(actions)" "$W2:reindex"
is "nothing is due" "$(sql "SELECT count(*) FROM firn.maintenance")" 0

# A long build does not begin while rows pour in.
sql "INSERT INTO firn.maintenance_log (table_id, leaf, method, action, rows, seconds, dimensions)
	SELECT $TABLE_ID, 'x', 'hnsw', 'reindex', 30000, 20000, 16 FROM generate_series(1, 25)"
gone "$W2" "$OTHER" 40
while [ -e "$T" ]; do
	sql "INSERT INTO document_chunk SELECT gen_random_uuid(), id, workspace_id, 0, '', NULL, 'v2', now() FROM document LIMIT 50"
done >/dev/null 2>&1 &
LOADER=$!
printf 'maintain: { pause_at_most: 1s, pause_ingest_rows: 5 }\n' >"$T/firn.yaml"
exits "while rows pour in" 75 "$FIRN" -c "$T/firn.yaml" maintain --force --format json
like "builds are put off" "$OUT" "[0-9]+ rows a second come in"
printf 'maintain: { pause_at_most: 1s, pause_ingest_rows: 0 }\n' >"$T/firn.yaml"
sed 's/^limits: {/limits: { pause_when_ingesting_over: 5,/' "$FIRN_POLICY" >"$T/ingest.yaml"
exits "while they do, by the policy's pause_when_ingesting_over" 75 "$FIRN" -c "$T/firn.yaml" maintain --force --policy "$T/ingest.yaml" --format json
like "too" "$OUT" "[0-9]+ rows a second come in"
kill $LOADER
wait $LOADER 2>/dev/null
sql "DELETE FROM firn.maintenance_log WHERE leaf = 'x'"
exits "and done afterwards" 0 "$FIRN" maintain --format json
is "nothing is due in the end" "$(sql "SELECT count(*) FROM firn.maintenance")" 0
exits "a report" 0 "$FIRN" report --format json
like "says what is reclaimable" "$(json '{total,reclaimable_bytes}')" "^[0-9]+$"
done_testing
