# maintain --reclaim: a leaf's files really shrink, with every row, index and reader as before; what keeps it from running is
# said; a run that dies is found.
. "$FIRN_SRC/tests/lib/e2e_common.sh"
. "$FIRN_SRC/tests/lib/e2e_crash.sh"

fresh_db
e2e_tables 2 350
# Rows of some kilobytes that do not compress: heap and TOAST of each leaf are some thirty megabytes.
sql "UPDATE document_chunk SET chunk_text = (SELECT string_agg(md5(id::text || i), '') FROM generate_series(1, 400) i)"
sql "CREATE INDEX document_chunk_hnsw ON document_chunk USING hnsw (embedding vector_cosine_ops)"
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
# Rows of both versions side by side: what a pass leaves is full of holes, and its end is not free.
mixed() {
	for leaf in document_chunk_p0 document_chunk_p1; do sql "CLUSTER $leaf USING ${leaf}_pkey" && sql "VACUUM ANALYZE $leaf"; done
}
holes() { "$FIRN" rehydrate --where-cold all >/dev/null && mixed && "$FIRN" pass >/dev/null; }
mixed
exits "nothing to reclaim" 0 "$FIRN" maintain --reclaim --format json
is "and nothing done" "$(json '{steps}') $(json '{put_off}')" "[] 0"
exits "a pass" 0 "$FIRN" pass
HOT=$(e2e_digest)
bytes() { sql "SELECT sum(pg_relation_size(oid) + coalesce(pg_relation_size(nullif(reltoastrelid, 0)), 0)) FROM pg_class WHERE relname ~ '^document_chunk_p[0-9]+$'"; }
indexes() { sql "SELECT c.relname, i.indisvalid, EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhrelid = c.oid), pg_get_indexdef(c.oid)
	FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid::regclass::text ~ '^document_chunk' ORDER BY 1"; }
FULL=$(bytes)
INDEXES=$(indexes)

# ---- what keeps it from running ----
reclaim() { "$FIRN" maintain --reclaim --format json; }
exits "without the extension" 75 reclaim
if [ -z "$(sql "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_repack'")" ]; then
	like "says what to install" "$(json '{steps}')" 'install postgresql-[0-9]+-repack'
	diag "the rest needs postgresql-NN-repack, which apt does not have here"
	done_testing
	exit
fi
like "says what to create" "$(json '{steps}')" 'put-off.*no extension pg_repack: CREATE EXTENSION pg_repack'
is "touches nothing" "$(bytes)" "$FULL"
exits "the same for people" 75 "$FIRN" maintain --reclaim
like "says how much it is" "$OUT" 'MiB inside the files is free'
sql "CREATE EXTENSION pg_repack"
printf 'maintain: { disk_free_bytes: 1MiB }\n' >"$T/room.yaml"
exits "without room" 75 "$FIRN" -c "$T/room.yaml" maintain --reclaim
like "says how much it needs" "$OUT" 'may need .* of disk, there are 1\.0 MiB'
printf 'limits: { min_residency: 0s, window: "00:00-00:01 Etc/GMT%s" }\nrules: [{ name: s, match: { superseded: {} }, archive: {} }]\n' \
	"$([ "$(date -u +%H)" = 00 ] && echo +6 || echo +0)" >"$T/window.yaml"
exits "outside the window" 75 "$FIRN" maintain --reclaim --policy "$T/window.yaml"
like "says so" "$OUT" 'put-off.*window'
exits "a dry run" 0 "$FIRN" maintain --reclaim --dry-run --format json
like "says what it would do" "$(json '{steps}')" '"action": "repack".*MiB could go back to the disk'
is "and touches nothing" "$(bytes)" "$FULL"

# ---- dying ----
for site in $(fault_sites reclaim.); do
	ok "$site: holes" holes
	killed_at "$site" "$site" "$FIRN" maintain --reclaim
	is "$site: every row is there" "$(e2e_digest)" "$HOT"
	is "$site: no trigger is left" "$(sql "SELECT count(*) FROM pg_trigger WHERE tgname = 'repack_trigger'")" 0
done
ok "holes again" holes
# While pg_repack copies, firn is killed or told to stop: it ends pg_repack, which cleans up.
for signal in KILL TERM; do
	psql -X -q -d "$DB" >/dev/null 2>&1 <<<"BEGIN; LOCK TABLE document_chunk_p0 IN ROW EXCLUSIVE MODE; SELECT pg_sleep(100)" &
	"$FIRN" maintain --reclaim >"$T/out" 2>&1 &
	PID=$!
	repacks() { [ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_repack' AND datname = current_database()")" -gt 0 ]; }
	ok "$signal: pg_repack is at work" poll_until 20 repacks
	kill -$signal $PID
	status=0
	wait $PID 2>/dev/null || status=$?
	is "$signal ends firn" "$status" "$([ $signal = KILL ] && echo 137 || echo 75)"
	sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(100)%' AND pid <> pg_backend_pid()" >/dev/null
	alone() { ! repacks; }
	ok "$signal: and pg_repack" poll_until 20 alone
	is "$signal: no trigger is left" "$(sql "SELECT count(*) FROM pg_trigger WHERE tgname = 'repack_trigger'")" 0
	is "$signal: every row is there" "$(e2e_digest)" "$HOT"
done
wait

# ---- it works, while rows come and go ----
ok "holes in both leaves" holes
FULL=$(bytes)
sql "CREATE TABLE written (id uuid, rev int)"
: >"$T/go"
while [ -e "$T/go" ]; do
	echo "WITH u AS (UPDATE document_chunk SET rev = rev + 1 WHERE id IN (SELECT id FROM document_chunk TABLESAMPLE SYSTEM (5) LIMIT 3)
		RETURNING id, rev) INSERT INTO written SELECT * FROM u; SELECT pg_sleep(0.02);"
done | psql -X -q -d "$DB" >/dev/null 2>"$T/writer.err" &
WRITER=$!
writes() { [ "$(sql "SELECT count(*) FROM written")" -gt 10 ]; }
ok "a writer is at work" poll_until 20 writes
BEFORE=$(sql "SELECT count(*) FROM written")
exits "reclaim" 0 reclaim
rm "$T/go"
wait $WRITER
is "the writer met no error" "$(cat "$T/writer.err")" ""
ok "and wrote meanwhile" [ "$(sql "SELECT count(*) FROM written")" -gt "$BEFORE" ]
is "what it wrote is there" "$(sql "SELECT count(*) FROM (SELECT id, max(rev) AS rev FROM written GROUP BY id) w
	LEFT JOIN document_chunk c USING (id, rev) WHERE c.id IS NULL")" 0
like "it says what was reclaimed" "$(json '{steps}')" '"action": "repack"'
AFTER=$(bytes)
ok "the files are a third smaller at least" [ $((AFTER * 3)) -lt $((FULL * 2)) ]
sql "UPDATE document_chunk SET rev = 0"
is "every row is as it was" "$(e2e_digest)" "$HOT"
is "the indexes are as they were, attached" "$(indexes)" "$INDEXES"
is "they find rows" "$(sql "SET enable_seqscan = off; SELECT count(*) FROM (SELECT id FROM document_chunk ORDER BY embedding <=> (SELECT embedding FROM document_chunk ORDER BY id LIMIT 1) LIMIT 10) q")" 10
is "it is logged" "$(sql "SELECT count(*) > 0, min(bytes_after) > 0 FROM firn.maintenance_log WHERE action = 'repack'")" "t|t"
is "nothing is due" "$(sql "SELECT count(*) FROM firn.maintenance")" 0
exits "what is cold comes back" 0 "$FIRN" rehydrate --where-cold all
exits "verify --deep" 0 "$FIRN" verify --deep

# ---- a lock that does not go away, what another left ----
ok "holes once more" holes
LEAF=$(sql "SELECT tableoid::regclass FROM document_chunk LIMIT 1")
psql -X -q -d "$DB" >/dev/null 2>&1 <<EOF
CREATE TABLE repack.log_for_test (id bigserial PRIMARY KEY, pk record, row $LEAF);
CREATE TRIGGER repack_trigger AFTER INSERT OR UPDATE OR DELETE ON $LEAF FOR EACH ROW
	EXECUTE FUNCTION repack.repack_trigger('workspace_id', 'id');
EOF
exits "a trigger that a dead pg_repack left" 75 reclaim
like "is said, and what to do" "$(json '{steps}')" 'died left its trigger.*DROP EXTENSION pg_repack CASCADE'
sql "DROP TRIGGER repack_trigger ON $LEAF"
done_testing
