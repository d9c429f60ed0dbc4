# Where the S3 keys come from: each source that AWS's tools know, in their order, against a real S3 server; keys that
# expire in the middle of a pass are renewed, and where they cannot be nothing is lost. The servers that give out keys
# are one of our own (tests/lib/credential_server.c).
. "$FIRN_SRC/tests/lib/e2e_common.sh"

${CC:-cc} -std=c11 -D_GNU_SOURCE -I"$FIRN_SRC/tests" -O1 -o "$T/credential_server" "$FIRN_SRC/tests/lib/credential_server.c" || exit 1
mkdir "$T/keys" "$T/aws"
"$T/credential_server" "$T/keys" &
poll_until 10 [ -s "$T/keys/port" ] || exit 1
KEYS=http://127.0.0.1:$(cat "$T/keys/port")
printf 'web-token\n' >"$T/web-token"
printf 'let-me-in' >"$T/container-token"

# Of the environment's keys none is left, and the machine's own configuration is out of the way.
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
export HOME=$T AWS_SHARED_CREDENTIALS_FILE=$T/aws/credentials AWS_CONFIG_FILE=$T/aws/config
export AWS_EC2_METADATA_DISABLED=true AWS_ENDPOINT_URL_STS=$KEYS
REAL="aws_access_key_id = $FIRN_TEST_S3_KEY
aws_secret_access_key = $FIRN_TEST_S3_SECRET"
WRONG='aws_access_key_id = WRONG
aws_secret_access_key = WRONGSECRET'
export FIRN_S3_ENDPOINT=$FIRN_TEST_S3_ENDPOINT FIRN_S3_PATH_STYLE=true

fresh_db
e2e_tables 2 40
printf '%s\n' 'rules:' '  - name: superseded' '    match: { superseded: { grace: 0s } }' '    archive: {}' \
	'limits: { min_residency: 0s }' >"$T/policy.yaml"
FIRN_ARCHIVE=$(s3_archive)
export FIRN_ARCHIVE FIRN_DATABASE=$DB FIRN_POLICY=$T/policy.yaml FIRN_TABLE=public.document_chunk
export FIRN_CACHE_DIR=$T/cache
ROWS=$(hot_rows)
ALL=$(e2e_digest)

files() { # the two shared files' text
	printf '%s\n' "$1" >"$AWS_SHARED_CREDENTIALS_FILE"
	printf '%s\n' "${2-}" >"$AWS_CONFIG_FILE"
}
asked() { grep -c "^$1 200" "$T/keys/log" || true; }
tell_no_secret() { unlike "and tells no secret" "$OUT$ERR" "$FIRN_TEST_S3_SECRET|WRONGSECRET|web-token|let-me-in|session-token"; }
from() { # SOURCE [VARIABLE=VALUE...]: init reaches the archive with keys from there
	local source=$1
	shift
	exits "init with keys of: $(printf %s "$source" | sed "s,$T/,,;s,\\\\,,g")" 0 env "$@" "$FIRN" -v init
	like "says so" "$ERR" "archive: credentials from $source"
	tell_no_secret
}

# ---- nothing at all ----
files '' ''
exits "without any keys init" 78 "$FIRN" init
like "lists every source and why it has none" "$ERR" "no S3 credentials were found: environment: AWS_ACCESS_KEY_ID is not \
set; web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set; profile \"default\": no keys in \"$T/aws/credentials\"; \
profile \"default\": no keys in \"$T/aws/config\"; container: .* are not set; instance metadata: AWS_EC2_METADATA_DISABLED"
exits "and where nobody answers for the instance" 78 env AWS_EC2_METADATA_DISABLED=false \
	AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:1 "$FIRN" init
like "says what came of it" "$ERR" "instance metadata: .*(connect|refused)"

# ---- each source in turn ----
from 'environment \(AWS_ACCESS_KEY_ID\)' AWS_ACCESS_KEY_ID="$FIRN_TEST_S3_KEY" AWS_SECRET_ACCESS_KEY="$FIRN_TEST_S3_SECRET"
files "[default]
$REAL"
from "profile \"default\" of \"$T/aws/credentials\""
files "[default]
$WRONG
[x]
$REAL"
from "profile \"x\" of \"$T/aws/credentials\"" AWS_PROFILE=x
from "profile \"x\" of \"$T/aws/credentials\"" FIRN_S3_PROFILE=x AWS_ACCESS_KEY_ID=WRONG AWS_SECRET_ACCESS_KEY=WRONGSECRET
files '' "[default]
$REAL"
from "profile \"default\" of \"$T/aws/config\""
cat >"$T/my process" <<'END'
#!/bin/sh
echo >&2 "asked for $1"
cat "$(dirname "$0")/process.json"
END
chmod +x "$T/my process"
echo "{\"Version\": 1, \"AccessKeyId\": \"$FIRN_TEST_S3_KEY\", \"SecretAccessKey\": \"$FIRN_TEST_S3_SECRET\"}" >"$T/process.json"
files '' "[default]
credential_process = '$T/my process' \"\$HOME | keys\"
$WRONG"
from 'credential_process of profile "default"'
like "whose stderr is shown, and whose words no shell touched" "$ERR" 'credential_process: asked for \$HOME \| keys'
files '' ''
WEB="AWS_WEB_IDENTITY_TOKEN_FILE=$T/web-token AWS_ROLE_ARN=arn:aws:iam::1:role/w"
# shellcheck disable=SC2086 # two assignments
from 'web identity, role "arn:aws:iam::1:role/w"' $WEB
files '' "[profile w]
role_arn = arn:aws:iam::1:role/p
web_identity_token_file = $T/web-token"
from 'web identity, role "arn:aws:iam::1:role/p"' AWS_PROFILE=w
files "[base]
$REAL" "[profile r]
role_arn = arn:aws:iam::1:role/r
source_profile = base"
from 'role "arn:aws:iam::1:role/r" of profile "r"' AWS_PROFILE=r
files '' ''
CONTAINER="AWS_CONTAINER_CREDENTIALS_FULL_URI=$KEYS/container AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=$T/container-token"
# shellcheck disable=SC2086
from 'container credentials of "127.0.0.1:[0-9]+"' $CONTAINER
from 'instance metadata, role "firn-role"' AWS_EC2_METADATA_DISABLED=false AWS_EC2_METADATA_SERVICE_ENDPOINT="$KEYS"
is "each of the servers was asked once" "$(asked container) $(asked sts) $(asked instance)" "1 3 2"

