# A segment's life over Swift.
. "$FIRN_SRC/tests/lib/e2e_common.sh"
. "$FIRN_SRC/tests/lib/swift.sh"

swift_start
fresh_db
e2e_tables 4 40
e2e_env "s3://$FIRN_TEST_S3_BUCKET/a b+c"
ALL=$(e2e_digest)
ROWS=$(hot_rows)
exits "init" 0 "$FIRN" init
exits "a pass" 0 "$FIRN" pass
ok "moves rows" [ "$(cold_rows)" -gt 0 ]
e2e_check_accounted "$ROWS" "after the pass"
exits "verify" 0 "$FIRN" verify --deep
exits "verify with the bucket in the host name" 0 "$FIRN" verify --deep --s3-path-style no \
	--s3-endpoint "http://localhost:${FIRN_TEST_S3_ENDPOINT##*:}"
DOC=$(sql "SELECT id FROM document WHERE workspace_id = 'w1' ORDER BY id LIMIT 1")
exits "a document comes back by ranged reads" 0 "$FIRN" rehydrate --document "$DOC"
exits "then all" 0 "$FIRN" rehydrate --where-cold all
is "bit for bit" "$(e2e_digest)" "$ALL"
exits "gc" 0 "$FIRN" gc --confirm --horizon 0s --format json
is "removes every object" "$(json '{put_off}') $(json '{items,0,removed}')" "0 true"
exits "with another region than Swift's own" 0 "$FIRN" init --s3-region eu-central-1
like "the right one is taken, and named" "$ERR" "warning: .*us-east-1"
exits "a wrong secret is refused" 78 env AWS_SECRET_ACCESS_KEY=wrong "$FIRN" init
unlike "and never told" "$OUT$ERR" "wrong"
done_testing
