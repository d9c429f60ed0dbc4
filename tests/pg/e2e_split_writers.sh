# Writers change contents, keys and workspaces, delete and add rows throughout, while the table is split several times, a
# split is killed and goes on, another is taken back, and cold rows come back. Each change is made in a mirror by the same
# statement, and at the end every row is compared with it.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

pgbench=$(command -v pgbench || ls /usr/lib/postgresql/*/bin/pgbench 2>/dev/null | tail -n 1)
[ -n "$pgbench" ] || { echo "Bail out! there is no pgbench"; exit 1; }

fresh_db
e2e_tables 0 400
sql "ALTER TABLE document_chunk DROP CONSTRAINT document_chunk_pkey, ADD COLUMN no int"
sql "UPDATE document_chunk SET no = n FROM (SELECT id, row_number() OVER (ORDER BY id) n FROM document_chunk) x
	WHERE x.id = document_chunk.id"
sql "ALTER TABLE document_chunk ADD PRIMARY KEY (id); CREATE INDEX ON document_chunk (no);
	CREATE UNIQUE INDEX texts ON document_chunk (no, rev, document_id, embedding_version);
	CREATE INDEX near ON document_chunk USING hnsw (embedding vector_cosine_ops)"
ROWS=$(hot_rows)
sql "CREATE TABLE mirror (LIKE document_chunk, PRIMARY KEY (no)); INSERT INTO mirror SELECT * FROM document_chunk; ANALYZE"
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
exits "a pass" 0 "$FIRN" pass --max-rows 300 --no-maintain
isnt "moves rows out" "$(cold_rows)" 0

# Each client has rows of its own: two that move one row between partitions at once is an error of the application's.
picked="\\set n random(0, $((ROWS / 4)) - 1) * 4 + :client_id + 1
\\set r random(1, 1000000000)"
both() { # NAME SET
	printf '%s\nWITH u AS (UPDATE document_chunk SET %s WHERE no = :n RETURNING *) UPDATE mirror m SET id = u.id,
		workspace_id = u.workspace_id, rev = u.rev, chunk_text = u.chunk_text FROM u WHERE m.no = u.no;\n' "$picked" "$2" >"$T/$1"
}
both update "rev = rev + 1, chunk_text = md5(:r::text)"
both rekey "id = md5('id' || :r || ' ' || :n)::uuid"
both move "workspace_id = 'w' || (1 + :r % 4)"
cat >"$T/slow" <<END
BEGIN;
$(cat "$T/update")
\\sleep 30 ms
\\if :r % 3 = 0
ROLLBACK;
\\else
COMMIT;
\\endif
END
{
	echo 'BEGIN;'
	echo 'SET LOCAL session_replication_role = replica;'
	cat "$T/update"
	echo 'COMMIT;'
} >"$T/replica"
printf '%s\nWITH u AS (UPDATE document_chunk SET rev = rev + 1, embedding = NULL WHERE no = ANY (ARRAY(SELECT :n + 4 * i FROM
	generate_series(0, 20) i)) RETURNING *) UPDATE mirror m SET rev = u.rev, embedding = u.embedding FROM u WHERE m.no = u.no;\n' \
	"$picked" >"$T/many"
printf "%s\nWITH u AS (INSERT INTO document_chunk (id, document_id, workspace_id, chunk_index, chunk_text, embedding_version,
	created_at, no) SELECT id, document_id, workspace_id, chunk_index, md5(:r::text), embedding_version, created_at, no
	FROM mirror WHERE no = :n AND EXISTS (SELECT 1 FROM document_chunk c WHERE c.no = :n)
	ON CONFLICT ON CONSTRAINT document_chunk_pkey DO UPDATE SET rev = document_chunk.rev + 1, chunk_text = EXCLUDED.chunk_text
	RETURNING *) UPDATE mirror m SET rev = u.rev, chunk_text = u.chunk_text FROM u WHERE m.no = u.no;\n" "$picked" >"$T/upsert"
printf '%s\nWITH x AS (DELETE FROM document_chunk WHERE no = :n RETURNING no) DELETE FROM mirror m USING x WHERE m.no = x.no;\n' \
	"$picked" >"$T/delete"
printf "%s\nWITH i AS (INSERT INTO document_chunk (id, document_id, workspace_id, chunk_index, chunk_text, embedding_version,
	created_at, no) SELECT md5('in' || :r || ' ' || :n)::uuid, md5('d1-1')::uuid, 'w' || (1 + :r %% 4), 7, md5(:r::text), 'v2',
	now(), :n WHERE NOT EXISTS (SELECT 1 FROM mirror WHERE no = :n) RETURNING *) INSERT INTO mirror SELECT * FROM i;\n" \
	"$picked" >"$T/insert"

# Prepared once, so that their plans are older than the tables.
"$pgbench" -n -M prepared -c 4 -j 1 -T 600 -R 400 -f "$T/update@8" -f "$T/slow@2" -f "$T/delete@2" -f "$T/insert@3" -f "$T/rekey@2" \
	-f "$T/move@2" -f "$T/replica@2" -f "$T/many@1" -f "$T/upsert@2" "$DB" >"$T/pgbench.out" 2>&1 &
WRITERS=$!
same() { sql "SELECT count(*) FROM mirror m FULL JOIN document_chunk c USING (no) WHERE m.* IS DISTINCT FROM c.*"; }

CHANGED=0
split() { # NAME COUNT
	exits "$1 while it is written" 0 "$FIRN" partitions split --count "$2" --widen-keys --format json
	is "$1 is done" "$(json '{outcome}') $(sql "SELECT count(*) FROM pg_inherits WHERE inhparent = 'document_chunk'::regclass")" "swapped $2"
	diag "$(json '{rows_copied}') rows copied, $(json '{changes}') changes, $(json '{seconds}') s, swap $(json '{swap_seconds}') s"
	CHANGED=$((CHANGED + $(json '{changes}')))
	exits "$1: the old table goes" 0 "$FIRN" partitions split --drop-old --confirm
}
split "a plain table to four" 4
exits "one that dies" 70 env FIRN_FAULT=split.after_copy=error "$FIRN" partitions split --count 7
exits "is taken back" 0 "$FIRN" partitions split --rollback
for at in after_batch after_index after_compare before_swap; do
	exits "one that dies $at" 70 env FIRN_FAULT=split.$at=error "$FIRN" partitions split --count 7
done
exits "rows come back meanwhile" 0 "$FIRN" rehydrate --where-cold all --no-maintain
split "one that died goes on: four to seven" 7
split "seven to two" 2
isnt "rows changed meanwhile" "$CHANGED" 0
ok "the writers are still there" kill -0 "$WRITERS"
kill -TERM "$WRITERS" # which a shell in the background does not ignore
wait "$WRITERS" 2>/dev/null
is "and met no error" "$(grep -c ERROR "$T/pgbench.out")" 0
[ "$(grep -c ERROR "$T/pgbench.out")" = 0 ] || diag "$(grep -m 3 ERROR "$T/pgbench.out")"
is "nothing is cold" "$(cold_rows)" 0
is "every row is as the mirror has it" "$(same)" 0
is "an id is in one workspace" "$(sql 'SELECT count(*) FROM (SELECT 1 FROM document_chunk GROUP BY id HAVING count(*) > 1) x')" 0
done_testing
