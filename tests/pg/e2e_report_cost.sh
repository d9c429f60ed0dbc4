# What belongs to no table, requests to the archive and the local cache, over several tables and days.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 4 30
sql "CREATE TABLE second_chunk (LIKE document_chunk INCLUDING ALL); INSERT INTO second_chunk SELECT * FROM document_chunk; ANALYZE"
e2e_env "$(e2e_file_archive)"
unset FIRN_TABLE
printf 'tables: [{ table: document_chunk }, { table: second_chunk }]\ncost: { egress_percent: 100 }\n' >"$T/firn.yaml"
export FIRN_PRICES=$FIRN_SRC/policies/prices/aws-eu-central-1.yaml FIRN_CONFIG=$T/firn.yaml
exits "init" 0 "$FIRN" init

# Rows sum up to the total, to the billionth where rows of a table are whole.
cat >"$T/sums.py" <<'END'
import json, sys
from decimal import Decimal as D
x = json.load(open(sys.argv[1]))
for m in ("requests", "cache", "objects", "cold"):
    rows, total = sum(D(r[m + "_per_month"]) for r in x["rows"]), D(x["total"][m + "_per_month"])
    assert abs(rows - total) <= D(sys.argv[2]), (m, rows, total)
for r in x["rows"] + [x["total"]]:
    assert D(r["cold_per_month"]) == D(r["objects_per_month"]) + D(r["requests_per_month"]) + D(r["cache_per_month"])
    assert D(r["saved_per_month"]) == D(r["all_hot_per_month"]) - D(r["hot_per_month"]) - D(r["cold_per_month"])
assert D(x["total"]["requests_per_month"]) > 0
END
sums() { printf '%s' "$OUT" >"$T/report.json" && python3 "$T/sums.py" "$T/report.json" "$1"; }

# (Not by workspace: what a leaf without rows takes is nobody's.)
for by in table leaf; do
	exits "a report by $by while nothing is cold" 0 "$FIRN" report --by $by --format json
	ok "shares requests out by what is hot" sums 0.000000020
done
is "of two tables of one size each has its half" "$("$FIRN" report --format csv | awk -F, '
	NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
	{ t += $c["requests_per_month"]; if ($c["requests_per_month"] > m) m = $c["requests_per_month"] }
	END { print m < 0.7 * t }')" 1

mkdir -p "$FIRN_CACHE_DIR/index"
truncate -s 12345 "$FIRN_CACHE_DIR/index/kept.idx"
exits "a pass over both tables" 0 "$FIRN" pass --jobs 2
is "leaves what the cache takes with each table's day" "$(sql "SELECT count(*), min(cache_bytes) >= 12345 FROM firn.usage_daily")" "2|t"
is "each table's pass has its own requests" "$(sql "SELECT count(DISTINCT pass_id) FROM firn.pass_request")" 2
is "its objects among them, and not the other's" "$(sql "SELECT bool_and(q.bytes >= s.bytes AND q.bytes < s.bytes + 4096) FROM firn.pass p
	JOIN firn.pass_request q ON q.pass_id = p.id AND q.kind = 'put'
	JOIN (SELECT pass_id, sum(bytes + index_bytes) AS bytes FROM firn.segment WHERE state = 'active' GROUP BY 1) s ON s.pass_id = p.id")" t
is "together no more than the day's" "$(sql "SELECT bool_and(p.calls <= d.calls AND p.bytes <= d.bytes) FROM firn.request_daily d
	JOIN (SELECT kind, storage_class, sum(calls) AS calls, sum(bytes) AS bytes FROM firn.pass_request GROUP BY 1, 2) p USING (kind, storage_class)")" t
exits "some rows come back" 0 "$FIRN" rehydrate --workspace w1 --table document_chunk
is "a rehydrate's requests are no pass's" "$(sql "SELECT sum(d.calls) > (SELECT sum(calls) FROM firn.pass_request WHERE kind = 'get')
	FROM firn.request_daily d WHERE kind = 'get'")" t
