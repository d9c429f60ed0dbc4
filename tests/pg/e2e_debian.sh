# The acceptance run on real data: what is superseded in ../shared/data/debian moves out from under HNSW indexes on every
# leaf, these end as small as fresh ones, and everything comes back bit for bit.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

data=${FIRN_TEST_DATA-$FIRN_SRC/../shared/data/debian}
[ -e "$data/document_chunk.copy.zst" ] || skip_all "the corpus is not there"
command -v zstd >/dev/null || skip_all "there is no zstd to unpack the corpus: run tools/bootstrap check"

fresh_db
PGOPTIONS='-c client_min_messages=warning' sql_file "$data/schema.sql"
for t in document document_chunk; do
	zstd -dqc "$data/$t.copy.zst" | sql "COPY $t FROM STDIN (FORMAT BINARY)"
done
sql "COPY workspace_index_state (workspace_id, active_embedding_version, target_embedding_version) FROM STDIN (FORMAT csv, HEADER)" \
	<"$data/state.csv"
for i in 0 1 2 3; do
	sql "CREATE INDEX chunk_ann_$i ON document_chunk_p$i USING hnsw (embedding vector_cosine_ops)"
done
sql "ANALYZE"
ALL=$(e2e_digest)
e2e_env "$(e2e_file_archive)"

# An index of its own beside the leaf's, built from what is there now.
as_fresh() {
	sql "CREATE INDEX fresh_ann ON document_chunk_p$1 USING hnsw (embedding vector_cosine_ops)"
	SIZES=$(sql "SELECT pg_relation_size('chunk_ann_$1') || ' ' || pg_relation_size('fresh_ann')")
	sql "DROP INDEX fresh_ann"
	[ $((${SIZES% *} * 10)) -le $((${SIZES#* } * 11)) ] && [ $((${SIZES% *} * 10)) -ge $((${SIZES#* } * 9)) ]
}

exits "init" 0 "$FIRN" init
exits "plan" 0 "$FIRN" plan --format json
is "plans 7,087 rows" "$(json '{total_rows}')" 7087
exits "pass" 0 "$FIRN" pass --format json
is "moves exactly these" "$(json '{rows_moved}')" 7087
is "and leaves the others" "$(hot_rows)" 12430
diag "$(json '{raw_bytes}') bytes stored as $(json '{stored_bytes}') in $(json '{seconds}') s"
is "no row is left whose version is not its workspace's" "$(sql "SELECT count(*) FROM document_chunk c
	JOIN workspace_index_state s USING (workspace_id) WHERE c.embedding_version <> s.active_embedding_version")" 0
for i in 0 1 2 3; do
	ok "the ANN index of leaf $i is within a tenth of a fresh one" as_fresh $i
done
exits "verify --deep" 0 "$FIRN" verify --deep --format json
is "re-reads every cold row" "$(json '{rows}')" 7087
exits "report" 0 "$FIRN" report
exits "rehydrate --where-cold all" 0 "$FIRN" rehydrate --where-cold all --format json
is "brings them back" "$(json '{rows}')" 7087
is "bit for bit" "$(e2e_digest)" "$ALL"
is "every index is valid" "$(sql "SELECT count(*) FROM pg_index WHERE NOT indisvalid")" 0
done_testing
