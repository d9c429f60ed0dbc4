# What is written down for reports, and what reports say of it.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

# Sums of a column, by what the titles say.
column() { printf '%s\n' "$OUT" | tr -d '\r' | awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next }
	{ n += $c } END { printf "%.9f", n }'; }

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
is "the pass's own are told apart, and none is counted twice" "$(sql "SELECT count(DISTINCT pass_id) || ' ' || bool_and(p.calls <= d.calls)
	FROM firn.pass_request p JOIN firn.request_daily d USING (kind, storage_class)")" "1 true"
is "all puts of objects are the pass's, with their bytes" "$(sql "SELECT calls >= $(objects | wc -l) AND bytes >=
	(SELECT sum(bytes + index_bytes) FROM firn.segment WHERE state = 'active') FROM firn.pass_request WHERE kind = 'put'")" t
is "its end is that of its index work, and it is known when its moves ended" "$(sql "SELECT bool_and(p.moved_at <= l.done_at AND l.done_at <= p.finished_at
	AND p.started_at < p.moved_at) FROM firn.pass p, firn.maintenance_log l")" t
# As if it had been killed in its index work.
sql "UPDATE firn.pass SET finished_at = NULL, rows_changed = 7"
like "what died in its index work is told" "$("$FIRN" status)" "index work, or died"
exits "a report" 0 "$FIRN" report --format json
is "and as not ended" "$(json '{passes,0,ended}') $(json '{passes,0,seconds}') $(json '{passes,0,rows_moved}')" "  $COLD"
exits "a pass with four jobs, that moves nothing" 0 "$FIRN" pass --jobs 4
is "and after the next pass as dead, with all that it moved" "$(sql "SELECT outcome, rows_moved, rows_changed, finished_at = moved_at FROM firn.pass WHERE id = 1")" \
	"done; died in its index work|$COLD|7|t"
sql "UPDATE firn.pass SET outcome = 'done', rows_changed = 0 WHERE id = 1"
sql "UPDATE firn.usage_daily SET measured_at = '2020-01-01'"
exits "a pass that moves nothing" 0 "$FIRN" pass
is "it asked less than the first" "$(sql "SELECT bool_and(asked[1] > n) FROM (SELECT array_agg(n) OVER (ORDER BY id) AS asked, n, id FROM
	(SELECT pass_id AS id, sum(calls) AS n FROM firn.pass_request GROUP BY 1) s) t WHERE id > 1")" t
is "does not measure again" "$(today "measured_at::date")" 2020-01-01
exits "a workspace comes back" 0 "$FIRN" rehydrate --workspace w1 --format json
is "and is counted" "$(today "rows_rehydrated || ' ' || rehydrates")" "$(json '{rows}') 1"
exits "verify" 0 "$FIRN" verify
is "leaves its outcome" "$(sql "SELECT outcome || ' ' || problems FROM firn.inspection WHERE command = 'verify'")" "done 0"
exits "gc" 0 "$FIRN" gc
is "leaves its own" "$(sql "SELECT outcome || ' ' || (orphans IS NOT NULL) FROM firn.inspection WHERE command = 'gc'")" "done true"

# --- what reports say of it ---
# With a price for each thing that there is.
sed 's/^usd_per_gib_egress.*/cache_usd_per_gib_month: 0.05\nusd_per_gib_egress: 0.08/
	/ STANDARD,/ s/, usd_per_1000_put/, usd_per_gib_retrieved: 0.007&/' "$FIRN_PRICES" >"$T/prices.yaml"
printf 'cost: { replicas: 1, wal_percent: 50, index_memory_percent: 100, egress_percent: 25 }\n' >"$T/firn.yaml"
export FIRN_PRICES=$T/prices.yaml FIRN_CONFIG=$T/firn.yaml
truncate -s 100M "$FIRN_CACHE_DIR/index/large.idx"
exits "a report" 0 "$FIRN" report --format json
is "has the day" "$(json '{days,0,cold_rows}')" "$COLD"
is "and the passes" "$(json '{passes,2,rows_moved}') $(json '{passes,2,outcome}')" "$COLD done"
is "with their requests" "$(json '{passes,2,requests}')" "$(sql "SELECT sum(calls) FROM firn.pass_request WHERE pass_id = 1")"
like "and what these cost" "$(json '{passes,2,request_cost}')" '^0\.000[0-9]*[1-9][0-9]*$'
like "and the requests" "$(json '{requests}')" '"put"'
like "money is decimal text" "$(json '{total,hot_per_month}')" '^[0-9]+\.[0-9]{9}$'
exits "a report with its formulas" 0 "$FIRN" report --format json --explain
ok "whose numbers give the results" python3 -c '
import json, re, sys
x, CACHE = json.loads(sys.argv[1]), int(sys.argv[2])
n, words = 0, set()
for f in x["formulas"]:
    # What is left without its words is to be reckoned.
    text = re.sub(r"[a-zA-Z_,-]*[a-zA-Z_,]", "", f["formula"].replace("2^30", "2**30").replace(" x ", " * "))
    if not re.search("^the sum of|leaf by leaf$", f["formula"]):
        n += 1
        want, is_ = eval(text), float(f["result"])
        assert abs(want - is_) < 1e-7 + 1e-6 * abs(is_), (f, text, want)
    else:
        words.add(f["figure"])
