# firn explain: what it says of each chunk is what a pass then does with it; and where cold ones are.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 2 4
sql "UPDATE document_chunk SET created_at = now() - interval '20 days' WHERE chunk_index = 1 AND workspace_id <> 'w2'"
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
cat >"$T/policy.yaml" <<'END'
rules:
  - name: keep-w2
    match: { workspace: "w2*" }
    keep: true
  - name: superseded
    match: { superseded: { grace: 1h } }
    archive: {}
  - name: texts
    match: { where: "length(chunk_text) > 150", age_over: 30d }
    archive: {}
  - name: idle
    match: { idle_for: 60d, version: v2, heat_below: 2 }
    archive: {}
limits: { min_residency: 1d, jobs: 1 }
END
sql "SELECT firn.touch('document_chunk', (SELECT array_agg(id) FROM (SELECT id FROM document_chunk WHERE workspace_id = 'w3'
	AND embedding_version = 'v2' ORDER BY id LIMIT 3) q))" >/dev/null
exits "reads are folded" 0 "$FIRN" pass --no-maintain --max-rows 1
sql "UPDATE firn.heat_state SET known_since = now() - interval '60 years'"
exits "what moved comes back" 0 "$FIRN" rehydrate --where-cold all
sql "DELETE FROM firn.residency"
exits "plan" 0 "$FIRN" plan --format json
PLANNED=$(json '{total_rows}')
ok "has something to do" [ "$PLANNED" -gt 5 ]

# Every chunk: the rule that explain names, and that all its conditions hold, and of no rule before it.
: >"$T/verdicts"
for id in $(sql "SELECT id FROM document_chunk ORDER BY id"); do
	"$FIRN" explain --chunk "$id" --format json >"$T/explain" 2>>"$T/errors" || echo "failed: $id" >>"$T/errors"
	psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$DB" -v doc="$(cat "$T/explain")" -v id="$id" <<'END' >>"$T/verdicts"
SELECT :'id', coalesce(c ->> 'verdict', '-'), coalesce((SELECT r ->> 'name' FROM jsonb_array_elements(c -> 'rules') WITH ORDINALITY r (r, n)
	WHERE NOT EXISTS (SELECT 1 FROM jsonb_array_elements(r -> 'conditions') k WHERE k ->> 'holds' = 'false') ORDER BY n LIMIT 1), '-')
FROM jsonb_array_elements((:'doc'::jsonb) -> 'chunks') c
END
done
is "every chunk is explained" "$(wc -l <"$T/verdicts") $(cat "$T/errors")" "$(hot_rows) "
is "the verdict is the first rule of which all conditions hold" "$(awk -F'|' '$2 != $3' "$T/verdicts")" ""
for rule in keep-w2 superseded texts idle -; do
	ok "some chunks have the verdict $rule" grep -q "|$rule|" "$T/verdicts"
done
sql "CREATE TABLE all_ids AS SELECT id::text, workspace_id, document_id FROM document_chunk"
DOC=$(sql "SELECT document_id FROM document_chunk WHERE workspace_id = 'w1' ORDER BY 1 LIMIT 1")
exits "a document" 0 "$FIRN" explain --document "$DOC" --format json
is "has its rows by rule" "$(sql "SELECT sum((s ->> 'rows')::int) FROM jsonb_array_elements('$OUT'::jsonb -> 'sums') s")" \
	"$(sql "SELECT count(*) FROM document_chunk WHERE document_id = '$DOC'")"
