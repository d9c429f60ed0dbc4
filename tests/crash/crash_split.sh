# kill -9 of firn at every fault site of a split, rows changed before and after: run again it is finished, or taken back.
. "$FIRN_SRC/tests/lib/e2e_common.sh"
. "$FIRN_SRC/tests/lib/e2e_crash.sh"

fresh_db
e2e_tables 0 80
sql "CREATE INDEX near ON document_chunk USING hnsw (embedding vector_cosine_ops);
	CREATE UNIQUE INDEX once ON document_chunk (document_id, chunk_index, embedding_version, workspace_id)"
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
exits "a pass" 0 "$FIRN" pass
COLD=$(cold_rows)

# Changes of every kind, each undone by the next: contents, workspaces, keys, rows that go and come.
change() { sql "
	UPDATE document_chunk SET rev = rev + 1 WHERE chunk_index = 0;
	UPDATE document_chunk SET workspace_id = CASE workspace_id WHEN 'w4' THEN 'w3' ELSE 'w4' END
		WHERE workspace_id IN ('w3', 'w4') AND chunk_index = 1;
	WITH gone AS (DELETE FROM document_chunk WHERE workspace_id = 'w1' AND chunk_index = 1 RETURNING *)
	INSERT INTO document_chunk SELECT md5(id::text)::uuid, document_id, workspace_id, chunk_index, chunk_text, embedding,
		embedding_version, created_at, rev FROM gone"; }
traces() { sql "SELECT (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'firn\__%') + (SELECT count(*) FROM firn.split)
	+ (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'firn%') + (SELECT count(*) FROM pg_index WHERE NOT indisvalid)"; }
keys() { sql "SELECT string_agg(conname || convalidated, ',' ORDER BY conname) FROM pg_constraint
	WHERE conrelid = 'document_chunk'::regclass AND contype IN ('p', 'f')"; }
KEYS=$(keys)

LEAVES=2
for site in $(fault_sites split. | grep -vE 'before_(rollback|drop)'); do
	LEAVES=$((5 - LEAVES))
	case $site in *_begin) ;; *)
		killed_at split.after_begin "$site: just begun" "$FIRN" partitions split --count $LEAVES
		change
		;;
	esac
	killed_at "$site" "$site" "$FIRN" partitions split --count $LEAVES
	change
	WANTED=$(e2e_digest)
	exits "$site: the next run" 0 "$FIRN" partitions split --count $LEAVES --format json
	is "$site: finishes" "$(json '{outcome}') $(json '{leaves}')" "swapped $LEAVES"
	is "$site: with every row" "$(e2e_digest)" "$WANTED"
	is "$site: and its keys" "$(keys)" "$KEYS"
	is "$site: no cold row is lost" "$(cold_rows)" "$COLD"
	exits "$site: the old table goes" 0 "$FIRN" partitions split --drop-old --confirm
	is "$site: without a trace" "$(traces)" 0
done

# What was not swapped can be taken back, wherever it died.
for site in $(fault_sites split. | grep -vE 'before_(begin|rollback|drop)|after_(swap|finish)'); do
	killed_at split.after_begin "$site: begun" "$FIRN" partitions split --count 6 
	change
	[ "$site" = split.after_begin ] || killed_at "$site" "$site" "$FIRN" partitions split --count 6
	change
	WANTED=$(e2e_digest)
	killed_at split.before_rollback "$site: and in the rollback" "$FIRN" partitions split --rollback
	exits "$site: is taken back" 0 "$FIRN" partitions split --rollback
	is "$site: with every row" "$(e2e_digest)" "$WANTED"
	is "$site: without a trace left" "$(traces)" 0
done

exits "a last split" 0 "$FIRN" partitions split --count 4
killed_at split.before_drop "dropping the old table" "$FIRN" partitions split --drop-old --confirm
exits "drop it again" 0 "$FIRN" partitions split --drop-old --confirm
is "nothing is left" "$(traces)" 0
exits "verify --deep is clean" 0 "$FIRN" verify --deep
HOT=$(hot_rows)
exits "cold rows come back" 0 "$FIRN" rehydrate --where-cold all
is "all of them" "$(hot_rows)" $((HOT + COLD))
done_testing