assert n >= 20, n
assert words == {"more GiB, were all hot, of public.document_chunk", "more GiB of vector indexes, were all hot, of public.document_chunk",
    "requests", "saved this month", "saved in total"}, words
named = {f["figure"]: float(f["result"]) for f in x["formulas"]}
t = x["total"]
near = lambda a, b: abs(a - b) < 1e-8
for figure, member in (("requests", "requests"), ("cache", "cache"), ("cold of public.document_chunk", "cold"),
        ("hot of public.document_chunk", "hot"), ("all hot of public.document_chunk", "all_hot"), ("saved of public.document_chunk", "saved")):
    assert near(named[figure], float(t[member + "_per_month"])), figure
# Each figure of several parts is their sum.
total = lambda part: sum(float(f["result"]) for f in x["formulas"] if part in f["figure"])
assert near(total(" requests to "), named["requests"])
assert near(total("early deletion"), float(t["early_deletion_once"])) and near(total("objects"), float(t["objects_per_month"]))
assert abs(named["break-even in days of public.document_chunk"] - x["rows"][0]["break_even_days"]) < 1e-6
assert near(named["saved in total"], float(x["saved_in_total"])) and near(sum(float(d["saved"]) for d in x["days"]), float(x["saved_in_total"]))
assert near(named["cache"], 0.05 * CACHE / 2**30), named["cache"]
# Requests of one day make a month of them, and so does that day.
assert float(t["requests_per_month"]) > 0
assert abs(sum(float(r["cost"]) for r in x["requests"]) - float(t["requests_per_month"])) < 1e-7
assert near(float(x["days"][0]["requests_cost"]), sum(float(r["cost"]) for r in x["requests"]))
assert near(float(t["cold_per_month"]), sum(float(t[m + "_per_month"]) for m in ("objects", "requests", "cache")))
assert abs(float(t["all_hot_per_month"]) - float(t["hot_per_month"]) - float(t["cold_per_month"]) - float(t["saved_per_month"])) < 1e-8' "$OUT" \
	"$(find "$FIRN_CACHE_DIR/index" -type f -printf '%s\n' | awk '{ n += $1 } END { print n }')"
exits "a report by leaf" 0 "$FIRN" report --by leaf --format csv
is "has a line for each leaf, and the titles" "$(printf '%s\n' "$OUT" | wc -l)" 5
is "which sum up to the table's rows" "$(column cold_rows)" "$(cold_rows).000000000"
exits "a report by table" 0 "$FIRN" report --format csv
TOTAL=$(column cold_per_month) SAVED=$(column saved_per_month)
REQUESTS=$(column requests_per_month) CACHE=$(column cache_per_month)
# A leaf that has nobody's rows is nobody's cost.
exits "a report by leaf" 0 "$FIRN" report --by leaf --format csv
is "of which each has its part of requests and cache" "$(column requests_per_month) $(column cache_per_month)" "$REQUESTS $CACHE"
OUT=$(printf '%s\n' "$OUT" | awk -F, '$8 $13 != "00"')
HOT=$(column hot_per_month)
same_money() { awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; exit !(d < 1e-7 && d > -1e-7 && a > 0) }'; }
for by in workspace version segment; do
	exits "a report by $by" 0 "$FIRN" report --by $by --format csv
	is "has the cold rows" "$(column cold_rows)" "$(cold_rows).000000000"
	ok "and their cost" same_money "$(column cold_per_month)" "$TOTAL"
	ok "with that of requests" same_money "$(column requests_per_month)" "$REQUESTS"
	ok "and of the cache" same_money "$(column cache_per_month)" "$CACHE"
	ok "and what they save" awk -v a="$(column saved_per_month)" -v b="$SAVED" 'BEGIN { d = a - b; exit !(d < 1e-7 && d > -1e-7) }'
	[ $by = segment ] || is "and the hot rows" "$(column hot_rows)" "$(hot_rows).000000000"
	[ $by = segment ] || ok "and their cost, too" same_money "$(column hot_per_month)" "$HOT"
