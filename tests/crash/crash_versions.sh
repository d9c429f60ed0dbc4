# kill -9 of firn at every fault site of promote and rollback: readers keep a whole version, and the same command run
# again ends where an undisturbed one does. And passes that are at work meanwhile.
. "$FIRN_SRC/tests/lib/e2e_common.sh"
. "$FIRN_SRC/tests/lib/e2e_crash.sh"

DOCS=30
fresh_db
e2e_tables 2 $DOCS
sql "CREATE INDEX ON document_chunk USING hnsw (embedding vector_cosine_ops);
	UPDATE workspace_index_state SET target_embedding_version = 'v3' WHERE workspace_id = 'w1'"
e2e_env "$(e2e_file_archive)"
ROWS=$(hot_rows)
ALL=$(e2e_digest)
state() { sql "SELECT active_embedding_version, target_embedding_version FROM workspace_index_state WHERE workspace_id = 'w1'"; }
rows_of() { sql "SELECT count(*) FROM document_chunk WHERE workspace_id = 'w1' AND embedding_version = '$1'"; }
seen_by_readers() { sql "SELECT count(*) FROM document_chunk c JOIN workspace_index_state s USING (workspace_id)
	WHERE s.workspace_id = 'w1' AND c.embedding_version = s.active_embedding_version"; }
open_rollbacks() { sql "SELECT count(*) FROM firn.version_flip WHERE flipped_at IS NULL AND given_up_at IS NULL"; }
exits "init" 0 "$FIRN" init

# before SITE: v2 is active, v1 is cold
before() {
	exits "$1: promote" 0 "$FIRN" versions promote --workspace w1 --to v2
	exits "$1: a pass" 0 "$FIRN" pass --segment-size 8KiB
	is "$1: v1 is cold, v2 is active" "$(state) $(rows_of v1)" "v2|v3 0"
}

# The others of rehydrate have a test of their own.
for site in rehydrate.before_commit rehydrate.after_commit rehydrate.before_maintain maintain.before_done versions.after_begin versions.after_rehydrate versions.before_flip \
	versions.after_flip; do
	before "$site"
	killed_at "$site" "$site" "$FIRN" versions rollback --workspace w1 --to v1
	is "$site: readers have a whole version" "$(seen_by_readers)" $((2 * DOCS))
	e2e_check_accounted "$ROWS" "after $site"
	back=$(rows_of v1)
	exits "$site: a pass meanwhile" 0 "$FIRN" pass --segment-size 8KiB
	ok "$site: takes nothing back" [ "$(rows_of v1)" -ge "$back" ]
	is "$site: readers still have one" "$(seen_by_readers)" $((2 * DOCS))
	exits "$site: the same again" 0 "$FIRN" versions rollback --workspace w1 --to v1
	is "$site: v1 is active, the target as it was, all of v1 hot" "$(state) $(rows_of v1)" "v1|v3 $((2 * DOCS))"
	is "$site: nothing is under way" "$(open_rollbacks)" 0
	exits "$site: maintain" 0 "$FIRN" maintain
	is "$site: nothing is due" "$(sql 'SELECT count(*) FROM firn.maintenance')" 0
	e2e_check_accounted "$ROWS" "in the end of $site"
	exits "$site: what else is cold comes back" 0 "$FIRN" rehydrate --where-cold all
	is "$site: as it was" "$(e2e_digest)" "$ALL"
done

for site in versions.before_promote versions.after_promote; do
	exits "$site: v1 is active" 0 "$FIRN" versions rollback --workspace w1 --to v1
	killed_at "$site" "$site" "$FIRN" versions promote --workspace w1 --to v2
	is "$site: readers have a whole version" "$(seen_by_readers)" $((2 * DOCS))
	exits "$site: the same again" 0 "$FIRN" versions promote --workspace w1 --to v2
	is "$site: v2 is active" "$(state)" "v2|v3"
done
is "every site of versions is walked here" "$(grep -oE 'versions\.[a-z]+_[a-z]+' "$0" | sort -u)" "$(fault_sites versions. | sort)"

# After the flip the command without a version finds it done, too.
exits "promote" 0 "$FIRN" versions promote --workspace w1 --to v1
exits "to v2" 0 "$FIRN" versions promote --workspace w1 --to v2
killed_at versions.after_flip "rollback of the latest promote" "$FIRN" versions rollback --workspace w1
exits "the same again" 0 "$FIRN" versions rollback --workspace w1 --format json
is "has nothing to do" "$(json '{flipped}') $(state)" "false v1|v3"

# A pass that has read v1 to move it out is stopped before it deletes; the rollback goes by; the pass goes on.
exits "promote again" 0 "$FIRN" versions promote --workspace w1 --to v2
FIRN_FAULT=move.after_upload=stop "$FIRN" pass --jobs 1 --format json >"$T/stopped" 2>&1 </dev/null &
PASS=$!
stopped() { [ "$(sed 's/.*) //; s/ .*//' "/proc/$PASS/stat")" = T ]; }
ok "a pass stops before it deletes" poll_until 20 stopped
exits "rollback goes by" 0 "$FIRN" versions rollback --workspace w1
is "v1 is active" "$(state) $(rows_of v1)" "v1|v3 $((2 * DOCS))"
kill -CONT $PASS
status=0
wait $PASS || status=$?
is "the pass ends with 75" "$status" 75
is "and deleted nothing of what is active" "$(seen_by_readers)" $((2 * DOCS))
exits "the next pass" 0 "$FIRN" pass
is "moves nothing of it either" "$(seen_by_readers)" $((2 * DOCS))
e2e_check_accounted "$ROWS" "after the passes"

# Rows of the version are left alone by any rule while they come back, and where nothing came back lately counts.
exits "v2 comes back" 0 "$FIRN" rehydrate --workspace w1 --version v2
exits "promote" 0 "$FIRN" versions promote --workspace w1 --to v2
exits "a pass" 0 "$FIRN" pass
is "moves v1" "$(rows_of v1)" 0
printf '%s\n' 'rules:' '  - name: old' '    match: { age_over: 1d, version: [v1] }' '    archive: {}' \
	'limits: { min_residency: 0s }' >"$T/old.yaml"
sql "UPDATE workspace_index_state SET active_embedding_version = 'v2' WHERE workspace_id = 'w4'"
exits "rollback, with a pass by age between" 0 env FIRN_FAULT="versions.after_rehydrate=each:'$FIRN' --policy '$T/old.yaml' pass >>'$T/between' 2>&1" \
	"$FIRN" versions rollback --workspace w1 --format json
like "the pass moved rows of others" "$(cat "$T/between")" "^$((2 * DOCS)) rows moved out"
is "none of these" "$(json '{rows_back}') $(json '{flipped}') $(rows_of v1)" "$((2 * DOCS)) true $((2 * DOCS))"
exits "what else is cold comes back" 0 "$FIRN" rehydrate --where-cold all

# Something that does not know of the rollback moves them out all the same: once, and each time.
cat >"$T/sneak" <<-SH
	psql -X -q -d '$DB' -c "UPDATE firn.version_flip SET given_up_at = now() WHERE flipped_at IS NULL"
	'$FIRN' --policy '$T/old.yaml' pass
	psql -X -q -d '$DB' -c "UPDATE firn.version_flip SET given_up_at = NULL WHERE flipped_at IS NULL"
SH
exits "promote once more" 0 "$FIRN" versions promote --workspace w1 --to v2
exits "a pass once more" 0 "$FIRN" pass
exits "rollback, robbed once" 0 env FIRN_FAULT="versions.after_rehydrate=exec:sh '$T/sneak' >'$T/once' 2>&1" \
	"$FIRN" versions rollback --workspace w1 --format json
like "rows were moved" "$(cat "$T/once")" 'rows moved out'
is "they came back twice" "$(json '{rows_back}') $(json '{flipped}')" "$((4 * DOCS)) true"
is "v1 is active, and hot" "$(state) $(rows_of v1)" "v1|v3 $((2 * DOCS))"
exits "what else is cold comes back once more" 0 "$FIRN" rehydrate --where-cold all
exits "promote for the last time" 0 "$FIRN" versions promote --workspace w1 --to v2
exits "a pass for the last time" 0 "$FIRN" pass
exits "rollback, robbed each time" 75 env FIRN_FAULT="versions.after_rehydrate=each:sh '$T/sneak' >>'$T/each' 2>&1" \
	"$FIRN" versions rollback --workspace w1
like "gives up" "$ERR" "$((2 * DOCS)) rows of version \"v1\" of workspace \"w1\" are cold again"
is "after three rounds" "$(grep -c 'rows moved out' "$T/each")" 3
is "v2 is active" "$(state) $(seen_by_readers)" "v2|v3 $((2 * DOCS))"
exits "left alone" 0 "$FIRN" versions rollback --workspace w1 --format json
is "it goes on, and ends" "$(json '{resumed}') $(json '{flipped}') $(state) $(rows_of v1)" "true true v1|v3 $((2 * DOCS))"
e2e_check_accounted "$ROWS" "after all of it"
exits "verify --deep" 0 "$FIRN" verify --deep
done_testing
