# What someone meets who tries firn for the first time: for each, one line what, one line what to do, and the status.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

# Mounts of our own, for full disks, which end with this shell and are seen by nobody else.
if [ -z "${E2E_MOUNTS-}" ] && unshare -m true 2>/dev/null; then
	exec env E2E_MOUNTS=1 unshare -m bash "$0"
fi

fresh_db
e2e_tables 0 5
server=${FIRN_TEST_PG_URI%/*}
archive=$(e2e_file_archive)
export FIRN_CACHE_DIR=$T/cache

# wrong NAME STATUS WHAT HINT ARGS...: regular expressions for the two lines of standard error, and there are no more
wrong() {
	local name=$1 status=$2 what=$3 hint=$4
	shift 4
	exits "$name (status)" "$status" "$@"
	is "$name (two lines)" "$(printf '%s\n' "$ERR" | wc -l)" 2
	like "$name: what" "$(printf '%s\n' "$ERR" | head -n 1)" "^firn: error: $what"
	like "$name: what to do" "$(printf '%s\n' "$ERR" | tail -n 1)" "^hint: $hint"
}
on() { firn -d "$1" --archive "$archive" --table document_chunk "${@:2}"; }

wrong "nothing is given" 64 'no table is given' 'Use --table' firn -d "$DB" init
wrong "no archive is given" 64 'no archive is given' 'Use --archive' firn -d "$DB" --table document_chunk init
wrong "no configuration" 78 'could not read the configuration: .*missing\.yaml.*No such file' '.*-c.*FIRN_CONFIG' \
	firn -c "$T/missing.yaml" init

# a port that was free a moment ago
port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
wrong "no server" 69 'could not connect to database: .*refused' 'Does the server run' \
	on "postgresql://postgres@127.0.0.1:$port/app" init
wrong "no database" 78 'could not connect to database: .*database "nowhere" does not exist' 'Name the right one' \
	on "$server/nowhere" init
wrong "no role" 78 'could not connect to database: .*role "stranger" does not exist' 'Check user and password' \
	on "postgresql://stranger@${server#*@}/postgres" init
/usr/bin/python3 "$FIRN_SRC/tests/lib/old_server.py" 12.22 >"$T/old.port" &
poll_until 20 test -s "$T/old.port"
wrong "an old server" 78 'PostgreSQL 12 is too old: firn needs 13 or later$' 'Upgrade the server' \
	on "postgresql://postgres@127.0.0.1:$(cat "$T/old.port")/app?sslmode=disable" init

bare=${DB_NAME}_bare
psql -X -q -d "$FIRN_TEST_PG_URI" -c "CREATE DATABASE $bare"
at_exit psql -X -q -d "$FIRN_TEST_PG_URI" -c "DROP DATABASE IF EXISTS $bare WITH (FORCE)"
wrong "no extension" 78 'there is no table "document_chunk" in database .*dbname=.*_bare' \
	'Is it the right database\? pgvector is not in it: CREATE EXTENSION' on "$server/$bare" init
wrong "a misspelt table" 78 'there is no table "document_chunks"' 'Perhaps one of these was meant: public\.document_chunk\.' \
	firn -d "$DB" --archive "$archive" --table document_chunks init
wrong "a table without vectors" 78 'table "public\.document" cannot be managed: .*vector' 'Configure columns\.embedding' \
	firn -d "$DB" --archive "$archive" --table document init
wrong "a pass before init" 78 'database .* has no catalog of firn' 'Run "firn init" once' on "$DB" pass
wrong "an archive before init" 69 'the archive.s folder ".*/missing" is not there' '.*init' \
	firn -d "$DB" --archive "file://$T/missing" --table document_chunk verify

sql "CREATE ROLE ${DB_NAME}_user LOGIN"
at_exit psql -X -q -d "$FIRN_TEST_PG_URI" -c "DROP ROLE IF EXISTS ${DB_NAME}_user"
at_exit sql "DROP OWNED BY ${DB_NAME}_user"
user=postgresql://${DB_NAME}_user@${server#*@}/$DB_NAME
exits "a role without privileges is refused" 78 on "$user" init
like "with what it lacks" "$ERR" "^firn: error: .*role ${DB_NAME}_user lacks SELECT, INSERT, DELETE on table"
like "and the statement to run" "$ERR" "GRANT SELECT, INSERT, DELETE ON public\.document_chunk TO ${DB_NAME}_user;"

sql 'CREATE TABLE hollow (LIKE document_chunk INCLUDING ALL)'
exits "init takes an empty table" 0 firn -d "$DB" --archive "$archive" --table hollow init
exits "plan of an empty table succeeds" 0 firn -d "$DB" --archive "$archive" --table hollow plan
like "and says that there is nothing" "$OUT" '^0 rows|nothing'
exits "a pass over an empty table succeeds" 0 firn -d "$DB" --archive "$archive" --table hollow pass

s3=$(s3_archive)
s3_init() { env "${S3_ENV[@]}" "${@:2}" "$FIRN" -d "$DB" --archive "$1" --table hollow2 init; }
sql 'CREATE TABLE hollow2 (LIKE document_chunk INCLUDING ALL)'
wrong "no bucket" 78 '.*NoSuchBucket' 'Create the bucket' s3_init "s3://no-such-bucket-here/x" A=1
wrong "an unknown key" 78 '.*InvalidAccessKeyId' 'The server does not know this access key' \
	s3_init "$s3" AWS_ACCESS_KEY_ID=UNKNOWNKEY
wrong "a wrong secret" 78 '.*SignatureDoesNotMatch' 'The secret key does not belong' s3_init "$s3" AWS_SECRET_ACCESS_KEY=wrong
wrong "no keys" 78 '.*credentials' '.*AWS_ACCESS_KEY_ID' env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY HOME="$T" \
	"$FIRN" -d "$DB" --archive "$s3" --s3-endpoint "$FIRN_TEST_S3_ENDPOINT" --table hollow2 init
wrong "an endpoint where nobody listens" 69 '.*127\.0\.0\.1' 'Is s3\.endpoint' s3_init "$s3" "FIRN_S3_ENDPOINT=http://127.0.0.1:$port" \
	A=1
# Servers that refuse: keys that were good once, a clock that is wrong, and what nobody foresaw.
refusing() { # NAME CODE SECONDS STATUS WHAT HINT
	relay "$2$3" refuse "$2" "$3"
	wrong "$1" "$4" "$5" "$6" s3_init "$s3" AWS_SESSION_TOKEN=token "FIRN_S3_ENDPOINT=http://127.0.0.1:$(cat "$T/$2$3.port")"
}
refusing "expired credentials" ExpiredToken 0 78 '.*HTTP 403 ExpiredToken' \
	'The credentials are from environment \(AWS_ACCESS_KEY_ID\).*renew them there'
refusing "a token that is none" InvalidToken 0 78 '.*HTTP 403 InvalidToken' 'The session token is not valid: get a new one'
refusing "a clock that is wrong" RequestTimeTooSkewed 0 78 '.*RequestTimeTooSkewed' "Set this machine's clock"
refusing "keys without rights" AccessDenied 0 78 '.*AccessDenied' 'The credentials need s3:ListBucket, '
refusing "a quota that is used up" QuotaExceeded 0 78 '.*QuotaExceeded' '.*raise the quota'
refusing "a code that firn does not know" AccountProblem 0 78 '.*AccountProblem' 'Ask whoever runs the server'
# Where the server's clock is another, firn goes by that, and says so before it fails for another reason.
relay ahead refuse RequestTimeTooSkewed 7200
exits "a clock that is two hours behind" 78 s3_init "$s3" "FIRN_S3_ENDPOINT=http://127.0.0.1:$(cat "$T/ahead.port")"
like "is told by how much" "$ERR" "^firn: warning: archive: this machine's clock is 7[12][0-9]{2} s behind the server's"
is "before the two lines" "$(printf '%s\n' "$ERR" | wc -l)" 3
wrong "a URL of another kind" 78 '.*archive' '.*' firn -d "$DB" --archive gs://bucket/x --table document_chunk init

touch "$T/file"
e2e_env "$archive"
exits "init" 0 firn init
wrong "another archive than init's" 78 'the cold rows of table .* are in archive' 'Use that archive, or bring everything back' firn --archive "file://$T/elsewhere" pass
wrong "a database that can only be read" 78 '.*read-only transaction' 'Connect to the primary' \
	env PGOPTIONS='-c default_transaction_read_only=on' "$FIRN" pass
if [ -n "${E2E_MOUNTS-}" ]; then
	mkdir "$T/full"
	mount -t tmpfs -o size=16k,mode=755 none "$T/full"
	head -c 16384 /dev/zero >"$T/full/all"
	full='.*No space left on device'
	wrong "an archive without room" 73 "the archive .*$full" 'Make room on the file system' \
		firn -d "$DB" --archive "file://$T/full" --table hollow2 init
	wrong "a cache without room" 73 ".*$T/full.*$full" 'Make room on the file system' firn --cache-dir "$T/full" pass
	wrong "a report's folder without room" 73 "could not write .*$T/full.*$full" 'Make room on the file system' \
		firn report --format html --output "$T/full/report.html"
	umount "$T/full"
else
	skip "an archive, a cache and a report without room" "this user cannot mount anything"
fi
sql "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
		RAISE 'could not extend file \"base/5/16400\": No space left on device' USING ERRCODE = 'disk_full', HINT = 'Check free disk space.';
	END \$\$; CREATE TRIGGER full_disk BEFORE INSERT ON firn.segment FOR EACH ROW EXECUTE FUNCTION full_disk()"
wrong "a database without room" 75 'could not record .*could not extend file.*No space left' 'Check free disk space' firn pass
sql "DROP TRIGGER full_disk ON firn.segment"
wrong "a cache that cannot be made" 73 'could not .*file/x' '--cache-dir' firn --cache-dir "$T/file/x" pass
done_testing