done
exits "a report by workspace" 0 "$FIRN" report --by workspace --format json
is "counts each one's rows" "$(json '{rows,1,workspace}') $(json '{rows,1,hot_rows}')" "w2 $(sql "SELECT count(*) FROM document_chunk WHERE workspace_id = 'w2'")"
ok "with the dearest first among tenants" python3 -c '
import json, sys
x = json.loads(sys.argv[1])
cost = lambda r: float(r["hot_per_month"]) + float(r["cold_per_month"])
assert [t["workspace"] for t in x["tenants"]] == [r["workspace"] for r in sorted(x["rows"], key=cost, reverse=True)]' "$OUT"
like "says from when on moving pays" "$(json '{rows,1,break_even_days}')" '^[0-9.]+$'
exits "a report by month" 0 "$FIRN" report --by month --format json
is "has this month" "$(json '{rows,0,month}')" "$(date -u +%Y-%m)"
exits "metrics by segment" 64 "$FIRN" report --by segment --format prometheus
like "are refused" "$ERR" "no metrics by segment"
exits "metrics by workspace" 0 "$FIRN" report --by workspace --format prometheus
like "have them as labels" "$OUT" 'firn_rows\{table="public.document_chunk",workspace="w2",tier="hot"\}'
sql "SELECT firn.touch('document_chunk', ARRAY(SELECT id FROM document_chunk WHERE workspace_id = 'w1' LIMIT 5))" >/dev/null
exits "a pass after reads" 0 "$FIRN" pass
exits "a report" 0 "$FIRN" report --format json
is "has their heat" "$(json '{heat}' | grep -o '"chunks": *[0-9]*' | awk '{ n += $2 } END { print n }')" 5
exits "metrics into a file" 0 "$FIRN" report --format prometheus --output "$T/firn.prom"
is "write nothing else" "$OUT" ""
# Each line is HELP, TYPE after its HELP, or a sample of that family; no family comes twice.
ok "each line is as Prometheus reads it" awk '
	/^# HELP [a-z_:][a-z0-9_:]* [^ ]/ { help = $3; if (seen[$3]++) exit 1; next }
	/^# TYPE [a-z_:][a-z0-9_:]* (gauge|counter)$/ { if ($3 != help) exit 1; type = $4
		if ((type == "counter") != ($3 ~ /_total$/)) exit 1; next }
	{ line = $0; if (!match(line, /^[a-z_:][a-z0-9_:]*/) || substr(line, 1, RLENGTH) != help) exit 1
	  line = substr(line, RLENGTH + 1); q = "([^\"\\\\]|\\\\[\\\\\"n])*"
	  if (line !~ ("^(\\{[a-z_]+=\"" q "\"(,[a-z_]+=\"" q "\")*\\})? -?[0-9]+(\\.[0-9]+)?$")) exit 1; n++ }
	END { if (n < 10) exit 1 }' "$T/firn.prom"
is "and as its client for Python does" "$(/usr/bin/python3 "$FIRN_SRC/tests/lib/alerts.py" metrics "$T/firn.prom" 2>&1)" ""
if command -v promtool >/dev/null; then
	is "promtool has nothing to say of it" "$(promtool check metrics <"$T/firn.prom" 2>&1)" ""
fi
for name in firn_pass_last_success_timestamp_seconds firn_verify_last_success firn_orphan_objects firn_rehydrated_rows_total; do
	like "$name is there" "$(cat "$T/firn.prom")" "
$name [0-9]+
"
done
is "others may read it" "$(stat -c %a "$T/firn.prom")" "$(printf '%o' $((0644 & ~$(umask))))"
# What the alerts and the dashboard ask for is what was written.
named() { grep -oE '\bfirn_[a-z_]+' "$@" | sort -u; }
for file in prometheus/firn.rules.yml grafana/firn.json; do
	is "each metric of $file is there" "$(named "$FIRN_SRC/tools/$file" | while read -r name; do
		grep -q "^${name}[ {]" "$T/firn.prom" || echo "$name"; done)" ""
done
ok "the dashboard is JSON" /usr/bin/python3 -m json.tool "$FIRN_SRC/tools/grafana/firn.json"
exits "a report that fails" 64 "$FIRN" report --since yesterday --format prometheus --output "$T/firn.prom"
like "says what a day looks like" "$ERR" 'error: since: "yesterday" is not a day such as 2026-11-01'
for day in 2026-13-01 2026-02-30 2026-00-10 0000-01-01; do
	exits "$day, which never is," 64 "$FIRN" report --since $day
	like "$day: is told what a day looks like" "$ERR" "error: since: \"$day\" is not a day such as 2026-11-01"
