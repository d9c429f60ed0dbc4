# Configuration and policy that cannot be used: refused before any database is asked, with file, line and key.
. "$FIRN_SRC/tests/lib/firn.sh"
# A database that nobody could reach: coming that far would show as 69.
export PGHOST=/nonexistent PGCONNECT_TIMEOUT=1
for name in $(compgen -v FIRN_); do
	case $name in FIRN_SRC | FIRN_TEST_* | FIRN_*_BIN | FIRN_AT_EXIT) ;; *) unset "$name" ;; esac
done
cd "$T" || exit 1

refused() { # NAME WANTED ARGS...
	local name=$1 wanted=$2
	shift 2
	exits "$name (status)" 78 firn "$@"
	is "$name (standard output)" "$OUT" ""
	is "$name" "${ERR%%$'\n'*}" "firn: error: $wanted"
}

cat >bad-key.yaml <<'END'
database: service=app
archve: file:///srv
END
refused "an unknown key of the configuration" \
	'bad-key.yaml:2: "archve" is not a key of the configuration; did you mean "archive"?' -c bad-key.yaml status
exits "FIRN_CONFIG names the configuration" 78 env FIRN_CONFIG=bad-key.yaml "$FIRN" status
exits "--config is stronger than FIRN_CONFIG" 78 env FIRN_CONFIG=bad-key.yaml "$FIRN" -c missing.yaml status
like "--config is stronger than FIRN_CONFIG (message)" "$ERR" 'missing.yaml'

cat >policy.yaml <<'END'
rules:
  - name: idle
    match:
      idle_fro: 60d
    archive: {}
END
echo "policy: policy.yaml" >firn.yaml
refused "an unknown key of a policy" 'policy.yaml:4: "idle_fro" is not a key of match; did you mean "idle_for"?' \
	--archive "file://$T/a" --table t --policy policy.yaml plan
mkdir -p sub
cp policy.yaml sub/
echo "policy: policy.yaml" >sub/firn.yaml
refused "a policy is looked for beside the configuration" \
	'sub/policy.yaml:4: "idle_fro" is not a key of match; did you mean "idle_for"?' \
	-c sub/firn.yaml --archive "file://$T/a" --table t plan

printf 'rules:\n  - name: all\n    match: {}\n    archive: {}\n' >all.yaml
exits "a rule that would archive everything (status)" 78 firn --archive "file://$T/a" --table t --policy all.yaml pass
is "a rule that would archive everything, with what to do" "$ERR" "firn: error: all.yaml:3: rule \"all\" would archive every chunk: its match is empty
hint: Give a condition, such as \"match: { superseded: {} }\" or \"match: { idle_for: 60d }\". To move everything out on purpose, write \"match: { workspace: '*' }\"."

exits "as JSON there is a document nevertheless" 78 firn --format json -c bad-key.yaml status
is "the document holds the error" "$OUT" '{
  "command": "status",
  "error": {
    "code": "config",
    "message": "bad-key.yaml:2: \"archve\" is not a key of the configuration; did you mean \"archive\"?",
    "hint": null
  }
}'
exits "log lines can be JSON" 78 firn --log-format json -c bad-key.yaml status
like "a log line is a JSON object with level and code" "$ERR" '^\{.*"level": ?"error".*"code": ?"config".*\}$'
done_testing
