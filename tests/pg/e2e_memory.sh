# Memory is bounded and does not grow with the table: all of 100,000 rows, and with FIRN_TEST_SLOW=1 of 1,000,000, are
# moved out, verified and brought back within 256 MiB. By the release build: a sanitizer's shadow counts as ours.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

[ -x "${FIRN_RELEASE_BIN-}" ] || { echo "Bail out! there is no release build"; exit 1; }
LIMIT_KIB=$((256 * 1024))
fresh_db
${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -o "$T/peak_rss" "$FIRN_SRC/tests/lib/e2e_peak_rss.c" || exit 1
${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -o "$T/rows" "$FIRN_SRC/tools/bench-rows.c" -lm || exit 1

within() { # NAME COMMAND...
	local name=$1
	shift
	exits "$name" 0 "$T/peak_rss" "$T/kib" "$FIRN_RELEASE_BIN" "$@"
	diag "$name: $(($(cat "$T/kib") / 1024)) MiB"
	ok "$name: within 256 MiB" [ "$(cat "$T/kib")" -lt "$LIMIT_KIB" ]
}

for n in 100000 ${FIRN_TEST_SLOW:+1000000}; do
	sql "DROP SCHEMA IF EXISTS firn CASCADE; DROP TABLE IF EXISTS document_chunk" 2>/dev/null
	sql "CREATE TABLE document_chunk (id uuid PRIMARY KEY, document_id uuid NOT NULL, workspace_id text NOT NULL,
		chunk_index int NOT NULL, chunk_text text NOT NULL, chunk_hash text NOT NULL, embedding vector(8) NOT NULL,
		embedding_version text NOT NULL, created_at timestamptz NOT NULL) PARTITION BY HASH (id)"
	for i in 0 1 2 3; do # so that a pass fills a segment in each of its jobs
		sql "CREATE TABLE document_chunk_p$i PARTITION OF document_chunk FOR VALUES WITH (MODULUS 4, REMAINDER $i)"
	done
	"$T/rows" "$n" 8 50 </dev/null | sql "COPY document_chunk FROM STDIN (FORMAT BINARY)"
	sql "ANALYZE document_chunk"
	e2e_env "$(e2e_file_archive)"
	printf '%s\n' 'rules: [{ name: old, match: { age_over: 1d }, archive: {} }]' 'limits: { min_residency: 0s }' >"$T/policy.yaml"
	ALL=$(e2e_digest document_chunk id)
	exits "$n rows: init" 0 "$FIRN_RELEASE_BIN" init
	within "$n rows: pass" pass --format json
	is "$n rows: all are moved" "$(json '{rows_moved}')" "$n"
	within "$n rows: verify --deep" verify --deep
	within "$n rows: rehydrate" rehydrate --where-cold all --format json
	is "$n rows: all are back" "$(e2e_digest document_chunk id)" "$ALL"
done
done_testing
