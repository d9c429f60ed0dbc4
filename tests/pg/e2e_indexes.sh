# firn indexes: made on every leaf without locking, left where they are right, replaced where they are not, resumed where a
# run died; what is left over is found.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 4 150
ALL=$(e2e_digest)
e2e_env "$(e2e_file_archive)"

exits "ensure before init" 78 "$FIRN" indexes ensure --type hnsw
exits "init" 0 "$FIRN" init
exits "no type" 64 "$FIRN" indexes ensure
exits "an option of the other type" 64 "$FIRN" indexes ensure --type hnsw --lists auto
exits "ef_construction below twice m" 64 "$FIRN" indexes ensure --type hnsw --m 40
exits "lists that are no number" 64 "$FIRN" indexes ensure --type ivfflat --lists many

# Every index of the tree: name, whether it is valid and attached, options.
tree() { sql "SELECT c.relname, i.indisvalid, EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhrelid = c.oid), c.reloptions
	FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
	JOIN pg_am m ON m.oid = c.relam
	WHERE t.relname ~ '^${1-document_chunk}' AND m.amname IN ('hnsw', 'ivfflat') ORDER BY length(c.relname), 1"; }
oids() { sql "SELECT string_agg(i.indexrelid::text, ' ' ORDER BY i.indexrelid) FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
	JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
	WHERE t.relname ~ '^document_chunk' AND m.amname IN ('hnsw', 'ivfflat')"; }
ours() { sql "SELECT count(*) FROM pg_class WHERE relname ~ '^firn_(new|old)_'"; }

exits "a dry run" 0 "$FIRN" indexes ensure --type hnsw --dry-run --format json
is "says what it would build" "$(json '{built}') $(json '{dry_run}')" "4 true"
is "and builds nothing" "$(tree)" ""
exits "ensure hnsw" 0 "$FIRN" indexes ensure --type hnsw --m 8 --format json
is "builds one on each leaf" "$(json '{built}') $(json '{kept}')" "4 0"
is "attached to a valid one of the table" "$(tree)" "$(printf '%s\n' 'document_chunk_embedding_hnsw|t|f|{m=8}' \
	'document_chunk_p'{0..3}'_embedding_hnsw|t|t|{m=8}')"
is "with the cosine class" "$(sql "SELECT DISTINCT o.opcname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
	JOIN pg_opclass o ON o.oid = i.indclass[0] WHERE c.relname ~ 'hnsw'")" vector_cosine_ops
is "what it cost is logged" "$(sql "SELECT count(*), min(links) FROM firn.maintenance_log WHERE action = 'reindex'
	AND index_name ~ '^document_chunk_p._embedding_hnsw$' AND bytes_after > 0")" "4|8"
OIDS=$(oids)
exits "again" 0 "$FIRN" indexes ensure --type hnsw --m 8 --format json
is "keeps what is as it should be" "$(json '{built}') $(json '{kept}')" "0 4"
exits "without options" 0 "$FIRN" indexes ensure --type hnsw
like "what is there will do" "$OUT" '^0 built, 4 kept'
exits "by the operator" 0 "$FIRN" indexes ensure --type hnsw --operator '<=>' --m 8
is "it is the same" "$(oids)" "$OIDS"

# A change of m, with a reader that always finds a usable index.
sql "COMMENT ON INDEX document_chunk_p1_embedding_hnsw IS 'it''s mine'"
exits "another m" 0 "$FIRN" indexes ensure --type hnsw --m 12 --ef-construction 40 --format json
is "builds all anew" "$(json '{built}')" 4
is "under the old names" "$(tree)" "$(printf '%s\n' 'document_chunk_embedding_hnsw|t|f|{m=12,ef_construction=40}' \
	'document_chunk_p'{0..3}'_embedding_hnsw|t|t|{m=12,ef_construction=40}')"
isnt "by other indexes" "$(oids)" "$OIDS"
is "a comment stays" "$(sql "SELECT obj_description('document_chunk_p1_embedding_hnsw'::regclass)")" "it's mine"
is "nothing of the exchange is left" "$(ours)" 0
is "rows are as they were" "$(e2e_digest)" "$ALL"

# A partition that lost its index, and one that comes new.
exits "status" 0 "$FIRN" indexes status --format json
is "counts nothing amiss" "$(json '{leftovers}') $(json '{invalid}') $(json '{lists_off}')" "0 0 0"
is "the table's own" "$(json '{indexes,0,leaf}')-$(json '{indexes,0,valid}')" "-true"
is "a leaf's" "$(json '{indexes,1,leaf}') $(json '{indexes,1,m}') $(json '{indexes,1,ef_construction}') $(json '{indexes,1,opclass}')" \
	"public.document_chunk_p0 12 40 vector_cosine_ops"
is "its size" "$(json '{indexes,1,bytes}')" "$(sql "SELECT pg_relation_size('document_chunk_p0_embedding_hnsw')")"
is "its rows" "$(json '{indexes,1,rows}')" "$(sql "SELECT count(*) FROM document_chunk_p0")"
like "when it was built" "$(json '{indexes,1,rebuilt_at}')" '^20..-..-..T'
exits "status as text" 0 "$FIRN" indexes status
like "has options" "$OUT" 'm 12 ef 40'

# A partition that comes later has the index already; one whose index someone made by hand lends it.
sql "CREATE TABLE other (LIKE document_chunk) PARTITION BY HASH (workspace_id);
	CREATE TABLE other_p0 PARTITION OF other FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE other_p1 PARTITION OF other FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	ALTER TABLE other ADD PRIMARY KEY (workspace_id, id);
	INSERT INTO other SELECT * FROM document_chunk; ANALYZE other;
	CREATE INDEX mine ON other_p0 USING hnsw (embedding vector_l2_ops);
	CREATE INDEX small ON other_p1 USING hnsw (embedding vector_l2_ops) WITH (m = 4)"
export FIRN_TABLE=public.other
exits "init of another table" 0 "$FIRN" init
exits "ensure where leaves have indexes" 0 "$FIRN" indexes ensure --type hnsw --m 16 --format json
is "takes the class that is in use, builds what differs, attaches the rest" "$(tree other)" "$(printf '%s\n' \
	'mine|t|t|' 'small|t|t|{m=16}' 'other_embedding_hnsw|t|f|{m=16}')"
is "and says so" "$(json '{built}') $(json '{kept}')" "1 1"
sql "DROP INDEX other_embedding_hnsw; CREATE INDEX ON ONLY other USING hnsw (embedding vector_l2_ops)"
exits "an incomplete one" 0 "$FIRN" indexes status
like "is shown as such" "$OUT" 'other_embedding_idx +incomplete'
exits "ensure it" 0 "$FIRN" indexes ensure --type hnsw
is "completes it" "$(tree other)" "$(printf '%s\n' 'other_embedding_idx|t|f|' 'other_p0_embedding_hnsw|t|t|' 'other_p1_embedding_hnsw|t|t|')"
exits "ensure an index by a cast" 0 "$FIRN" indexes ensure --type hnsw --expression 'embedding::halfvec(16)' --operator '<->'
is "makes another" "$(tree other | grep expr)" "$(printf '%s\n' 'other_expr_hnsw|t|f|' 'other_p0_expr_hnsw|t|t|' 'other_p1_expr_hnsw|t|t|')"
is "of that type and class" "$(sql "SELECT pg_get_indexdef('other_p0_expr_hnsw'::regclass)")" \
	"CREATE INDEX other_p0_expr_hnsw ON public.other_p0 USING hnsw (((embedding)::halfvec(16)) halfvec_l2_ops)"
exits "once more, written otherwise" 0 "$FIRN" indexes ensure --type hnsw --expression '(embedding :: public.halfvec(16))' --operator '<->'
like "is the same index" "$OUT" '^0 built, 2 kept'
exits "by bits" 0 "$FIRN" indexes ensure --type hnsw --expression 'binary_quantize(embedding)::bit(16)'
like "too" "$OUT" '^2 built'
exits "a partial one" 0 "$FIRN" indexes ensure --type ivfflat --where "embedding_version = 'v2'" --lists 3
is "has its condition" "$(sql "SELECT pg_get_indexdef('other_p1_embedding_ivfflat'::regclass)")" \
	"CREATE INDEX other_p1_embedding_ivfflat ON public.other_p1 USING ivfflat (embedding) WITH (lists='3') WHERE (embedding_version = 'v2'::text)"
TREE=$(tree other)
for text in 'true; DROP TABLE other' 'true) WITH (x = 1' 'random() < 0.5' 'nothing' 'id IN (SELECT id FROM document)'; do
	exits "a condition \"$text\"" 78 "$FIRN" indexes ensure --type hnsw --where "$text"
done
exits "an expression that is two" 78 "$FIRN" indexes ensure --type hnsw --expression 'embedding), (embedding'
exits "a class that there is not" 78 "$FIRN" indexes ensure --type hnsw --opclass vector_best_ops
like "says which there are" "$ERR" 'hint: There are: .*vector_cosine_ops \(<=>\)'
exits "a type that cannot be indexed" 78 "$FIRN" indexes ensure --type hnsw --expression chunk_text
is "none of it changed anything" "$(tree other)" "$TREE"

# IVFFlat: lists by the rows of each leaf.
sql "DROP TABLE other CASCADE; CREATE TABLE flat (LIKE document_chunk INCLUDING DEFAULTS);
	ALTER TABLE flat ADD PRIMARY KEY (workspace_id, id);
	INSERT INTO flat SELECT md5('f' || i)::uuid, document_id, workspace_id, chunk_index, NULL,
		(SELECT array_agg(sin(i * 7.1 + d * i % 97)) FROM generate_series(1, 16) d)::vector, embedding_version, created_at
	FROM generate_series(1, 5000) i, LATERAL (SELECT * FROM document_chunk OFFSET i % 50 LIMIT 1) c;
	ANALYZE flat"
export FIRN_TABLE=public.flat
exits "init of a plain table" 0 "$FIRN" init
exits "ensure on a plain table" 0 "$FIRN" indexes ensure --type ivfflat --lists auto
is "chooses lists by the rows" "$(tree flat)" "flat_embedding_ivfflat|t|f|{lists=5}"
exits "twice as many lists" 0 "$FIRN" indexes ensure --type ivfflat --lists 10
is "replace the index" "$(tree flat)" "flat_embedding_ivfflat|t|f|{lists=10}"
exits "auto again" 0 "$FIRN" indexes ensure --type ivfflat --lists auto
is "leaves what is near enough" "$(tree flat)" "flat_embedding_ivfflat|t|f|{lists=10}"
exits "far too many" 0 "$FIRN" indexes ensure --type ivfflat --lists 100
exits "status" 0 "$FIRN" indexes status --format json
is "says that they are off" "$(json '{lists_off}') $(json '{indexes,0,lists}') $(json '{indexes,0,lists_recommended}')" "1 100 5"
exits "auto" 0 "$FIRN" indexes ensure --type ivfflat --lists auto
is "brings them back" "$(tree flat)" "flat_embedding_ivfflat|t|f|{lists=5}"
exits "hnsw beside it" 0 "$FIRN" indexes ensure --type hnsw
is "is another index" "$(tree flat)" "$(printf '%s\n' 'flat_embedding_hnsw|t|f|' 'flat_embedding_ivfflat|t|f|{lists=5}')"
sql "CREATE TABLE empty (LIKE flat); ALTER TABLE empty ADD PRIMARY KEY (workspace_id, id)"
exits "init of an empty table" 0 "$FIRN" init --table public.empty
exits "ivfflat on no rows" 0 "$FIRN" indexes ensure --type ivfflat --table public.empty
like "warns" "$ERR" 'warning: leaf "public.empty" has no rows'

# What builds left over: of a dead REINDEX, of a dead CREATE INDEX, of firn.
sql "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'flat_embedding_ivfflat'::regclass;
	ALTER INDEX flat_embedding_ivfflat RENAME TO flat_embedding_ivfflat_ccnew1;
	UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'flat_embedding_hnsw'::regclass;
	CREATE INDEX firn_old_1 ON flat USING hnsw (embedding vector_ip_ops);
	CREATE INDEX invalid_btree ON flat (chunk_index);
	UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'invalid_btree'::regclass"
exits "status with leftovers" 0 "$FIRN" indexes status --format json
is "counts them" "$(json '{leftovers}') $(json '{invalid}')" "2 3"
exits "as text" 0 "$FIRN" indexes status
like "names them" "$OUT" 'flat_embedding_ivfflat_ccnew1 +leftover, invalid'
psql -X -q -d "$DB" -c "BEGIN; LOCK TABLE flat IN SHARE UPDATE EXCLUSIVE MODE; SELECT pg_sleep(60)" >/dev/null 2>&1 &
BUILDER=$!
builds() { [ "$(sql "SELECT count(*) FROM pg_locks WHERE relation = 'flat'::regclass AND mode = 'ShareUpdateExclusiveLock' AND granted")" = 1 ]; }
ok "someone builds on the table" poll_until 10 builds
exits "ensure while someone builds" 75 "$FIRN" indexes ensure --type hnsw
like "touches nothing" "$ERR" 'another session is at work there'
sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()" >/dev/null
wait $BUILDER 2>/dev/null
exits "ensure afterwards" 0 "$FIRN" indexes ensure --type hnsw --format json
is "drops what is dead and builds the index" "$(tree flat)" "flat_embedding_hnsw|t|f|"
is "other people's indexes stay" "$(sql "SELECT count(*) FROM pg_class WHERE relname = 'invalid_btree'")" 1

export FIRN_TABLE=public.document_chunk

# The build itself dies with its session.
sql "CREATE TABLE big (LIKE flat INCLUDING ALL); DROP INDEX IF EXISTS big_embedding_idx;
	INSERT INTO big SELECT md5(id::text || i)::uuid, document_id, workspace_id, chunk_index, chunk_text, embedding,
		embedding_version, created_at FROM flat, generate_series(1, 4) i; ANALYZE big"
export FIRN_TABLE=public.big
exits "init of a larger table" 0 "$FIRN" init
for signal in KILL TERM; do
	"$FIRN" indexes ensure --type hnsw --m 24 --ef-construction 200 >"$T/out" 2>&1 &
	PID=$!
	building() { [ "$(sql "SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database()")" -gt 0 ]; }
	ok "a build begins" poll_until 20 building
	kill -$signal $PID
	status=0
	wait $PID 2>/dev/null || status=$?
	is "$signal ends firn" "$status" "$([ $signal = KILL ] && echo 137 || echo 75)"
	sql "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index WHERE datname = current_database()" >/dev/null
	idle() { ! building; }
	ok "the build is over" poll_until 20 idle
	[ $signal = KILL ] && is "an invalid index is left" "$(tree big)" "firn_new_$(sql "SELECT 'big'::regclass::oid")_hnsw|f|f|{m=24,ef_construction=200}"
	[ $signal = TERM ] && is "nothing is left" "$(tree big)" ""
done
exits "the next run" 0 "$FIRN" indexes ensure --type hnsw --m 4
is "builds it" "$(tree big)" "big_embedding_hnsw|t|f|{m=4}"

# No room, no window: the work is put off.
printf 'maintain: { disk_free_bytes: 1MiB }\n' >"$T/room.yaml"
exits "no room" 75 "$FIRN" -c "$T/room.yaml" indexes ensure --type hnsw --m 6
like "is said" "$OUT" 'put-off.*it needs .* of disk, there are 1\.0 MiB'
is "and nothing was done" "$(tree big)" "big_embedding_hnsw|t|f|{m=4}"
done_testing
