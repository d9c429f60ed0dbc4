# A role that may only look: reports and explanations, and nothing that moves.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 2 20
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
exits "a pass" 0 "$FIRN" pass
ROLE=${DB_NAME}_viewer
sql "CREATE ROLE $ROLE LOGIN"
at_exit psql -X -q -d "$FIRN_TEST_PG_URI" -c "DROP ROLE IF EXISTS $ROLE"
at_exit sql "DROP OWNED BY $ROLE"
VIEWER=postgresql://$ROLE@${DB#*@}
look() { "$FIRN" -d "$VIEWER" "$@"; }

exits "who may not even look" 78 look status
like "is told what is wanting" "$ERR" "permission denied for schema firn"
sql "GRANT USAGE ON SCHEMA firn TO $ROLE; GRANT SELECT ON ALL TABLES IN SCHEMA firn, public TO $ROLE"
for command in status "status --by workspace" plan report "report --by workspace" "report --format html" "report --format prometheus" \
	"report --what-if $FIRN_POLICY" "explain --workspace w1" "explain --last-pass" "versions status" "indexes status" "partitions status"; do
	read -ra words <<<"$command"
	exits "$command" 0 look "${words[@]}"
	is "without a word of warning" "$ERR" ""
done
for command in pass maintain "rehydrate --where-cold all" "gc --expire --confirm"; do
	read -ra words <<<"$command"
	exits "$command is not for it" 78 look "${words[@]}"
done
like "and it is said what would have to be granted" "$ERR" "GRANT INSERT, DELETE ON public.document_chunk TO"
e2e_check_accounted 280 "at the end"
done_testing