for by in table leaf workspace version segment; do
	exits "a report by $by" 0 "$FIRN" report --by $by --format json
	ok "sums up" sums 0.000000020
done
exits "a report of one table" 0 "$FIRN" report --table second_chunk --format json
ok "sums up" sums 0

# --- other days ---
# The day before yesterday, 1,000,000 puts and a cache of one GiB; in all three days so many are known.
sql "INSERT INTO firn.request_daily VALUES ((now() AT TIME ZONE 'UTC')::date - 2, 'put', '', 1000000, 0);
	INSERT INTO firn.usage_daily SELECT table_id, day - 2, measured_at - interval '2 days', hot_rows, heap_bytes, toast_bytes, index_bytes,
		vector_index_bytes, reclaimable_bytes, cold_rows, cold_raw_bytes, 0, 0, 1::bigint << 30 FROM firn.usage_daily;
	INSERT INTO firn.usage_daily_class SELECT table_id, day - 2, storage_class, objects, bytes, billed_bytes FROM firn.usage_daily_class;
	UPDATE firn.usage_daily SET cache_bytes = NULL WHERE day = (now() AT TIME ZONE 'UTC')::date"
exits "a report" 0 "$FIRN" report --format json --explain
ok "each day has its requests and cache" python3 -c '
import json, sys
x = json.loads(sys.argv[1])
near = lambda a, b: abs(float(a) - b) < 1e-6
old, new = x["days"]
assert near(old["requests_cost"], 5.4) and near(old["cache_cost"], 0.0952 / 30.4375), old
assert float(new["requests_cost"]) > 0 and float(new["cache_cost"]) == 0, new
# The last 30 days are what a month costs.
asked = 5.4 + float(new["requests_cost"])
assert near(x["total"]["requests_per_month"], asked)
assert near(x["saved_in_total"], float(old["saved"]) + float(new["saved"]))
assert [f for f in x["formulas"] if f["figure"] == "saved in total"][0]["formula"].startswith("the sum of 2 days")
named = {f["figure"]: f["formula"] for f in x["formulas"]}
assert "1.00 x 0.090000000 egress" in named["get requests to the default class"]
assert named["put requests to the default class"].endswith("calls / 1000 x 0.005400000")' "$OUT"
DAYS=$OUT
exits "a report by month" 0 "$FIRN" report --by month --format json
ok "months have what their days have" python3 -c '
import json, sys
x, y = json.loads(sys.argv[1]), json.loads(sys.argv[2])
total = lambda of, m: sum(float(r[m]) for r in of)
for month, day in (("cold_per_month", "cold_cost"), ("requests_per_month", "requests_cost"), ("cache_per_month", "cache_cost"), ("saved_per_month", "saved")):
    assert abs(total(y["rows"], month) - total(x["days"], day)) < 1e-7, month
assert {r["table"] for r in y["rows"]} == {"public.document_chunk", "public.second_chunk"}' "$DAYS" "$OUT"
exits "requests of months ago" 0 "$FIRN" report --format json
BEFORE=$(json '{total,requests_per_month}')
sql "INSERT INTO firn.request_daily VALUES ((now() AT TIME ZONE 'UTC')::date - 40, 'put', '', 1000000, 0)"
exits "a report" 0 "$FIRN" report --format json
is "are no part of a month" "$(json '{total,requests_per_month}')" "$BEFORE"
exits "metrics" 0 "$FIRN" report --format prometheus
like "count what was ever asked" "$OUT" 'firn_archive_requests_total\{kind="put"\} 20000[0-9]+'
like "and its bytes" "$OUT" 'firn_archive_request_bytes_total\{kind="get"\} [1-9]'

# --- what leaves the network costs ---
back() { "$FIRN" explain --table second_chunk --workspace w2 --format json | grep -o '"back": *"[0-9.]*"' | grep -o '[0-9.]*[0-9]' | head -1; }
FAR=$(back)
printf 'tables: [{ table: document_chunk }, { table: second_chunk }]\n' >"$T/firn.yaml"
NEAR=$(back)
ok "bringing back is dearer from outside" awk -v a="$FAR" -v b="$NEAR" 'BEGIN { exit !(a > b && b > 0) }'

