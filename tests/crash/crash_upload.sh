# kill -9 while the parts of a segment are on their way, several at a time: nothing is lost, gc finds and aborts what is
# left over. SIGTERM there ends the pass and leaves nothing.
. "$FIRN_SRC/tests/lib/e2e_common.sh"
. "$FIRN_SRC/tests/lib/e2e_crash.sh"

other() { /usr/bin/python3 "$FIRN_SRC/tests/lib/other_client.py" "$@"; }

${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -o "$T/rows" "$FIRN_SRC/tools/bench-rows.c" -lm || exit 1
fresh_db
sql "CREATE TABLE document_chunk (id uuid PRIMARY KEY, document_id uuid NOT NULL, workspace_id text NOT NULL,
	chunk_index int NOT NULL, chunk_text text NOT NULL, chunk_hash text NOT NULL, embedding vector(2048) NOT NULL,
	embedding_version text NOT NULL, created_at timestamptz NOT NULL)"
# Some 90 MB in the archive: six parts.
"$T/rows" 14000 2048 4 </dev/null | sql "COPY document_chunk FROM STDIN (FORMAT BINARY)"
sql "ANALYZE document_chunk"
ROWS=$(hot_rows)
ALL=$(e2e_digest document_chunk id)
e2e_env "$(s3_archive)"
printf '%s\n' 'rules: [{ name: old, match: { age_over: 1d }, archive: {} }]' 'limits: { min_residency: 0s }' >"$T/policy.yaml"
BUCKET=${FIRN_ARCHIVE#s3://}
PREFIX=${BUCKET#*/}/
BUCKET=${BUCKET%%/*}
exits "init" 0 "$FIRN" init

killed_at upload.after_part=kill:2 "in the second part" "$FIRN" pass --no-maintain
is "every row is still hot" "$(e2e_digest document_chunk id)" "$ALL"
is "and there is no segment" "$(cold_rows) $(objects)" "0 "
PARTS=$(other parts "$BUCKET" "$PREFIX")
ok "an upload is left over with the parts that came" [ "${PARTS:-0}" -ge 2 ]
ok "and not with all" [ "${PARTS:-0}" -lt 6 ]
exits "gc looks for it" 0 "$FIRN" gc --horizon 0s --format json
like "and lists it" "$OUT" '"kind": "upload"'
is "and leaves it, unless told to" "$(other parts "$BUCKET" "$PREFIX")" "$PARTS"
none_left() { "$FIRN" gc --horizon 1s --confirm >"$T/gc" 2>&1 && [ -z "$(other parts "$BUCKET" "$PREFIX")" ]; }
ok "with --confirm it is gone" poll_until 20 none_left

# One part at a time: others would be under way, or done, before the signal comes.
printf '%s\n' 's3:' '  upload_jobs: 1' >"$T/firn.yaml"
FIRN_CONFIG=$T/firn.yaml FIRN_FAULT='upload.after_part=exec:kill -TERM $PPID' exits "SIGTERM after a part puts off the rest" 75 "$FIRN" pass --no-maintain
is "leaves every row hot" "$(e2e_digest document_chunk id)" "$ALL"
is "and no upload" "$(other parts "$BUCKET" "$PREFIX")" ""

exits "the next pass" 0 "$FIRN" pass --no-maintain
is "moves every row" "$(hot_rows) $(cold_rows)" "0 $ROWS"
is "leaves no upload" "$(other parts "$BUCKET" "$PREFIX")" ""
exits "what it wrote is whole" 0 "$FIRN" verify --deep
exits "everything comes back" 0 "$FIRN" rehydrate --where-cold all
is "as it was" "$(e2e_digest document_chunk id)" "$ALL"
done_testing
