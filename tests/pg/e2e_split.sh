# A plain table, then eight partitions of it, then three: everything that hung on the table hangs on the new one, cold rows
# come back into the right leaf, and what cannot be carried over is refused before anything is made.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 0 60
WRITER=firn_writer_$$
sql "CREATE ROLE $WRITER LOGIN"
at_exit psql -X -q -d "$DB" -c "DROP OWNED BY $WRITER CASCADE; DROP ROLE $WRITER"
# What applications hang on a table. The key has no workspace, nor has the reference schema's unique one.
sql "
	ALTER TABLE document_chunk DROP CONSTRAINT document_chunk_pkey;
	ALTER TABLE document_chunk ADD PRIMARY KEY (id);
	ALTER TABLE document_chunk ADD CONSTRAINT chunk_once UNIQUE (document_id, chunk_index, embedding_version);
	ALTER TABLE document_chunk ADD COLUMN serial_no serial, ADD COLUMN words int GENERATED ALWAYS AS (length(chunk_text)) STORED,
		ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY, ADD COLUMN gone int;
	ALTER TABLE document_chunk DROP COLUMN gone, ADD CONSTRAINT rev_positive CHECK (rev >= 0);
	ALTER TABLE document_chunk ALTER chunk_text SET STORAGE EXTERNAL, ALTER embedding_version SET STATISTICS 321;
	ALTER TABLE document_chunk SET (fillfactor = 90, toast.autovacuum_enabled = false);
	CREATE INDEX by_workspace ON document_chunk (workspace_id);
	CREATE UNIQUE INDEX rare ON document_chunk (lower(chunk_text), id) INCLUDE (rev) WHERE rev > 5;
	CREATE INDEX near ON document_chunk USING hnsw (embedding vector_cosine_ops) WITH (m = 8);
	CREATE STATISTICS together (dependencies) ON workspace_id, embedding_version FROM document_chunk;
	COMMENT ON TABLE document_chunk IS 'chunks'; COMMENT ON COLUMN document_chunk.rev IS 'revision';
	COMMENT ON INDEX near IS 'nearest';
	CREATE TABLE noticed (n int);
	CREATE FUNCTION notice() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.noticed VALUES (1); RETURN NULL; END';
	CREATE TRIGGER off AFTER INSERT ON document_chunk FOR EACH ROW EXECUTE FUNCTION notice();
	ALTER TABLE document_chunk DISABLE TRIGGER off;
	CREATE TRIGGER on_update AFTER UPDATE ON document_chunk FOR EACH ROW WHEN (NEW.rev > 100) EXECUTE FUNCTION notice();
	ALTER TABLE document_chunk ENABLE ROW LEVEL SECURITY;
	CREATE POLICY not_w4 ON document_chunk FOR SELECT TO $WRITER USING (workspace_id <> 'w4');
	GRANT SELECT, UPDATE (rev) ON document_chunk TO $WRITER;
	GRANT USAGE ON SEQUENCE document_chunk_number_seq TO $WRITER;
	ALTER STATISTICS together SET STATISTICS 77; COMMENT ON STATISTICS together IS 'both';
	COMMENT ON TRIGGER on_update ON document_chunk IS 'high'; COMMENT ON POLICY not_w4 ON document_chunk IS 'hidden';
	ANALYZE"
