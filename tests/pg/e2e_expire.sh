# delete_after: cold rows are given up at the end of their life, when the policy, --expire and --confirm say so; none of these
# alone does, and what is hot is never touched.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 2 30
ROWS=$(hot_rows)
ALL=$(e2e_digest)
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
policy() { # WHAT OF THE LOG RULE
	printf '%s\n' 'rules:' '  - name: log' '    match: { version: v1, workspace: [w1, w2] }' "    archive: { $1 }" \
		'  - name: rest' '    match: { version: v1 }' '    archive: {}' 'limits: { min_residency: 0s }' >"$T/policy.yaml"
}
older() { sql "UPDATE firn.segment SET created_at = created_at - interval '$1'"; }
cold_of() { sql "SELECT coalesce(sum(rows_live), 0) FROM firn.segment WHERE rule = '$1'"; }
policy "delete_after: 30d, zstd_level: 19"
exits "a pass" 0 "$FIRN" pass --segment-size 8KiB
HOT=$(e2e_digest)
COLD=$(cold_rows)
LOG=$(cold_of log)
exits "plan" 0 "$FIRN" plan --format json
is "shows what is to be given up later" "$(json '{expiries,0,rule}') $(json '{expiries,0,rows}') $(json '{expiries,0,rows_later}') $(json '{expiries,1}')" \
	"log 0 $LOG "
ok "and when" [ "$(json '{expiries,0,next_s}')" -gt $((29 * 86400)) ]
exits "plan, to be read" 0 "$FIRN" plan
like "says so, too" "$OUT" "rule log, delete_after 30d: $LOG cold rows, the first of them in (29|30)d"
exits "before its time gc --expire --confirm" 0 "$FIRN" gc --expire --confirm --format json
is "gives nothing up" "$(json '{given_up}') $(cold_rows)" "0 $COLD"

older "30 days"
exits "then plan" 0 "$FIRN" plan
like "says what can go" "$OUT" "rule log, delete_after 30d: $LOG cold rows .* are past it; \"firn gc --expire --confirm\" gives them up"
for args in "" --confirm --expire; do
	exits "gc $args" 0 "$FIRN" gc $args --format json
	is "gc $args: shows it, and keeps it" "$(json '{items,0,kind}') $(json '{items,0,removable}') $(json '{given_up}') $(cold_rows)" "expired false 0 $COLD"
	like "gc $args: with the reason" "$(json '{items,0,reason}')" 'archived 30d .*ago, delete_after of rule "log" is 30d'
done
policy ""
exits "without delete_after in the policy" 0 "$FIRN" gc --expire --confirm --format json
is "nothing is given up" "$(json '{given_up}') $(cold_rows)" "0 $COLD"
exits "with a policy that is wrong" 78 "$FIRN" gc --expire --confirm --policy /nonexistent/policy.yaml
is "neither" "$(cold_rows)" "$COLD"
policy "delete_after: 30d"
exits "a workspace that came back" 0 "$FIRN" rehydrate --workspace w1
W1=$(sql "SELECT count(*) FROM document_chunk WHERE workspace_id = 'w1' AND embedding_version = 'v1'")
HOT=$(e2e_digest)
exits "policy, --expire and --confirm" 0 "$FIRN" gc --expire --confirm --format json
is "give up what is still cold" "$(json '{given_up}') $(cold_of log)" "$((LOG - W1)) 0"
is "what is hot stays, and what other rules archived" "$(e2e_digest) $(cold_of rest)" "$HOT $((COLD - LOG))"
is "the objects stay until the horizon" "$(json '{removed_bytes}') $(objects | wc -l)" "0 $(sql "SELECT 2 * count(*) FROM firn.segment")"
exits "verify --deep is clean" 0 "$FIRN" verify --deep
exits "what is asked for again" 0 "$FIRN" rehydrate --workspace w2 --format json
is "is not there" "$(json '{rows_matched}')" 0
sql "UPDATE firn.segment SET unreferenced_at = unreferenced_at - interval '31 days' WHERE unreferenced_at IS NOT NULL"
exits "after the horizon gc --confirm" 0 "$FIRN" gc --confirm --format json
is "removes the objects" "$(objects)" "$(referenced)"
exits "and the rest comes back" 0 "$FIRN" rehydrate --where-cold all
is "whole" "$(hot_rows) $(cold_rows)" "$((ROWS - LOG + W1)) 0"

# ---- min_residency, where it is given, is for what was created, too ----
sql "DELETE FROM firn.residency; UPDATE document_chunk SET created_at = now() - interval '2 hours' WHERE workspace_id = 'w3'"
limit() { printf '%s\n' 'rules:' '  - name: v1' '    match: { version: v1, workspace: w3 }' '    archive: {}' "limits: { $1 }" >"$T/policy.yaml"; }
due() { "$FIRN" plan --format json >"$T/plan" && json_of "$(cat "$T/plan")" '{total_rows}'; }
W3=$(sql "SELECT count(*) FROM document_chunk WHERE workspace_id = 'w3' AND embedding_version = 'v1'")
limit "jobs: 1"
is "by default a young row may move" "$(due)" "$W3"
limit "min_residency: 3h"
is "not before min_residency is over" "$(due)" 0
limit "min_residency: 1h"
is "but then" "$(due)" "$W3"
done_testing
