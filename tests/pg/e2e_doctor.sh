# firn doctor: what is looked at, what it says, and its status; it goes on after a failure.
. "$FIRN_SRC/tests/lib/e2e_common.sh"
fresh_db
e2e_tables 2 5
archive=$(e2e_file_archive)
e2e_env "$archive"

state() { printf '%s\n' "$OUT" | awk -v n="$1" '$2 == n { print $1 }'; }
said() { printf '%s\n' "$OUT" | awk -v n="$1" '$2 == n { $1 = $2 = ""; print substr($0, 3) }'; }

cut_log() { wc -c <"$FIRN_TEST_PG_DIR/log"; }
SEEN=$(cut_log)
exits "before init there are warnings at most" 0 firn doctor
is "that there is no catalog is one" "$(state catalog)" warning
like "with what to do" "$OUT" '^ +-> Run "firn init" once\.$'
is "an archive that is there is fine" "$(state archive)" ok
exits "a folder that init is to make" 0 firn --archive "file://$T/later" doctor
is "is a warning then" "$(state archive)" warning
not_ok "and is not made" test -e "$T/later"

unlike "the server's log has no error of what init is to make" "$(tail -c "+$((SEEN + 1))" "$FIRN_TEST_PG_DIR/log")" 'firn\.[a-z_]+" does not exist'

exits "init" 0 firn init
exits "after init all is well" 0 firn doctor
for name in configuration policy prices database database-clock pg-repack catalog server-disk table checks archive \
	archive-clock archive-mark work-folder; do
	is "$name is looked at" "$(state "$name")" ok
done
like "the role is said" "$(said database)" 'PostgreSQL [0-9.]+ .*as role "postgres"'
like "the policy is" "$(said policy)" 'policy\.yaml: 1 rule$'
is "nothing is left in the archive" "$(objects)" ""
is "nothing is said on standard error" "$ERR" ""

# ---- on a narrow terminal ----
# The terminal breaks what is too wide wherever it is, so that words would not be the same any more.
narrow() { python3 "$FIRN_SRC/tests/lib/terminal.py" --size 40x200 -- "$FIRN" "$@"; }
words() { tr -s ' \n' ' ' <<<"$*"; }
exits "help" 0 firn help pass
WHOLE=$(words "$OUT")
exits "help in 40 columns" 0 narrow help pass
is "says the same, word by word" "$(words "$OUT")" "$WHOLE"
exits "a sentence" 0 firn plan
WHOLE=$(words "$OUT")
exits "a plan in 40 columns" 0 narrow plan
like "is blocks" "$OUT" '^  ROWS +[0-9]+$'
exits "a table in 40 columns" 0 narrow status
like "is blocks of lines" "$OUT" '^TABLE +public\.document_chunk$'
like "with a value in each" "$OUT" '^COLD BYTES +0 B$'
exits "what programs read" 0 narrow doctor --format json
like "is not broken" "$(tr -d '\n' <<<"$OUT")" '"hint": null'

exits "as JSON" 0 firn --format json doctor
is "it is a document" "$(json '{command}')/$(json '{failed}')/$(json '{error}')" "doctor/0/"
is "findings have name and state" "$(json_of "$(json '{findings}')" '{0}' | tr -d ' \n' | cut -c1-40)" \
	'{"hint":null,"name":"configuration","sta'
is "those of a table name it" "$(psql -X -q -A -t -d "$DB" -v doc="$OUT" <<<"SELECT f ->> 'table' FROM
	jsonb_array_elements(:'doc'::jsonb -> 'findings') f WHERE f ->> 'name' = 'checks'")" public.document_chunk

printf 'rules: 5\n' >"$T/bad.yaml"
exits "a policy that is wrong fails with its status" 78 firn --policy "$T/bad.yaml" doctor
is "the rest is looked at all the same" "$(state policy)/$(state database)/$(state archive)" FAILED/ok/ok
like "the first failure is on standard error" "$ERR" '^firn: error: .*bad\.yaml'
exits "a configuration that is wrong" 78 firn -c "$T/bad.yaml" doctor
is "leaves nothing to look at" "$(state configuration)/$(state database)/$(state archive)" FAILED/skipped/skipped
exits "a database out of reach is the status" 69 firn -d "host=$T dbname=x" doctor
is "the archive is looked at all the same" "$(state database)/$(state table)/$(state archive)" FAILED/skipped/ok
exits "a table that is not there" 78 firn --table no_such doctor
is "is a failure; the others go on" "$(state table)/$(state archive)" FAILED/ok
exits "of several failures the first is the status" 69 firn -d "host=$T dbname=x" --archive gs://x doctor
like "and all are told" "$OUT" '^2 failed, 0 warnings$'
like "the error says that it is not the only one" "$ERR" '^hint: .*\(2 checks failed: the list above has them all\.\)$'
exits "another archive than the catalog's" 69 firn --archive "$(e2e_file_archive)" doctor
is "is told from one that does not work" "$(state archive)/$(state archive-mark)" ok/FAILED

sql "CREATE ROLE ${DB_NAME}_user LOGIN"
at_exit psql -X -q -d "$FIRN_TEST_PG_URI" -c "DROP ROLE IF EXISTS ${DB_NAME}_user"
at_exit sql "DROP OWNED BY ${DB_NAME}_user"
server=${FIRN_TEST_PG_URI%/*}
exits "a role without rights" 78 firn -d "postgresql://${DB_NAME}_user@${server#*@}/$DB_NAME" doctor
is "fails where it lacks them" "$(state catalog)/$(state privileges)/$(state maintenance-rights)" FAILED/FAILED/FAILED
like "with the statements to run" "$OUT" "-> GRANT SELECT, INSERT, DELETE ON public\.document_chunk TO ${DB_NAME}_user;"

e2e_env "$(s3_archive)"
export AWS_SECRET_ACCESS_KEY=$FIRN_TEST_S3_SECRET
exits "an S3 archive" 69 firn doctor
is "says where its keys come from" "$(state archive-keys)/$(state archive)/$(state archive-clock)" ok/ok/ok
like "by the source's name" "$(said archive-keys)" 'AWS_ACCESS_KEY_ID'
unlike "and never a key" "$OUT$ERR" "$FIRN_TEST_S3_SECRET|$FIRN_TEST_S3_KEY"
exits "a wrong key" 78 env AWS_SECRET_ACCESS_KEY=wrong "$FIRN" doctor
is "is a failure of the archive" "$(state archive)" FAILED

sql 'DROP SCHEMA firn CASCADE; DROP EXTENSION vector CASCADE'
exits "without pgvector" 78 firn doctor
is "that is a failure" "$(state pgvector)" FAILED
like "with what to run" "$OUT" '-> Run there: CREATE EXTENSION vector;'
done_testing