e2e_env "$(e2e_file_archive)"
ROWS=$(hot_rows)
ALL=$(e2e_digest)
shape() { sql "
	SELECT string_agg(x, E'\n' ORDER BY x) FROM (
	SELECT attname || format_type(atttypid, atttypmod) || attnotnull::text || attstorage::text || attidentity::text || attgenerated::text
		|| coalesce(pg_get_expr(adbin, adrelid), '') || coalesce(col_description(attrelid, attnum), '') || coalesce(attacl::text, '')
	FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
	WHERE attrelid = 'document_chunk'::regclass AND attnum > 0 AND NOT attisdropped
	UNION ALL SELECT conname || pg_get_constraintdef(oid) || convalidated::text FROM pg_constraint
		WHERE conrelid = 'document_chunk'::regclass AND contype IN ('c', 'f')
	UNION ALL SELECT replace(pg_get_triggerdef(oid), 'ONLY ', '') || tgenabled::text FROM pg_trigger WHERE tgrelid = 'document_chunk'::regclass AND NOT tgisinternal
	UNION ALL SELECT obj_description(oid) FROM pg_trigger WHERE tgrelid = 'document_chunk'::regclass
	UNION ALL SELECT stxstattarget || obj_description(oid) FROM pg_statistic_ext WHERE stxrelid = 'document_chunk'::regclass
	UNION ALL SELECT relacl::text FROM pg_class WHERE relkind = 'S' AND relname LIKE 'document_chunk_%' AND
		relnamespace = 'public'::regnamespace
	UNION ALL SELECT polname || obj_description(oid) || polcmd::text || pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = 'document_chunk'::regclass
	UNION ALL SELECT relacl::text || relrowsecurity::text || relowner::text || obj_description(oid) FROM pg_class WHERE oid = 'document_chunk'::regclass
	UNION ALL SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext WHERE stxrelid = 'document_chunk'::regclass
	UNION ALL SELECT pg_get_serial_sequence('document_chunk', 'serial_no') || pg_get_serial_sequence('document_chunk', 'number')) s (x)"; }
SHAPE=$(shape)
indexes() { sql "SELECT string_agg(indexname || substr(indexdef, strpos(indexdef, ' USING')), E'\n' ORDER BY indexname) FROM pg_indexes
	WHERE schemaname = 'public' AND tablename = 'document_chunk'"; }

exits "init" 0 "$FIRN" init
exits "a pass" 0 "$FIRN" pass
isnt "moves rows out" "$(cold_rows)" 0
HOT=$(e2e_digest)

# --- refusals
exits "no number" 64 "$FIRN" partitions split
exits "two things at once" 64 "$FIRN" partitions split --count 4 --rollback
exits "a key without the workspace" 78 "$FIRN" partitions split --count 4
like "is refused unless it may be widened" "$ERR" 'widen-keys'
exits "a dry run" 0 "$FIRN" partitions split --count 8 --dry-run
like "says which keys" "$OUT" 'Unique key "chunk_once" takes in column "workspace_id"'
like "and that ON CONFLICT must follow" "$OUT" 'document_chunk_pkey.*ON CONFLICT must name "workspace_id"'
sql "CREATE VIEW seen AS SELECT id FROM document_chunk; CREATE MATERIALIZED VIEW kept AS SELECT count(*) FROM document_chunk;
	CREATE FUNCTION takes(document_chunk) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE PUBLICATION pub FOR TABLE document_chunk;
	CREATE TABLE document_chunk_p3 (n int)"
exits "a table with views and more" 78 "$FIRN" partitions split --count 8 --widen-keys
for what in 'view public.seen reads' 'view public.kept reads' 'function .*takes.* depends' 'publication pub has' 'document_chunk_p3 already'; do
	like "is refused: $what" "$ERR" "$what"
done
like "with what to do" "$ERR" 'pg_get_viewdef'
sql 'DROP VIEW seen; DROP MATERIALIZED VIEW kept; DROP FUNCTION takes; DROP PUBLICATION pub; DROP TABLE document_chunk_p3'
sql 'CREATE TABLE refers (chunk uuid REFERENCES document_chunk (id))'
exits "one that others refer to" 78 "$FIRN" partitions split --count 8 --widen-keys
like "is refused" "$ERR" 'foreign key refers_chunk_fkey'
sql 'DROP TABLE refers'
is "nothing was made" "$(sql "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'firn\__%'") $(sql 'SELECT count(*) FROM firn.split')" "0 0"

# --- a plain table
exits "from a plain table to eight" 0 "$FIRN" partitions split --count 8 --widen-keys --format json
is "is done" "$(json '{outcome}') $(json '{phase}') $(json '{leaves_before}') $(json '{leaves}')" "swapped swapped 1 8"
is "with every hot row" "$(e2e_digest)" "$HOT"
is "compared" "$(json '{rows}')" "$(hot_rows)"
is "what hung on the table hangs on it" "$(shape)" "$SHAPE"
is "indexes are there under their names, unique ones with the workspace" "$(indexes)" "by_workspace USING btree (workspace_id)
chunk_once USING btree (document_id, chunk_index, embedding_version, workspace_id)
document_chunk_pkey USING btree (id, workspace_id)
near USING hnsw (embedding vector_cosine_ops) WITH (m='8')
rare USING btree (lower(chunk_text), id, workspace_id) INCLUDE (rev) WHERE (rev > 5)"
is "none is invalid" "$(sql 'SELECT count(*) FROM pg_index WHERE NOT indisvalid')" 0
is "leaves have options, storage and statistics" "$(sql "SELECT count(*), min(c.reloptions::text), min(t.reloptions::text), min(a.attstorage), min(b.attstattarget)
	FROM pg_class c JOIN pg_class t ON t.oid = c.reltoastrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'chunk_text'
	JOIN pg_attribute b ON b.attrelid = c.oid AND b.attname = 'embedding_version'
	WHERE c.relname ~ '^document_chunk_p[0-7]$' AND c.relnamespace = 'public'::regnamespace")" "8|{fillfactor=90}|{autovacuum_enabled=false}|e|321"
is "index comments too" "$(sql "SELECT obj_description('near'::regclass)")" nearest
is "a disabled trigger is disabled in each leaf" "$(sql "SELECT count(*) FROM pg_trigger WHERE tgname = 'off' AND tgenabled = 'D'")" 10
ok "sequences go on" sql "INSERT INTO document_chunk (id, document_id, workspace_id, chunk_index, embedding_version, created_at)
	SELECT gen_random_uuid(), id, workspace_id, 99, 'v2', now() FROM document LIMIT 1"
is "beyond what there was" "$(sql "SELECT serial_no > $ROWS, number > $ROWS FROM document_chunk WHERE chunk_index = 99")" "t|t"
sql 'DELETE FROM document_chunk WHERE chunk_index = 99'
ok "triggers fire" sql "UPDATE document_chunk SET rev = 101 WHERE id = (SELECT id FROM document_chunk LIMIT 1)"
is "once" "$(sql 'SELECT count(*) FROM noticed')" 1
sql "UPDATE document_chunk SET rev = 0 WHERE rev = 101"
is "policies hold" "$(sql "SET ROLE $WRITER; SELECT count(*) FROM document_chunk WHERE workspace_id = 'w4'")" 0
not_ok "the foreign key holds" sql "UPDATE document_chunk SET document_id = gen_random_uuid() WHERE workspace_id = 'w1'"
exits "status" 0 "$FIRN" partitions status
like "tells of the old table" "$OUT" 'left firn_old_[0-9]+.document_chunk'
exits "the same again" 0 "$FIRN" partitions split --count 8 --format json
is "finds it done" "$(json '{outcome}')" swapped
exits "another number" 78 "$FIRN" partitions split --count 3
like "needs the old table gone" "$ERR" 'drop-old'
exits "rollback" 78 "$FIRN" partitions split --rollback
like "is too late" "$ERR" 'cannot be taken back'

sql 'CREATE TABLE aside AS SELECT * FROM document_chunk'
sql 'DELETE FROM document_chunk WHERE ctid::text NOT LIKE $$(0,%$$ OR workspace_id <> $$w1$$'
exits "where the table lost most rows" 65 "$FIRN" partitions split --drop-old --confirm
like "drop-old asks for --force" "$ERR" 'use --force'
sql 'ALTER TABLE aside DROP COLUMN words; INSERT INTO document_chunk (id, document_id, workspace_id, chunk_index, chunk_text,
	embedding, embedding_version, created_at, rev, serial_no, number) OVERRIDING SYSTEM VALUE SELECT * FROM aside
	ON CONFLICT DO NOTHING; DROP TABLE aside'
is "they are back" "$(e2e_digest)" "$HOT"

exits "verify --deep" 0 "$FIRN" verify --deep
exits "cold rows come back" 0 "$FIRN" rehydrate --where-cold all
is "all of them, as they were" "$(e2e_digest)" "$ALL"
is "into leaves of their hash" "$(sql "SELECT count(*) FROM document_chunk WHERE NOT satisfies_hash_partition('document_chunk'::regclass, 8,
	substr(tableoid::regclass::text, 17)::int, workspace_id)")" 0
exits "a pass after it" 0 "$FIRN" pass --no-maintain
is "moves the same" "$(e2e_digest)" "$HOT"
exits "status of firn" 0 "$FIRN" status

OLD=$(sql "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'firn_old_%'").document_chunk
not_ok "the old table takes no writes" sql "UPDATE $OLD SET rev = 1"
not_ok "also from a replica's sessions" sql "SET session_replication_role = replica; DELETE FROM $OLD"
exits "drop-old without --confirm" 0 "$FIRN" partitions split --drop-old --format json
is "drops nothing" "$(json '{outcome}') $(sql "SELECT count(*) FROM $(json '{old_table}')")" "kept $(hot_rows)"
sql "CREATE VIEW old AS SELECT id FROM $(json '{old_table}')"
exits "what depends on it" 78 "$FIRN" partitions split --drop-old --confirm
sql 'DROP VIEW old'
exits "drop-old" 0 "$FIRN" partitions split --drop-old --confirm --format json
is "drops it" "$(json '{outcome}') $(sql "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'firn\__%'")" "dropped 0"
exits "and no more" 78 "$FIRN" partitions split --drop-old --confirm
is "which the table does not mind" "$(e2e_digest)" "$HOT"
is "nor do its sequences" "$(shape)" "$SHAPE"

# --- what partitions have alone
sql "CREATE INDEX alone ON document_chunk_p1 (rev); GRANT INSERT ON document_chunk_p2 TO $WRITER;
	CREATE INDEX part ON ONLY document_chunk (rev); CREATE INDEX part_p3 ON document_chunk_p3 (rev); ALTER INDEX part ATTACH PARTITION part_p3"
exits "what only some partitions have" 78 "$FIRN" partitions split --count 3
for what in 'index alone belongs to partition' 'index part is invalid: some partitions lack it' 'some partitions grant INSERT'; do
	like "is refused: $what" "$ERR" "$what"
done
sql "DROP INDEX alone, part; REVOKE INSERT ON document_chunk_p2 FROM $WRITER"

# --- hash to hash, with cold rows
exits "as many as there are" 0 "$FIRN" partitions split --count 8 --format json
is "is nothing to do" "$(json '{outcome}')" unchanged
exits "from eight to three" 0 "$FIRN" partitions split --count 3
like "says so" "$OUT" 'now in 3 partitions'
is "nothing is due" "$(sql 'SELECT count(*) FROM firn.maintenance')" 0
is "with every hot row" "$(e2e_digest)" "$HOT"
is "and all that hung on it" "$(shape)" "$SHAPE"
exits "cold rows come back" 0 "$FIRN" rehydrate --where-cold all
is "all of them" "$(e2e_digest)" "$ALL"
exits "drop-old of three" 0 "$FIRN" partitions split --drop-old --confirm

# --- taken back; changed meanwhile
sql 'CREATE TABLE before AS SELECT oid, relname, relfilenode FROM pg_class WHERE relname ~ '"'document_chunk|near|chunk_once'"
begun() { exits "$1" 70 env FIRN_FAULT=split.after_copy=error "$FIRN" partitions split --count 5; }
begun "a split that dies"
exits "another number" 78 "$FIRN" partitions split --count 4
exits "status while it is under way" 0 "$FIRN" partitions status --format json
is "says so" "$(json "{tables,0,split,phase}") $(json "{tables,0,split,leaves}") $(json "{tables,0,split,share_copied}")" "index 5 1.0"
not_ok "TRUNCATE is refused meanwhile" sql 'TRUNCATE document_chunk'
not_ok "of a leaf as well" sql 'TRUNCATE document_chunk_p1'
not_ok "by a replica's session, too" sql 'SET session_replication_role = replica; TRUNCATE document_chunk_p1'
exits "a pass runs meanwhile" 0 "$FIRN" pass
like "and says that nobody goes on" "$ERR" 'half way into 5 partitions, nobody goes on with it, .*\([0-9]+ so far\)'
is "and moves what it always does" "$(e2e_digest)" "$HOT"
exits "rollback" 0 "$FIRN" partitions split --rollback --format json
is "is done" "$(json '{outcome}') $(json '{phase}')" "rolled-back none"
is "nothing is left" "$(sql "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'firn\__%'")$(sql "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'firn%'")$(sql "SELECT count(*) FROM firn.split_leaf")" 000
is "and the table is as it was" "$(e2e_digest) $(shape)" "$HOT $SHAPE"
begun "a split that dies again"
sql 'ALTER TABLE document_chunk ADD COLUMN late int'
exits "a column comes" 78 "$FIRN" partitions split --count 5
like "is found" "$ERR" 'altered while it was being split: late'
sql 'ALTER TABLE document_chunk DROP COLUMN late'
sql 'CREATE INDEX late ON document_chunk (rev)'
sql 'VACUUM FULL document_chunk_p1'
sql 'ALTER TABLE document_chunk DISABLE TRIGGER firn_split_capture'
sql 'UPDATE document_chunk SET rev = rev + 7'
exits "a disabled trigger" 78 "$FIRN" partitions split --count 5
like "is found" "$ERR" 'trigger firn_split_capture of .*document_chunk_p. is disabled or gone'
sql 'ALTER TABLE document_chunk ENABLE ALWAYS TRIGGER firn_split_capture'
exits "changes past the triggers" 65 "$FIRN" partitions split --count 5
like "are found, and nothing is swapped" "$ERR" 'Nothing was swapped'
is "the table has its three leaves" "$(sql "SELECT count(*) FROM pg_inherits WHERE inhparent = 'document_chunk'::regclass")" 3
sql 'UPDATE document_chunk SET rev = rev - 7'
sql 'DROP INDEX near; CREATE INDEX near ON document_chunk USING hnsw (embedding vector_cosine_ops) WITH (m = 6)'
exits "an index made anew in another way" 78 "$FIRN" partitions split --count 5
like "is found" "$ERR" 'index "near" is another than when the split began.*m=.6.*m=.8'
sql 'DROP INDEX '"$(sql "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'firn_split_%'")"'.near'
exits "put right, it goes on" 0 "$FIRN" partitions split --count 5
is "with every row" "$(e2e_digest)" "$HOT"
like "and the index that came meanwhile" "$(indexes)" 'late USING btree \(rev\)'

# --- a lock that does not come
exits "drop-old again" 0 "$FIRN" partitions split --drop-old --confirm
psql -X -q -d "$DB" -c 'BEGIN; SELECT count(*) FROM document_chunk; SELECT pg_sleep(3)' >/dev/null &
holds() { [ "$(sql "SELECT count(*) FROM pg_locks WHERE relation = 'document_chunk'::regclass AND granted")" -gt 0 ]; }
ok "a reader holds the table" poll_until 10 holds
exits "it is waited for" 0 "$FIRN" partitions split --count 2
is "with every row" "$(e2e_digest)" "$HOT"
done_testing
