# Partitions: made where they are missing and never changed, measured, and recommended with reasons.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 4 20
ROWS=$(hot_rows)
ALL=$(e2e_digest)
e2e_env "$(e2e_file_archive)"
bounds() { sql "SELECT string_agg(relname || ' ' || pg_get_expr(relpartbound, oid), ', ' ORDER BY relname)
	FROM pg_class WHERE relname ~ '^$1' AND relispartition AND relkind = 'r'"; }

# None of this needs the catalog.
exits "status before init" 0 "$FIRN" partitions status --format json
is "counts rows and leaves" "$(json '{tables,0,rows}') $(json '{tables,0,leaves}') $(json '{tables,0,strategy}')" "$ROWS 4 hash"
is "nothing is missing or too large" "$(json '{tables,0,missing}') $(json '{tables,0,over}')" "0 0"
is "skew is the largest leaf over the mean" "$(sql "SELECT round(($(json '{tables,0,skew}'))::numeric, 6)")" \
	"$(sql "SELECT round(max(n) * 4.0 / sum(n), 6) FROM (SELECT count(*) n FROM document_chunk GROUP BY tableoid) q")"
is "a leaf's rows are its own" "$(json '{leaves,2,rows}')" "$(sql 'SELECT count(*) FROM document_chunk_p2')"
is "sizes are Postgres's" "$(($(json '{leaves,2,heap_bytes}') + $(json '{leaves,2,toast_bytes}') + $(json '{leaves,2,index_bytes}')))" \
	"$(sql "SELECT pg_total_relation_size('document_chunk_p2')")"
exits "a small limit" 0 "$FIRN" partitions status --leaf-rows 10 --format json
is "shows who is past it" "$(json '{tables,0,over}')" "$(sql "SELECT count(*) FROM (SELECT 1 FROM document_chunk GROUP BY tableoid HAVING count(*) > 10) q")"
exits "status as text" 0 "$FIRN" partitions status --leaf-rows 10
like "has bounds and skew" "$OUT" 'document_chunk_p0 .*over .*modulus 4, remainder 0'
like "says how many are too large" "$OUT" 'with more than 10 rows'

exits "ensure what is there" 0 "$FIRN" partitions ensure --count 4 --format json
is "creates nothing" "$(json '{created}') $(json '{leaves,3,leaf}') $(json '{leaves,3,created}')" "0 public.document_chunk_p3 false"
exits "another modulus" 78 "$FIRN" partitions ensure --count 8
like "is refused" "$ERR" 'one of 4, so there cannot be 8'
like "with what to do" "$ERR" 'ensure --count 4" to complete'
exits "no count" 64 "$FIRN" partitions ensure
exits "too many" 64 "$FIRN" partitions ensure --count 5000
is "nothing was changed" "$(e2e_digest) $(sql "SELECT count(*) FROM pg_class WHERE relispartition AND relkind = 'r'")" "$ALL 4"

sql 'CREATE TABLE "Chunk Two" (LIKE document_chunk INCLUDING ALL) PARTITION BY HASH (workspace_id);
	CREATE ROLE firn_owner_'$$'; ALTER TABLE "Chunk Two" OWNER TO firn_owner_'$$'; GRANT ALL ON SCHEMA public TO firn_owner_'$$
at_exit psql -X -q -d "$DB" -c "DROP OWNED BY firn_owner_$$ CASCADE; DROP ROLE firn_owner_$$"
export FIRN_TABLE='public."Chunk Two"'
exits "a table without any" 0 "$FIRN" partitions ensure --count 3
like "gets them" "$OUT" '3 created, 0 were there'
is "named and divided as they should be" "$(bounds 'Chunk Two_p')" "$(for i in 0 1 2; do
	printf '%sChunk Two_p%d FOR VALUES WITH (modulus 3, remainder %d)' "$([ $i = 0 ] || echo ', ')" $i $i; done)"
is "of the table's owner" "$(sql "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relname LIKE 'Chunk Two_p_'")" "firn_owner_$$"
sql 'ALTER TABLE "Chunk Two_p1" RENAME TO other; DROP TABLE "Chunk Two_p2"'
exits "one is missing" 0 "$FIRN" partitions status --format json
is "status says so" "$(json '{tables,0,missing}')" 1
exits "ensure it" 0 "$FIRN" partitions ensure --count 3 --format json
is "creates that one, and leaves the renamed one" "$(json '{created}') $(json '{leaves,1,leaf}')" "1 public.other"
ok "and rows go in" sql "INSERT INTO \"Chunk Two\" SELECT * FROM document_chunk"
sql 'ALTER TABLE "Chunk Two" DETACH PARTITION "Chunk Two_p2"'
exits "a table of that name" 73 "$FIRN" partitions ensure --count 3
like "is not touched, with what to do" "$ERR" 'ATTACH PARTITION'

# The lock is waited for in short turns, and given up: a session that reads keeps CREATE TABLE out.
sql 'DROP TABLE "Chunk Two_p2"'
psql -X -q -d "$DB" -c 'BEGIN; SELECT count(*) FROM "Chunk Two"; SELECT pg_sleep(4)' >/dev/null &
holds() { [ "$(sql "SELECT count(*) FROM pg_locks WHERE relation = '\"Chunk Two\"'::regclass AND granted")" -gt 0 ]; }
ok "a reader holds the table" poll_until 10 holds
exits "ensure while it is read" 0 "$FIRN" partitions ensure --count 3
like "creates it in the end" "$OUT" '1 created, 2 were there'

export FIRN_TABLE=public.document_chunk
sql 'ANALYZE document_chunk'
exits "recommend" 0 "$FIRN" partitions recommend --format json
is "keeps what is enough" "$(json '{tables,0,leaves}') $(json '{tables,0,leaves_now}') $(json '{tables,0,leaves_planned}')" "4 4 4"
like "says so" "$OUT" 'nothing is to be done'
exits "recommend for a billion" 0 "$FIRN" partitions recommend --rows 1000000000 --format json
is "has 25 million a leaf, doubled from four" "$(json '{tables,0,leaves_planned}') $(json '{tables,0,leaves_now}')" "64 4"
like "names the largest workspace's share" "$(json '{tables,0,largest_share}')" '^0\.2'
exits "recommend at a growth" 0 "$FIRN" partitions recommend --growth 300 --format json
is "reckons with it" "$(json '{tables,0,rows_planned}')" $((ROWS * 4))
exits "both" 64 "$FIRN" partitions recommend --growth 10 --rows 5
exits "recommend as text" 0 "$FIRN" partitions recommend --rows 1000000000
like "gives reasons" "$OUT" 'at no more than 25,000,000 a leaf need 40 leaves'

sql 'CREATE TABLE plain (LIKE document_chunk INCLUDING ALL)'
exits "ensure on a plain table" 78 "$FIRN" partitions ensure --count 4 --table public.plain
like "is refused" "$ERR" 'a plain table, not divided by hash'
exits "status of a plain table" 0 "$FIRN" partitions status --table public.plain --format json
is "has itself for a leaf" "$(json '{tables,0,leaves}') $(json '{leaves,0,leaf}')" "1 public.plain"

# What was made takes part in a pass.
exits "init" 0 "$FIRN" init
exits "pass" 0 "$FIRN" pass
exits "rehydrate" 0 "$FIRN" rehydrate --where-cold all
is "every row is as it was" "$(e2e_digest)" "$ALL"
done_testing