done
like "leaves what is there" "$(cat "$T/firn.prom")" "firn_rows"
exits "status has no such format" 64 "$FIRN" status --format csv

# A pass that its limit ends is a good one.
sql "UPDATE firn.pass SET outcome = 'the limit of rows a pass was reached', finished_at = now() + interval '1 hour' WHERE id = (SELECT max(id) FROM firn.pass)"
exits "metrics after a pass with a limit" 0 "$FIRN" report --format prometheus
is "have it as a success" "$(printf '%s\n' "$OUT" | sed -n 's/^firn_pass_last_success_timestamp_seconds //p')" \
	"$(sql "SELECT extract(epoch FROM max(finished_at))::bigint FROM firn.pass")"

# --- what another policy would have done ---
printf '%s\n' 'rules: [{ name: idle, match: { idle_for: 60d }, archive: {} }]' 'limits: { min_residency: 0s }' >"$T/idle.yaml"
exits "what a policy would do" 0 "$FIRN" report --what-if "$T/idle.yaml" --format json
is "is told with its recommendation" "$(json '{what_if,0,held_back}') $(json '{what_if,0,rows}') $(json '{what_if,0,recommended}')" "true 0 false"
sql "DELETE FROM firn.touch_log WHERE managed <> 0; DELETE FROM firn.residency; DELETE FROM firn.heat
	; UPDATE firn.touched SET since = now() - interval '300 days'; UPDATE firn.heat_state SET known_since = now() - interval '300 days'"
# Nine were read once, five days ago; three of them also a day before that, and ten others 70 days ago.
sql "INSERT INTO firn.heat SELECT m.id, '', c.id::text, CASE WHEN n <= 3 THEN 1.9 ELSE 1 END,
		now() - CASE WHEN n <= 9 THEN 5 ELSE 70 END * interval '1 day'
	FROM firn.managed_table m, (SELECT id, row_number() OVER (ORDER BY id) AS n FROM document_chunk
		WHERE workspace_id = 'w4' LIMIT 19) c"
BEFORE=$(hot_rows)
printf '%s\n' 'rules: [{ name: old, match: { age_over: 1d }, archive: {} }]' 'limits: { min_residency: 0s }' >"$T/old.yaml"
exits "a policy at several times" 0 "$FIRN" report --what-if "$T/idle.yaml" --at 30d,60d,90d --format json
is "would have moved what nobody read for so long" "$(json '{what_if,0,rows}') $(json '{what_if,1,rows}') $(json '{what_if,2,rows}')" \
	"$((BEFORE - 9)) $((BEFORE - 9)) $((BEFORE - 19))"
is "of which some would have had to come back" "$(json '{what_if,0,woken_rows_per_month}') $(json '{what_if,2,woken_rows_per_month}')" "6 6"
is "nothing was moved" "$(hot_rows)" "$BEFORE"
is "and one is recommended" "$(printf '%s' "$OUT" | grep -c '"recommended": *true')" 1
exits "as text" 0 "$FIRN" report --what-if "$T/idle.yaml" --at 30d,400d
like "it says what it risks" "$OUT" "recommended: idle_for 30d, which saves [0-9.]+ USD a month gross; at least 6 rows a month"
like "and what is not known yet" "$OUT" "reads are not known for so long"
exits "with formulas" 64 "$FIRN" report --what-if "$T/idle.yaml" --explain
like "it is refused" "$ERR" "explain has no formulas"
exits "a policy that does not ask how long reads are ago" 0 "$FIRN" report --what-if "$T/old.yaml"
like "is not recommended, since it is not known what would come back" "$OUT" "nothing is recommended: how many rows would have to come back is not known"
exits "times without a rule that has them" 64 "$FIRN" report --what-if "$FIRN_POLICY" --at 30d
like "say so" "$ERR" "no rule with idle_for"
exits "a wrong time" 64 "$FIRN" report --what-if "$T/idle.yaml" --at 30d,soon
exits "times alone" 64 "$FIRN" report --at 30d

# A pass does not fail for what it cannot write down.
sql "DELETE FROM firn.usage_daily; ALTER TABLE firn.usage_daily ADD CHECK (hot_rows < 0)"
exits "a pass whose sizes are refused" 0 "$FIRN" pass
like "says so" "$ERR" "warning: could not record what storage is used"
done_testing
