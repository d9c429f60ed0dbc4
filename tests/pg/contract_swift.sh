# The contract that file and Ceph keep, over Swift. It answers 501 to If-None-Match: of many who put one key at the same
# time more than one can win there, which firn never does.
. "$FIRN_SRC/tests/lib/firn.sh"
. "$FIRN_SRC/tests/lib/swift.sh"

swift_start
FIRN_TEST_CONTRACT='s3: *' FIRN_TEST_CONTRACT_SKIP='*one_wins' "${FIRN_CHECKED_BIN%/*}/tests/contract/test_store_contract"