# ---- which of two comes first ----
files "[default]
$REAL" "[default]
credential_process = /bin/false"
# shellcheck disable=SC2086
from 'web identity' $WEB $CONTAINER
# shellcheck disable=SC2086
from 'profile "default" of' $CONTAINER
# shellcheck disable=SC2086
from 'environment' $WEB AWS_ACCESS_KEY_ID="$FIRN_TEST_S3_KEY" AWS_SECRET_ACCESS_KEY="$FIRN_TEST_S3_SECRET"

# ---- a source that is set up and fails is the end ----
files '' "[default]
credential_process = /bin/sh -c 'echo >&2 no ticket; exit 4'
$REAL"
exits "a process that fails" 78 "$FIRN" init
like "is named with what it said" "$ERR" "credential_process of profile \"default\" \(\"$T/aws/config\", line 2\): it ended with \
status 4: no ticket"
files "[default
$REAL"
exits "a broken file" 78 "$FIRN" init
like "is named with the line" "$ERR" "\"$T/aws/credentials\", line 1: the heading has no"
files "[default]
$REAL"
exits "a profile that is nowhere" 78 "$FIRN" --s3-profile gone init
like "is named" "$ERR" 'profile "gone" is neither in'
# shellcheck disable=SC2086
exits "a container whose agent does not know us" 78 env $CONTAINER AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="$T/web-token" \
	AWS_SHARED_CREDENTIALS_FILE=/dev/null "$FIRN" init
like "is named with its status" "$ERR" "from \"127.0.0.1:[0-9]+\": it answered HTTP 404"
tell_no_secret
files "[default]
$WRONG"
exits "keys that the archive does not know" 78 "$FIRN" init
like "are its refusal" "$ERR" "InvalidAccessKeyId"
tell_no_secret

# ---- keys that expire in the middle ----
files '' ''
export AWS_CONTAINER_CREDENTIALS_FULL_URI=$KEYS/container AWS_CONTAINER_AUTHORIZATION_TOKEN=let-me-in
# Waits, before the first segment's rows are deleted, until the keys of that moment are over.
cat >"$T/outlive" <<EOF
[ -e "$T/outlived" ] && exit 0
: >"$T/outlived"
[ "\$1" = renew ] || : >"$T/keys/refuse"
end=\$((\$(date +%s) + \$(cat "$T/keys/lasts") + 1))
while [ \$(date +%s) -lt \$end ]; do sleep 0.1; done
EOF
echo 2 >"$T/keys/lasts"
before=$(asked container)
FIRN_FAULT="move.after_verify=exec:sh $T/outlive renew" exits "a pass of two jobs whose keys last two seconds" 0 \
	"$FIRN" pass --jobs 2 --no-maintain --segment-size 8KiB
ok "outlives them" [ -e "$T/outlived" ]
ok "since they were renewed" [ $(($(asked container) - before)) -ge 3 ]
e2e_check_accounted "$ROWS" "after it"
ok "and rows are cold" [ "$(cold_rows)" -gt 0 ]
exits "verify is clean" 0 "$FIRN" verify --deep
exits "it all comes back" 0 "$FIRN" rehydrate --where-cold all
is "bit for bit" "$(e2e_digest)" "$ALL"

rm -f "$T/outlived"
FIRN_FAULT="move.after_verify=exec:sh $T/outlive refuse" exits "a pass whose keys nobody renews" 78 \
	"$FIRN" pass --jobs 1 --no-maintain --segment-size 8KiB
like "ends by saying which have expired" "$ERR" "the S3 credentials from container credentials of \"127.0.0.1:[0-9]+\" have \
expired: could not get the container's S3 credentials from .*: it answered HTTP 403"
tell_no_secret
e2e_check_accounted "$ROWS" "after it"
rm "$T/keys/refuse"
echo 3600 >"$T/keys/lasts"
exits "with keys again verify is clean" 0 "$FIRN" verify --deep
exits "the next pass" 0 "$FIRN" pass --no-maintain
e2e_check_accounted "$ROWS" "after that"
is "and moves the rest" "$(sql "SELECT count(*) FROM document_chunk WHERE embedding_version = 'v1' AND workspace_id <> 'w4'")" 0
exits "it all comes back" 0 "$FIRN" rehydrate --where-cold all
is "bit for bit" "$(e2e_digest)" "$ALL"

done_testing
