# What is written down for reports, and what reports say of it.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

today() { sql "SELECT $1 FROM firn.usage_daily WHERE day = (now() AT TIME ZONE 'UTC')::date"; }

fresh_db
e2e_tables 4 30
e2e_env "$(e2e_file_archive)"
export FIRN_PRICES=$FIRN_SRC/policies/prices/aws-eu-central-1.yaml
exits "init" 0 "$FIRN" init
ROWS=$(hot_rows)
exits "a pass" 0 "$FIRN" pass
COLD=$(cold_rows)
is "leaves the day's rows" "$(today "cold_rows || ' ' || hot_rows")" "$COLD $((ROWS - COLD))"
is "and sizes" "$(today "heap_bytes > 0 AND index_bytes > 0 AND cold_raw_bytes > 0")" t
is "and objects, each segment's two" "$(sql "SELECT sum(objects) FROM firn.usage_daily_class")" "$(objects | wc -l)"
is "and bytes as the catalog has them" "$(sql "SELECT sum(bytes) FROM firn.usage_daily_class")" \
	"$(sql "SELECT sum(bytes + index_bytes) FROM firn.segment WHERE state = 'active'")"
is "as many puts are counted as there are objects, at least" \
	"$(sql "SELECT sum(calls) >= $(objects | wc -l) FROM firn.request_daily WHERE kind = 'put'")" t
sql "UPDATE firn.usage_daily SET measured_at = '2020-01-01'"
exits "a pass that moves nothing" 0 "$FIRN" pass
is "does not measure again" "$(today "measured_at::date")" 2020-01-01
exits "a workspace comes back" 0 "$FIRN" rehydrate --workspace w1 --format json
is "and is counted" "$(today "rows_rehydrated || ' ' || rehydrates")" "$(json '{rows}') 1"
exits "verify" 0 "$FIRN" verify
is "leaves its outcome" "$(sql "SELECT outcome || ' ' || problems FROM firn.inspection WHERE command = 'verify'")" "done 0"
exits "gc" 0 "$FIRN" gc
is "leaves its own" "$(sql "SELECT outcome || ' ' || (orphans IS NOT NULL) FROM firn.inspection WHERE command = 'gc'")" "done true"

# A pass does not fail for what it cannot write down.
sql "DELETE FROM firn.usage_daily; ALTER TABLE firn.usage_daily ADD CHECK (hot_rows < 0)"
exits "a pass whose sizes are refused" 0 "$FIRN" pass
like "says so" "$ERR" "warning: could not record what storage is used"
done_testing