# --- what is estimated ---
# Of more pages than are sampled, few rows each.
sql "CREATE TABLE large (id bigint PRIMARY KEY, workspace_id text, document_id bigint, created_at timestamptz, embedding vector(3)) WITH (fillfactor = 10);
	INSERT INTO large SELECT i, 'w' || i % 7, i / 10, now() - CASE WHEN i % 2 = 0 THEN 90 ELSE 1 END * interval '1 day', '[1,2,3]' FROM generate_series(1, 40000) i;
	DELETE FROM large WHERE id % 5 = 0"
sql "VACUUM ANALYZE large"
is "a table of many pages" "$(sql "SELECT pg_relation_size('large') / 8192 > 3300")" t
printf 'tables: [{ table: large }]\n' >"$T/firn.yaml"
exits "init" 0 "$FIRN" init
estimates() { "$FIRN" report --format json | python3 -c '
import json, sys
x = json.load(sys.stdin)
assert len(x["tenants"]) == 7 and all(t["hot_rows_estimated"] for t in x["tenants"])
print(x["tenants"], x["reclaimable"])'; }
FIRST=$(estimates)
like "is estimated by a sample" "$FIRST" "hot_rows"
is "and in the same way again" "$(estimates)" "$FIRST"
exits "as text" 0 "$FIRN" report
like "it has tenants" "$OUT" "the dearest tenants"
like "and says what is estimated" "$OUT" "w[0-6] +public\.large +~[0-9]"
unlike "it says of nothing that it was moved" "$OUT" "what was moved saves nothing"
for by in leaf version segment workspace; do
	exits "by $by" 0 "$FIRN" report --by $by
	unlike "there are none" "$OUT" "the dearest tenants"
done

# --- memory of vector indexes ---
# An index whose work was put off has the rows that moved as before: no memory is saved.
sql "CREATE TABLE remembered (id bigint PRIMARY KEY, workspace_id text, document_id bigint, created_at timestamptz, embedding vector(32));
	INSERT INTO remembered SELECT i, 'w' || i % 3, i / 10, now() - CASE WHEN i % 2 = 0 THEN 90 ELSE 1 END * interval '1 day',
		ARRAY(SELECT sin(i * j) FROM generate_series(1, 32) j)::vector FROM generate_series(1, 4000) i;
	CREATE INDEX ON remembered USING hnsw (embedding vector_l2_ops); ANALYZE remembered"
printf 'tables: [{ table: remembered }]\ncost: { index_memory_percent: 100 }\n' >"$T/firn.yaml"
printf 'rules: [{ name: old, match: { age_over: 30d }, archive: {} }]\n' >"$T/policy.yaml"
export FIRN_POLICY=$T/policy.yaml
exits "init" 0 "$FIRN" init
exits "a pass that puts index work off" 0 "$FIRN" pass --no-maintain
# What cold rows would want of memory, in GiB, and of the index as it is.
vectors() { "$FIRN" report --explain --format json | python3 -c '
import json, sys
f = {f["figure"].replace(" of public.remembered", ""): f for f in json.load(sys.stdin)["formulas"]}
more, is_ = float(f["more GiB of vector indexes, were all hot,"]["result"]), float(f["memory"]["formula"].split()[4]) / 2**30
print("none" if more < 0.1 * is_ else "as much" if 0.6 * is_ < more < 1.4 * is_ else (more, is_))'; }
is "would want no more memory, were its rows hot" "$(vectors)" none
exits "index work" 0 "$FIRN" maintain
is "after it they would" "$(vectors)" "as much"
exits "a report by segment" 0 "$FIRN" report --by segment --format json
ok "segments sum up to that" python3 -c '
import json, sys
from decimal import Decimal as D
x = json.loads(sys.argv[1])
assert abs(sum(D(r["saved_per_month"]) for r in x["rows"]) - D(x["total"]["saved_per_month"])) < D("0.00000002")' "$OUT"
done_testing
