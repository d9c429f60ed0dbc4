# kill -9 of firn at every fault site of a rehydrate, over the S3 archive.
. "$FIRN_SRC/tests/lib/e2e_common.sh"
. "$FIRN_SRC/tests/lib/e2e_crash.sh"
archive=$(s3_archive)
. "$FIRN_SRC/tests/lib/e2e_crash_rehydrate.sh"
