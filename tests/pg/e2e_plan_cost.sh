# What planning reads and takes: no TOAST, nothing spilled, memory that does not grow with rows; also with reads and tenants.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

at_exit "$FIRN_SRC/tools/pg" down "$T/pg"
FIRN_PG_FSYNC=off "$FIRN_SRC/tools/pg" up "$T/pg" >"$T/uri" || exit 1
DB=$(cat "$T/uri")
sql "CREATE EXTENSION vector"
sql "CREATE TABLE chunk (id int8 PRIMARY KEY, workspace_id text NOT NULL, document_id int8, chunk_text text, embedding vector(3),
	embedding_version text NOT NULL, created_at timestamptz NOT NULL) WITH (autovacuum_enabled = off)"
sql "ALTER TABLE chunk ALTER chunk_text SET STORAGE EXTERNAL"
fill() { # FROM TO
	sql "INSERT INTO chunk SELECT r, 'w' || r % 50, r / 10, CASE WHEN r % 100 = 0 THEN repeat(md5(r::text), 100) ELSE md5(r::text) END, '[1,2,3]', 'v1',
		now() - (r % 400) * interval '1 day' FROM generate_series($1, $2) r"
	sql "VACUUM ANALYZE chunk"
}
e2e_env "$(e2e_file_archive)" public.chunk
cat >"$T/policy.yaml" <<'END'
rules:
  - name: keep
    match: { workspace: "w1?" }
    keep: true
  - name: idle
    match: { idle_for: 300d, of: document }
    archive: {}
  - name: old
    match: { age_over: 200d, document: "*7" }
    archive: {}
limits: { min_residency: 0s }
END
toast() { sql "SELECT coalesce(sum(toast_blks_read + toast_blks_hit), 0) FROM pg_statio_user_tables WHERE relname = 'chunk'"; }
spilled() { sql "SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()"; }
fill 1 20000
exits "init" 0 "$FIRN" init
exits "reads of some chunks" 0 bash -c 'seq 1 1000 | "$0" touch' "$FIRN"
exits "are known" 0 "$FIRN" touch --complete-since 2020-01-01
TOAST=$(toast)
ok "some texts are in TOAST" [ "$(sql "SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'chunk'")" -gt 500000 ]
exits "plan" 0 "$FIRN" plan --format json
ok "has something to do" [ "$(json '{total_rows}')" -gt 1000 ]
/usr/bin/python3 - "$FIRN" >"$T/small" <<'END' || true
import resource, subprocess, sys
subprocess.run([sys.argv[1], "plan"], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
END
fill 20001 200000
TOAST=$(toast)
SPILLED=$(spilled)
/usr/bin/python3 - "$FIRN" >"$T/large" <<'END' || true
import resource, subprocess, sys
subprocess.run([sys.argv[1], "plan"], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
END
ok "ten times as many rows take no more memory" [ "$(cat "$T/large")" -lt $(($(cat "$T/small") + 4096)) ]
flushed() { [ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'firn%'")" = 0 ]; }
ok "the sessions have ended, and were counted" poll_until 20 flushed
is "no TOAST was read" "$(toast)" "$TOAST"
is "nothing was spilled" "$(spilled)" "$SPILLED"
# A limited pass ranks candidates by narrow keys: it may spill these, never rows.
exits "a limited pass" 0 "$FIRN" pass --no-maintain --max-rows 500 --format json
is "moves so many" "$(json '{rows_moved}')" 500
ok "the sessions of the pass have ended" poll_until 20 flushed
ok "and spilled less than 100 bytes a row of the table" [ $(($(spilled) - SPILLED)) -lt $((200000 * 100)) ]
done_testing
