# A Swift of a test's own, beside the run's servers; source it after tests/lib/firn.sh. FIRN_TEST_S3_* and AWS_* mean
# it from then on, and the bucket is there.

swift_start() {
	"$FIRN_SRC/tools/swift" up "$T/swift" >"$T/endpoint" || exit 69
	at_exit "$FIRN_SRC/tools/swift" down "$T/swift"
	export FIRN_TEST_S3_BUCKET=firn-swift
	"$FIRN_SRC/tools/swift" bucket "$T/swift" "$FIRN_TEST_S3_BUCKET" || exit 69
	FIRN_TEST_S3_ENDPOINT=$(cat "$T/endpoint")
	export FIRN_TEST_S3_ENDPOINT FIRN_TEST_S3_KEY=test:tester FIRN_TEST_S3_SECRET=testing FIRN_TEST_S3_REGION=us-east-1
	export AWS_ACCESS_KEY_ID=$FIRN_TEST_S3_KEY AWS_SECRET_ACCESS_KEY=$FIRN_TEST_S3_SECRET
	S3_ENV=(
		"AWS_ACCESS_KEY_ID=$FIRN_TEST_S3_KEY" "AWS_SECRET_ACCESS_KEY=$FIRN_TEST_S3_SECRET"
		"AWS_REGION=$FIRN_TEST_S3_REGION" "FIRN_S3_ENDPOINT=$FIRN_TEST_S3_ENDPOINT" "FIRN_S3_PATH_STYLE=true"
	)
}