exits "a workspace" 0 "$FIRN" explain --workspace w2
like "is kept" "$OUT" 'keep-w2 +keep +16 '
LATER=$(sql "SELECT id FROM document_chunk WHERE workspace_id = 'w1' AND embedding_version = 'v2' AND chunk_index = 1 AND length(chunk_text) > 150 LIMIT 1")
exits "a chunk that is too young" 0 "$FIRN" explain --chunk "$LATER" --format json
is "would move when it is old enough" "$(json '{chunks,0,verdict}') $(json '{chunks,0,moves_at}')" \
	" $(sql "SELECT to_char(created_at AT TIME ZONE 'UTC' + interval '30 days', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM document_chunk WHERE id = '$LATER'")"
exits "to be read" 0 "$FIRN" explain --chunk "$LATER"
like "it says which condition is wanting" "$OUT" 'age_over +no +20'
like "and from when on" "$OUT" 'no rule matches; it would move from 20'

exits "the pass" 0 "$FIRN" pass --no-maintain --format json
is "moves as many as were planned" "$(json '{rows_moved}')" "$PLANNED"
is "and just those that explain named" "$(sql "SELECT id FROM all_ids EXCEPT SELECT id::text FROM document_chunk ORDER BY 1")" \
	"$(awk -F'|' '$2 != "-" && $2 !~ /^keep/ { print $1 }' "$T/verdicts" | LC_ALL=C sort)"
COLD=$(awk -F'|' '$2 == "superseded" { print $1; exit }' "$T/verdicts")
exits "a cold chunk" 0 "$FIRN" explain --chunk "$COLD" --format json
is "is in a segment, by the rule that was named" "$(json '{cold_rows}') $(json '{segments,0,rule}') $(json '{chunks}')" "1 superseded []"
is "whose object is there" "$(objects | grep -cxF "$(json '{segments,0,object}')")" 1
exits "a workspace that is hot and cold" 0 "$FIRN" explain --workspace w1 --format json
is "has all its rows" "$(($(sql "SELECT sum((s ->> 'rows')::int) FROM jsonb_array_elements('$OUT'::jsonb -> 'sums') s") + $(json '{cold_rows}')))" \
	"$(sql "SELECT count(*) FROM all_ids WHERE workspace_id = 'w1'")"
exits "the cold chunk again" 0 "$FIRN" explain --chunk "$COLD" --format json
is "is in one block" "$(json '{segments,0,blocks}') $(json '{segments,0,back}')" "1 "
printf '%s\n' 'name: p' 'date: "2026-11-01"' 'source: none' 'hot_usd_per_gib_month: 1073741824' 'classes:' '  - { storage_class: STANDARD, usd_per_gib_month: 0, usd_per_1000_get: 1000, usd_per_gib_retrieved: 1073741824 }' >"$T/p.yaml"
exits "with prices" 0 "$FIRN" explain --chunk "$COLD" --prices "$T/p.yaml" --format json
is "bringing it back costs two requests, and its block's bytes" "$(json '{segments,0,back}')" "$(sql "SELECT (2 + $(json '{segments,0,block_bytes}'))::numeric(20, 9)")"
HOT=$(sql "SELECT id FROM document_chunk LIMIT 1")
exits "a hot one" 0 "$FIRN" explain --chunk "$HOT" --prices "$T/p.yaml" --format json
ok "would save what it takes, and its part of the indexes" [ "$(json '{chunks,0,saved_month}' | cut -d. -f1)" -ge "$(json '{chunks,0,bytes}')" ]
sql "UPDATE firn.segment SET storage_class = 'GLACIER'"
exits "one that must be restored" 0 "$FIRN" explain --chunk "$COLD"
like "says how long that takes" "$OUT" 'must be restored first, which takes about [0-9]+ hours'
sql "UPDATE firn.segment SET storage_class = NULL"
exits "brought back" 0 "$FIRN" rehydrate --chunk "$COLD"
exits "it is hot again" 0 "$FIRN" explain --chunk "$COLD"
like "and stays for min_residency" "$OUT" 'it stays until 20.* by min_residency'
exits "a chunk that never was" 78 "$FIRN" explain --chunk 00000000-0000-0000-0000-000000000000
like "is said to be none" "$ERR" 'no chunk "0000.*" is hot or cold'
exits "no id at all" 64 "$FIRN" explain --chunk banana
exits "two questions" 64 "$FIRN" explain --chunk "$COLD" --workspace w1
exits "no question" 64 "$FIRN" explain

# ---- what a plan would bring ----
printf '%s\n' 'name: dear' 'date: "2026-11-01"' 'source: none' 'hot_usd_per_gib_month: 1073741.824' 'classes: [ { storage_class: STANDARD, usd_per_gib_month: 1073.741824 } ]' >"$T/prices.yaml"
exits "all of it is hot" 0 "$FIRN" rehydrate --where-cold all --no-maintain
sql "DELETE FROM firn.residency; ANALYZE document_chunk"
printf 'cost: { replicas: 0, wal_percent: 0, index_memory_percent: 0 }\n' >"$T/firn.yaml"
exits "a plan with prices" 0 "$FIRN" plan --config "$T/firn.yaml" --prices "$T/prices.yaml" --format json
# A thousandth of the currency for each hot byte, a millionth for each cold one.
is "says what it saves: the rows, with a part of the indexes" "$(sql "SELECT $(json '{expected,saved_month}') BETWEEN $(json '{total_bytes}') * 0.001 - 0.1 AND
	$(json '{total_bytes}') * 0.001 + (SELECT sum(pg_indexes_size(oid)) FROM pg_class WHERE relname ~ '^document_chunk_p[01]\$') * 0.001")" t
like "as a decimal" "$OUT" '"saved_month": "[0-9]+\.[0-9]{9}"'
is "how many transactions, and for how long they lock rows" "$(json '{expected,transactions}') $(sql "SELECT $(json '{expected,lock_s}') BETWEEN 0 AND 60")" "2 t"
exits "without prices" 0 "$FIRN" plan --format json
is "nothing is said of money" "$(json '{expected,saved_month}') $(json '{expected,price_list}')" " "

# ---- what a pass decided ----
log() { sql "SELECT string_agg(concat_ws(' ', decision, rule, rows), ', ' ORDER BY decision, rule, rows) FROM
	(SELECT decision, rule, sum(rows) AS rows FROM firn.pass_log WHERE pass_id = (SELECT max(id) FROM firn.pass) GROUP BY 1, 2) q"; }
moved() { sql "SELECT sum(rows_total) FROM firn.segment WHERE rule = '$1' AND pass_id = (SELECT max(id) FROM firn.pass)"; }
is "the log says what that pass moved by each rule" "$(log)" "moved idle $(moved idle), moved superseded $(moved superseded), moved texts $(moved texts)"
exits "the latest pass" 0 "$FIRN" explain --last-pass
like "is shown" "$OUT" 'moved +public.document_chunk_p[01] +superseded +1 '
exits "all comes back" 0 "$FIRN" rehydrate --where-cold all
sql "DELETE FROM firn.residency; UPDATE firn.heat_state SET known_since = now()"
exits "a pass with a limit, and reads that are not known" 0 "$FIRN" pass --no-maintain --max-rows 3
exits "of which it is asked" 0 "$FIRN" explain --last-pass --format json
is "moved three" "$(sql "SELECT sum((d ->> 'rows')::int) FROM jsonb_array_elements('$OUT'::jsonb -> 'decisions') d WHERE d ->> 'decision' = 'moved'")" 3
is "left the others, kept what is kept, held a rule back, and stopped" "$(sql "SELECT string_agg(DISTINCT decision, ' ') FROM firn.pass_log
	WHERE pass_id = $(json '{pass}')")" "held-back kept left moved stopped"
like "for reasons" "$OUT" 'the limit of rows a pass was reached'
like "that it gives" "$OUT" 'reads are known only since 20.*, which is long enough from 20'
exits "a pass with index work" 0 "$FIRN" pass
is "says what was done" "$(sql "SELECT count(*) > 0 FROM firn.pass_log WHERE decision IN ('analyze', 'vacuum', 'reindex', 'wait') AND pass_id = (SELECT max(id) FROM firn.pass)")" t
exits "after something came back" 0 "$FIRN" rehydrate --where-cold all
sql "DELETE FROM firn.residency"
FIRN_FAULT=move.after_upload=error exits "one that fails at its first segment" 70 "$FIRN" pass
like "says at what" "$(sql "SELECT reason FROM firn.pass_log WHERE decision = 'failed' ORDER BY id DESC LIMIT 1")" "a fault was injected"
sql "UPDATE firn.pass_log SET at = now() - interval '91 days'"
PASS=$(sql "SELECT max(id) FROM firn.pass")
sql "UPDATE firn.pass SET rows_moved = 0, finished_at = now(), outcome = 'done' WHERE id = $PASS"
exits "a later pass" 0 "$FIRN" pass
is "forgets what is too old" "$(sql "SELECT count(*) FROM firn.pass_log WHERE at < now() - interval '1 day'")" 0
exits "what went from the log" 0 "$FIRN" explain --pass "$PASS"
is "is said to be what it could be" "$OUT" "pass $PASS: nothing was due"
sql "UPDATE firn.pass SET outcome = 'died' WHERE id = $PASS"
exits "what is not known of one that died" 0 "$FIRN" explain --pass "$PASS"
is "is not said to be nothing" "$OUT" "pass $PASS: it died, or failed, and what it decided is not known"
sql "UPDATE firn.pass SET outcome = 'done' WHERE id = $PASS"
sql "UPDATE firn.pass SET finished_at = now() - interval '91 days' WHERE id = $PASS"
exits "of an old pass" 0 "$FIRN" explain --pass "$PASS"
is "it is not known" "$OUT" "pass $PASS: what it decided is no longer known"
sql "UPDATE firn.pass SET finished_at = NULL, started_at = now() WHERE id = $PASS"
exits "of one that has not ended" 0 "$FIRN" explain --pass "$PASS" --format json
is "that is said" "$(json '{no_decisions}')" "it is at work, or died before it wrote down what it decided"
sql "ALTER TABLE firn.pass_log RENAME TO gone"
sql "DELETE FROM firn.residency"
exits "a log that cannot be written" 0 "$FIRN" pass
like "is only a warning" "$ERR" "could not write what the pass decided"
sql "ALTER TABLE firn.gone RENAME TO pass_log"
exits "a pass that never was" 78 "$FIRN" explain --pass 999999
like "is none" "$ERR" "there is no pass 999999"
done_testing
