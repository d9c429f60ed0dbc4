# kill -9 of firn at every fault site of folding: each read is counted exactly once, in the log or in the heat; and reads
# that go on meanwhile.
. "$FIRN_SRC/tests/lib/e2e_common.sh"
. "$FIRN_SRC/tests/lib/e2e_crash.sh"

fresh_db
e2e_tables 2 30
e2e_env "$(e2e_file_archive)"
printf '%s\n' 'rules:' '  - name: nothing' '    match: { workspace: nobody }' '    archive: {}' >"$T/policy.yaml"
exits "init" 0 "$FIRN" init
sql "CREATE TABLE reads (id uuid, workspace text, read_at timestamptz)"

# Enough for several batches, of which some rows are the other kind's, with and without a workspace.
touch_many() {
	sql "CREATE TEMP TABLE given AS SELECT n, CASE n % 3 WHEN 0 THEN '' ELSE 'w' || n % 4 END AS workspace,
			clock_timestamp() - abs(hashtext(n || '$1')) % 2000000 * interval '1 second' AS read_at,
			(SELECT array_agg(id) FROM (SELECT id FROM document_chunk ORDER BY hashtext(id::text || n || '$1') LIMIT 10) c) AS ids
		FROM generate_series(1, 4000) n;
		INSERT INTO firn.touched (managed) SELECT 'document_chunk'::regclass WHERE NOT EXISTS (SELECT 1 FROM firn.touched);
		INSERT INTO firn.touch_log SELECT CASE n % 2 WHEN 0 THEN 'document_chunk' ELSE 'document_chunk_p1' END::regclass,
			workspace, ids::text[], read_at FROM given ORDER BY n;
		INSERT INTO reads SELECT unnest(ids), workspace, read_at FROM given"
}
# What the heat and the log have together, against the reads themselves: how many differ.
differ() { sql "WITH t AS (SELECT timestamptz '2030-01-01' AS at),
	counted AS (SELECT workspace, chunk, sum(heat) AS heat, max(last) AS last FROM (
		SELECT workspace, chunk, heat * 2 ^ (-extract(epoch FROM t.at - last_read)::float8 / 604800) AS heat, last_read AS last
		FROM firn.heat, t UNION ALL
		SELECT workspace, unnest(ids), 2 ^ (-extract(epoch FROM t.at - read_at)::float8 / 604800), read_at FROM firn.touch_log, t
		WHERE managed <> 0) x GROUP BY 1, 2),
	wanted AS (SELECT workspace, id::text AS chunk, sum(2 ^ (-extract(epoch FROM t.at - read_at)::float8 / 604800)) AS heat,
		max(read_at) AS last FROM reads, t GROUP BY 1, 2)
	SELECT count(*) FROM wanted w FULL JOIN counted c USING (workspace, chunk)
	WHERE w.heat IS NULL OR c.heat IS NULL OR abs(w.heat / c.heat - 1) > 1e-9 OR w.last <> c.last"; }
is "the comparison sees what is missing" "$(sql "INSERT INTO reads SELECT id, 'x', now() FROM document_chunk" && differ)" "$(hot_rows)"
sql "TRUNCATE reads"
logged() { sql "SELECT count(*) FROM firn.touch_log WHERE managed <> 0"; }

for site in $(fault_sites heat.); do
	touch_many "$site"
	sql "UPDATE firn.heat_state SET pruned_at = NULL"
	case $site in
	*_commit) killed_at "$site=kill:2" "$site" "$FIRN" pass --no-maintain ;;
	*) killed_at "$site" "$site" "$FIRN" pass --no-maintain ;;
	esac
	case $site in
	*_commit | *_batch) ok "$site: some were folded, others not" [ "$(logged)" -gt 0 -a "$(logged)" -lt 4000 ] ;;
	*) is "$site: all were folded" "$(logged)" 0 ;;
	esac
	is "$site: each read is there once" "$(differ)" 0
	exits "$site: the next pass" 0 "$FIRN" pass --no-maintain
	is "$site: folds the rest" "$(logged)" 0
	is "$site: each once" "$(differ)" 0
	unlike "$site: nothing is taken for lost" "$ERR" 'log of reads was lost'
	is "$site: the log has given its room back" "$(sql "SELECT pg_relation_size('firn.touch_log') <= 32768")" t
done

# Readers do not stop for a pass. With so long a half-life heat is a count.
printf '%s\n' 'heat: { half_life: 3650d }' >"$T/firn.yaml"
export FIRN_CONFIG=$T/firn.yaml
sql "TRUNCATE firn.heat"
cat >"$T/reader.sql" <<'END'
SELECT firn.touch('document_chunk', ARRAY(SELECT id FROM document_chunk ORDER BY random() LIMIT 5), 'w1') FROM generate_series(1, 3);
END
for i in 1 2 3; do
	(for ((n = 0; n < 300; n++)); do cat "$T/reader.sql"; done | psql -X -q -A -t -d "$DB" -o "$T/reader.$i" 2>"$T/reader.$i.err"
		touch "$T/reader.$i.done") &
done
passes=0
until [ -e "$T/reader.1.done" ] && [ -e "$T/reader.2.done" ] && [ -e "$T/reader.3.done" ]; do
	"$FIRN" pass --no-maintain >/dev/null 2>"$T/pass.err" || break
	passes=$((passes + 1))
done
wait
ok "passes folded while others read" [ "$passes" -gt 1 ]
is "no reader failed" "$(cat "$T"/reader.*.err)" ""
exits "the last pass" 0 "$FIRN" pass --no-maintain
is "every read was counted" "$(sql "SELECT round(sum(heat)) FROM firn.heat")" $((3 * 300 * 3 * 5))
done_testing
