# A pass that works on several leaves at once: it really does, ends like one that does not, keeps limits to the row, and
# what one job fails at does not undo the others.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 4 30
# The four workspaces lie in fewer leaves than four: more of them.
sql "INSERT INTO document SELECT md5('d' || w || '-' || d)::uuid, 'x' || w, 'title' FROM generate_series(5, 12) w, generate_series(1, 30) d;
	INSERT INTO document_chunk
	SELECT md5('c' || w || '-' || d || '-' || v)::uuid, md5('d' || w || '-' || d)::uuid, 'x' || w, 0, 'text ' || d, NULL, 'v' || v,
		timestamptz '2026-01-01 00:00:00+00'
	FROM generate_series(5, 12) w, generate_series(1, 30) d, generate_series(1, 2) v;
	INSERT INTO workspace_index_state SELECT 'x' || w, 'v2', NULL, now() - interval '1 day' FROM generate_series(5, 12) w;
	ANALYZE"
leaves=$(sql "SELECT count(DISTINCT tableoid) FROM document_chunk WHERE embedding_version = 'v1'")
ok "superseded rows lie in several leaves" [ "$leaves" -gt 2 ]
ROWS=$(hot_rows)
ALL=$(e2e_digest)
SUPERSEDED=420
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
back() { "$FIRN" rehydrate --where-cold all >/dev/null && [ "$(e2e_digest)" = "$ALL" ] && [ "$(cold_rows)" = 0 ]; }

exits "one job" 0 "$FIRN" pass --jobs 1 --format json
is "moves what is superseded" "$(json '{rows_moved}')" "$SUPERSEDED"
HOT=$(e2e_digest)
ok "which comes back" back
exits "as many jobs as leaves, and more" 0 "$FIRN" pass -j 9 --segment-size 8KiB --format json
is "move the same" "$(json '{rows_moved}') $(e2e_digest)" "$SUPERSEDED $HOT"
is "in segments that are all counted" "$(json '{segments}')" "$(sql "SELECT count(*) FROM firn.segment WHERE state = 'active'")"
exits "verify --deep is clean" 0 "$FIRN" verify --deep
ok "it comes back" back

# While one job waits before its rows are deleted, the others have sessions of their own.
cat >"$T/sessions" <<EOF
for i in \$(seq 300); do
	n=\$(psql -X -q -A -t -d "$DB" -c "SELECT count(*) FROM pg_stat_activity
		WHERE application_name LIKE 'firn%' AND datname = current_database()")
	echo "\$n" >"$T/sessions.out"
	[ "\$n" \$1 ] && break
	sleep 0.1
done
EOF
FIRN_FAULT="move.after_verify=exec:sh $T/sessions '-eq 2'" exits "one job" 0 "$FIRN" pass --jobs 1 --no-maintain
is "has one session to read and one to delete" "$(cat "$T/sessions.out")" 2
ok "its rows come back" back
# Of jobs that are done the sessions may be closed while this one waits.
FIRN_FAULT="move.after_verify=exec:sh $T/sessions '-ge 3'" exits "three jobs" 0 "$FIRN" pass --jobs 3 --no-maintain
ok "have more" [ "$(cat "$T/sessions.out")" -ge 3 ]
is "and move the same" "$(e2e_digest)" "$HOT"
ok "their rows come back" back

exits "a limit of rows with several jobs" 0 "$FIRN" pass --jobs 4 --max-rows 77 --format json
is "is kept to the row" "$(json '{rows_moved}') $(cold_rows)" "77 77"
ok "they come back" back

FIRN_FAULT=move.before_commit=error exits "a pass of which one job fails" 70 "$FIRN" pass --jobs 3 --segment-size 8KiB
like "says at what" "$ERR" "could not move segment"
e2e_check_accounted "$ROWS" "after it"
is "what it had begun is undone" "$(sql "SELECT count(*) FROM firn.segment WHERE state = 'intent'")" 0
is "the pass is recorded as ended" "$(sql "SELECT count(*) FROM firn.pass WHERE finished_at IS NULL")" 0
exits "verify --deep is clean" 0 "$FIRN" verify --deep
exits "the next pass" 0 "$FIRN" pass
is "moves the rest" "$(e2e_digest)" "$HOT"

exits "no job at all" 64 "$FIRN" pass --jobs 0
exits "more jobs than there may be" 64 "$FIRN" pass --jobs 65
like "are refused" "$ERR" "a pass has from 1 to 64 jobs, not 65"
sed 's/^limits: { /limits: { jobs: 0, /' "$T/policy.yaml" >"$T/none.yaml"
exits "nor may a policy have none" 78 "$FIRN" pass --policy "$T/none.yaml"
like "which says where" "$ERR" "none.yaml:5: jobs: 0 is not from 1 to 64"

# A role that may have fewer connections than the jobs want.
exits "all comes back" 0 "$FIRN" rehydrate --where-cold all
sql "DROP ROLE IF EXISTS firn_few; CREATE ROLE firn_few LOGIN SUPERUSER; ALTER ROLE firn_few NOSUPERUSER CONNECTION LIMIT 3;
	GRANT ALL ON DATABASE $DB_NAME TO firn_few; GRANT pg_read_all_data, pg_write_all_data TO firn_few;
	ALTER TABLE document_chunk OWNER TO firn_few; ALTER TABLE workspace_index_state OWNER TO firn_few;
	GRANT ALL ON SCHEMA firn TO firn_few; GRANT ALL ON ALL TABLES IN SCHEMA firn TO firn_few; GRANT ALL ON ALL SEQUENCES IN SCHEMA firn TO firn_few"
for leaf in $(sql "SELECT relid FROM pg_partition_tree('document_chunk') WHERE isleaf"); do sql "ALTER TABLE $leaf OWNER TO firn_few"; done
few() { FIRN_DATABASE=$(printf %s "$DB" | sed 's,//[^@/]*@,//firn_few@,') "$FIRN" "$@"; }
exits "a pass that gets connections for one job only" 0 few pass --jobs 4 --no-maintain
is "moves everything with it" "$(e2e_digest)" "$HOT"
like "and says so" "$ERR" "goes on with fewer jobs: .*too many connections"
sql "ALTER ROLE firn_few CONNECTION LIMIT 1"
exits "one that gets too few even for that" 75 few pass
like "says what it needs" "$ERR" "two connections"
sql "REASSIGN OWNED BY firn_few TO CURRENT_USER; DROP OWNED BY firn_few; DROP ROLE firn_few"
done_testing
