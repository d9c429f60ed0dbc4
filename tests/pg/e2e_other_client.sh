# Debian's boto3 reads back each object of the archive, below a prefix that is hard to sign, with the digest that the
# catalog has.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 4 30
PREFIX="t$$-$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')/a b+c%20d=ü~(e)'f*/g"
e2e_env "s3://$FIRN_TEST_S3_BUCKET/$PREFIX"
exits "init" 0 "$FIRN" init
exits "a pass" 0 "$FIRN" pass
HAS=$(other digests "$FIRN_TEST_S3_BUCKET" "$PREFIX/" | grep -vE '/firn-archive\.txt$|/turn/' | LC_ALL=C sort)
is "another client reads what the catalog says" "$HAS" "$(sql "
	SELECT encode(d, 'hex') || ' ' || k FROM firn.segment,
		LATERAL (VALUES (sha256, object_key), (index_sha256, index_key)) v (d, k)
	WHERE state = 'active'" | LC_ALL=C sort)"
ok "of every leaf" [ "$(wc -l <<<"$HAS")" -ge 6 ]
exits "all rows come back" 0 "$FIRN" rehydrate --where-cold all
done_testing
