# What shell tests of firn share; source it. Run by tools/run-tests, which starts the servers and sets FIRN and
# FIRN_TEST_*.
#
#     $T                        a private folder, removed at the end
#     $DB                       URI of a fresh database with the vector extension, dropped at the end (fresh_db)
#     fresh_db                  make it
#     sql 'SELECT ...'          run SQL in it: unaligned, tuples only; fails on the first error
#     sql_file FILE             the same from a file
#     firn ARGS...              run the program under test
#     S3_ENV                    array of environment assignments: env "${S3_ENV[@]}" firn ...
#     s3_archive                print an s3:// URI with a prefix that nobody else uses
#     other COMMAND ARGS...     an S3 client that is none of firn's: see tests/lib/other_client.py
#     poll_until SECONDS CMD... try CMD until it succeeds; fails at the deadline
#     at_exit CMD...            run at the end, latest first

FIRN_SRC=${FIRN_SRC:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
FIRN=${FIRN:-$FIRN_SRC/build/firn}
. "$FIRN_SRC/tests/lib/tap.sh"
set -u

T=$(mktemp -d "${TMPDIR:-/tmp}/firn-test.XXXXXX")
chmod 755 "$T"
DB=
DB_NAME=
FIRN_AT_EXIT=()

at_exit() { FIRN_AT_EXIT=("$(printf '%q ' "$@")" ${FIRN_AT_EXIT[@]+"${FIRN_AT_EXIT[@]}"}); }

firn_cleanup() {
	local status=$? c p
	trap - EXIT
	for c in ${FIRN_AT_EXIT[@]+"${FIRN_AT_EXIT[@]}"}; do eval "$c" >/dev/null 2>&1; done
	for p in $(jobs -p); do kill "$p" 2>/dev/null; done
	wait 2>/dev/null
	[ -z "$DB_NAME" ] ||
		psql -X -q -d "$FIRN_TEST_PG_URI" -c "DROP DATABASE IF EXISTS $DB_NAME WITH (FORCE)" >/dev/null 2>&1
	rm -rf "$T"
	exit "$status"
}
trap firn_cleanup EXIT
trap 'exit 75' INT TERM HUP

firn() { "$FIRN" "$@"; }

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$DB" -c "$1"; }
sql_file() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$DB" -f "$1"; }

fresh_db() {
	: "${FIRN_TEST_PG_URI:?run this test by tools/run-tests}"
	DB_NAME=firn_t_$$_$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
	psql -X -q -v ON_ERROR_STOP=1 -d "$FIRN_TEST_PG_URI" -c "CREATE DATABASE $DB_NAME" || exit 1
	DB=${FIRN_TEST_PG_URI%/*}/$DB_NAME
	sql 'SET client_min_messages = warning; CREATE EXTENSION vector' || exit 1
}

S3_ENV=(
	"AWS_ACCESS_KEY_ID=${FIRN_TEST_S3_KEY-}"
	"AWS_SECRET_ACCESS_KEY=${FIRN_TEST_S3_SECRET-}"
	"AWS_REGION=${FIRN_TEST_S3_REGION-us-east-1}"
	"FIRN_S3_ENDPOINT=${FIRN_TEST_S3_ENDPOINT-}"
	"FIRN_S3_PATH_STYLE=true"
)

s3_archive() {
	: "${FIRN_TEST_S3_BUCKET:?run this test by tools/run-tests}"
	echo "s3://$FIRN_TEST_S3_BUCKET/t$$-$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')"
}

other() { /usr/bin/python3 "$FIRN_SRC/tests/lib/other_client.py" "$@"; }

poll_until() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $deadline ]; then
			diag "gave up waiting for: $*"
			return 1
		fi
		sleep 0.05
	done
}
