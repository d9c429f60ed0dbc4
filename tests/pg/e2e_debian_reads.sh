# The reads of ../shared/data/debian: idle_for and heat_below move precisely the chunks that a plain query over them names.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

data=${FIRN_TEST_DATA-$FIRN_SRC/../shared/data/debian}
[ -e "$data/reads.csv.zst" ] || skip_all "the corpus is not there"
command -v zstd >/dev/null || skip_all "there is no zstd to unpack the corpus: run tools/bootstrap check"

fresh_db
PGOPTIONS='-c client_min_messages=warning' sql_file "$data/schema.sql"
for t in document document_chunk; do
	zstd -dqc "$data/$t.copy.zst" | sql "COPY $t FROM STDIN (FORMAT BINARY)"
done
# As if all of it had been made a year before the last read, which is now: reads decide.
sql "CREATE TABLE reads (id uuid, workspace text, read_at timestamptz)"
zstd -dqc "$data/reads.csv.zst" | sql "COPY reads FROM STDIN (FORMAT csv, HEADER)"
sql "UPDATE reads SET read_at = read_at + (SELECT date_trunc('second', now()) - interval '1 hour' - max(read_at) FROM reads);
	UPDATE document_chunk SET created_at = now() - interval '1 year'; ANALYZE"
ROWS=$(hot_rows)
ALL=$(e2e_digest)
e2e_env "$(e2e_file_archive)"
moves() { # NAME MATCH QUERY of the ids that stay
	printf '%s\n' 'rules:' '  - name: cold' "    match: { $2 }" '    archive: {}' 'limits: { min_residency: 0s }' >"$T/policy.yaml"
	sql "$3" >"$T/stay"
	ok "$1: some stay, others do not" test -s "$T/stay" -a "$(wc -l <"$T/stay")" -lt "$ROWS"
	diag "$(wc -l <"$T/stay") of $ROWS rows stay"
	exits "$1: pass" 0 "$FIRN" pass --no-maintain --format json
	is "$1: moves as many" "$(json '{rows_moved}') $(json '{held_back}')" "$((ROWS - $(wc -l <"$T/stay"))) []"
	sql "SELECT id FROM document_chunk ORDER BY id" >"$T/hot"
	ok "$1: exactly the others are hot" cmp "$T/hot" "$T/stay"
	exits "$1: rehydrate" 0 "$FIRN" rehydrate --where-cold all
	is "$1: bit for bit" "$(e2e_digest)" "$ALL"
	sql "DELETE FROM firn.residency"
}
HEAT="sum(2 ^ (-extract(epoch FROM now() - r.read_at) / 604800))"
# Time goes on between the query and the pass: no read lies at the edge, and thresholds in the widest gap about 0.5.
sql "DELETE FROM reads WHERE read_at BETWEEN now() - interval '60 days' AND now() - interval '59 days 23 hours 50 minutes'"
sql "COPY reads TO STDOUT (FORMAT csv, HEADER)" >"$T/reads.csv"
export FIRN
exits "init" 0 "$FIRN" init
exits "touch" 0 bash -c '"$FIRN" touch --complete-since 2020-01-01 --format json <"$0"' "$T/reads.csv"
is "records every read" "$(json '{touched}')" "$(sql "SELECT count(*) FROM reads")"
diag "in $(json '{seconds}') s"

threshold() { sql "SELECT round((a + b)::numeric / 2, 8) FROM (SELECT heat AS a, lead(heat) OVER (ORDER BY heat) AS b FROM (
	SELECT $HEAT AS heat FROM document_chunk c JOIN reads r USING (id) GROUP BY c.$1) h) g
	WHERE a > 0.45 AND b < 0.55 ORDER BY b / a DESC LIMIT 1"; }
moves "idle_for 60d" "idle_for: 60d" "SELECT DISTINCT c.id FROM document_chunk c JOIN reads r USING (id)
	WHERE r.read_at > now() - interval '60 days' ORDER BY 1"
moves "idle_for 60d of documents" "idle_for: 60d, of: document" "SELECT id FROM document_chunk WHERE document_id IN (
	SELECT c.document_id FROM document_chunk c JOIN reads r USING (id) WHERE r.read_at > now() - interval '60 days') ORDER BY 1"
B=$(threshold id)
moves "heat_below" "heat_below: $B" "SELECT c.id FROM document_chunk c JOIN reads r USING (id)
	GROUP BY 1 HAVING $HEAT >= $B ORDER BY 1"
B=$(threshold document_id)
moves "heat_below of documents" "heat_below: $B, of: document" "SELECT id FROM document_chunk WHERE document_id IN (
	SELECT c.document_id FROM document_chunk c JOIN reads r USING (id) GROUP BY 1 HAVING $HEAT >= $B) ORDER BY 1"
done_testing
