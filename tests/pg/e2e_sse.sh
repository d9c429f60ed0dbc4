# Encryption by the server: with a key that comes with each call (SSE-C), and by its key service (SSE-KMS).
. "$FIRN_SRC/tests/lib/e2e_common.sh"

other() { /usr/bin/python3 "$FIRN_SRC/tests/lib/other_client.py" "$@"; }
configure() { # S3-KEYS
	echo "s3: { $1 }" >"$T/firn.yaml"
	export FIRN_CONFIG=$T/firn.yaml
}

fresh_db
e2e_tables 2 20
ALL=$(e2e_digest)
BUCKET=$FIRN_TEST_S3_BUCKET
new_archive() {
	PREFIX=sse-$$-$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
	e2e_env "s3://$BUCKET/$PREFIX"
}
digests_of_catalog() {
	sql "SELECT encode(d, 'hex') || ' ' || k FROM firn.segment,
			LATERAL (VALUES (sha256, object_key), (index_sha256, index_key)) v (d, k)
		WHERE state = 'active'" | LC_ALL=C sort
}

# ---- a customer's key ----
new_archive
(umask 077 && head -c 32 /dev/urandom >"$T/sse.key")
configure "sse: customer, sse_customer_key_file: $T/sse.key"
exits "init" 0 "$FIRN" init
exits "a pass" 0 "$FIRN" pass
exits "every object is read with the key" 0 "$FIRN" verify --deep
is "and by nobody without it" "$(other encryption "$BUCKET" "$PREFIX/")" "HTTP 400"
export SSE_KEY_FILE=$T/sse.key
is "another client with the key reads what the catalog says" \
	"$(other digests "$BUCKET" "$PREFIX/" | grep -vE '/firn-archive\.txt$|/turn/' | LC_ALL=C sort)" "$(digests_of_catalog)"
unset SSE_KEY_FILE
HOT=$(e2e_digest)

configure "region: us-east-1"
exits "without the key nothing comes back" 78 "$FIRN" rehydrate --where-cold all
like "saying what may be missing" "$ERR" "customer's key: see s3.sse"
head -c 32 /dev/urandom >"$T/other.key"
configure "sse: customer, sse_customer_key_file: $T/other.key"
"$FIRN" rehydrate --where-cold all >"$T/out" 2>&1 </dev/null
isnt "nor with another" "$?" 0
like "saying what may be wrong" "$(cat "$T/out")" "another key than that of s3.sse_customer_key_file"
unlike "which is not shown" "$(cat "$T/out")" "$(base64 <"$T/other.key")"
is "and nothing is lost or changed" "$(e2e_digest)" "$HOT"
configure "sse: customer, sse_customer_key_file: $T/sse.key"
exits "with the key all rows come back" 0 "$FIRN" rehydrate --where-cold all
is "bit for bit" "$(e2e_digest)" "$ALL"
exits "gc removes the objects" 0 "$FIRN" gc --confirm --horizon 0s
is "all of them" "$(objects)" ""

# ---- an archive that was begun without ----
new_archive
sql "DROP SCHEMA firn CASCADE" 2>/dev/null
configure "region: us-east-1"
exits "init without encryption" 0 "$FIRN" init
exits "a pass" 0 "$FIRN" pass --max-rows 60
configure "sse: aws:kms, sse_kms_key_id: testkey-1"
exits "the rest with the key service" 0 "$FIRN" pass
is "which the server says" "$(other encryption "$BUCKET" "$PREFIX/")" "None None
aws:kms testkey-1"
exits "both are read" 0 "$FIRN" verify --deep
configure "sse: customer, sse_customer_key_file: $T/sse.key"
exits "also where a customer's key has come since" 0 "$FIRN" verify --deep
exits "all rows come back" 0 "$FIRN" rehydrate --where-cold all
is "bit for bit" "$(e2e_digest)" "$ALL"
configure "sse: aws:kms, sse_kms_key_id: no-such-key"
"$FIRN" pass >"$T/out" 2>&1 </dev/null
isnt "a key that the service does not have ends a pass" "$?" 0
is "before a row is deleted" "$(e2e_digest)" "$ALL"
done_testing
