# A Swift of a test's own, beside the run's servers; source it after tests/lib/firn.sh. FIRN_TEST_S3_* and AWS_* mean
# it from then on, and the bucket is there.

# Swift keeps what it knows of objects in user xattrs, which not every kernel's tmpfs has.
keeps_xattrs() {
	/usr/bin/python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.firn", b"x")' "$1" 2>/dev/null
}

swift_start() {
	local dir=$T
	if ! keeps_xattrs "$T"; then
		dir=$(mktemp -d /var/tmp/firn-swift.XXXXXX) || exit 69
		chmod 755 "$dir"
		at_exit rm -rf "$dir"
		keeps_xattrs "$dir" || skip_all "neither TMPDIR nor /var/tmp has user xattrs, which Swift needs"
	fi
	at_exit "$FIRN_SRC/tools/swift" down "$dir/swift"
	"$FIRN_SRC/tools/swift" up "$dir/swift" >"$T/endpoint" || exit 69
	export FIRN_TEST_S3_BUCKET=firn-swift
	"$FIRN_SRC/tools/swift" bucket "$dir/swift" "$FIRN_TEST_S3_BUCKET" || exit 69
	FIRN_TEST_S3_ENDPOINT=$(cat "$T/endpoint")
	export FIRN_TEST_S3_ENDPOINT FIRN_TEST_S3_KEY=test:tester FIRN_TEST_S3_SECRET=testing FIRN_TEST_S3_REGION=us-east-1
	export AWS_ACCESS_KEY_ID=$FIRN_TEST_S3_KEY AWS_SECRET_ACCESS_KEY=$FIRN_TEST_S3_SECRET
	S3_ENV=(
		"AWS_ACCESS_KEY_ID=$FIRN_TEST_S3_KEY" "AWS_SECRET_ACCESS_KEY=$FIRN_TEST_S3_SECRET"
		"AWS_REGION=$FIRN_TEST_S3_REGION" "FIRN_S3_ENDPOINT=$FIRN_TEST_S3_ENDPOINT" "FIRN_S3_PATH_STYLE=true"
	)
}
