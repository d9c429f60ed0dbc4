# The contract over HTTP/2, large objects in parts among it. All but prefixes with "//": nghttpx makes them "/", and then
# the signature is another one's.
. "$FIRN_SRC/tests/lib/firn.sh"
. "$FIRN_SRC/tests/lib/tls.sh"

command -v nghttpx >/dev/null || skip_all "there is no nghttpx to speak HTTP/2: run tools/bootstrap check"
http2_start
ok "the contract is kept" env FIRN_TEST_S3_ENDPOINT="$H2" FIRN_TEST_S3_CA="$T/ca.pem" FIRN_TEST_CONTRACT='s3: *' \
	FIRN_TEST_CONTRACT_SKIP='*odd_prefixes*' "${FIRN_CHECKED_BIN%/*}/tests/contract/test_store_contract"
poll_until 20 grep -q 'POST .*uploadId' "$T/h2.log"
ok "with large objects in parts" grep -q 'PUT .*partNumber=.*HTTP/2' "$T/h2.log"
is "and all of it over HTTP/2" "$(grep -vc 'HTTP/2' "$T/h2.log")" 0
done_testing
