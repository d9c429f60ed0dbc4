# A rehydrate by several sessions: they are really there, and bring back what one brings back; what one of them fails at, or
# all of them die of, leaves every row in one place.
. "$FIRN_SRC/tests/lib/e2e_common.sh"
. "$FIRN_SRC/tests/lib/e2e_crash.sh"

fresh_db
e2e_tables 0 600
sql "CREATE UNIQUE INDEX no_twins ON document_chunk (document_id, chunk_index, embedding_version)"
ROWS=$(hot_rows)
ALL=$(e2e_digest)
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
exits "a pass" 0 "$FIRN" pass
HOT=$(e2e_digest)
COLD=$(cold_rows)
ok "one segment has rows for several loads" [ "$(sql "SELECT max(rows_live) FROM firn.segment")" -gt 2500 ]

# While the first load waits, the others have sessions of their own.
cat >"$T/sessions" <<EOF
for i in \$(seq 300); do
	n=\$(psql -X -q -A -t -d "$DB" -c "SELECT count(*) FROM pg_stat_activity
		WHERE application_name LIKE 'firn%' AND datname = current_database()")
	echo "\$n" >"$T/sessions.out"
	[ "\$n" \$1 ] && break
	sleep 0.1
done
EOF
for jobs in 1:-eq:1 2:-ge:3 4:-ge:5; do
	IFS=: read -r j compare n <<<"$jobs"
	FIRN_FAULT="rehydrate.after_insert=exec:sh $T/sessions '$compare $n'" \
		exits "$j jobs" 0 "$FIRN" rehydrate --where-cold all --jobs "$j" --format json
	ok "$j jobs: as many sessions" [ "$(cat "$T/sessions.out")" "$compare" "$n" ]
	is "$j jobs: rows" "$(json '{rows}') $(json '{rows_hot}')" "$COLD 0"
	is "$j jobs: bring back every row, once" "$(e2e_digest)" "$ALL"
	is "$j jobs: nothing is cold" "$(cold_rows)" 0
	is "$j jobs: index work is due for all of them" "$(sql "SELECT coalesce(sum(rows_inserted), 0) FROM firn.maintenance")" 0
	exits "$j jobs: a pass" 0 "$FIRN" pass
	is "$j jobs: moves the same again" "$(e2e_digest)" "$HOT"
done
exits "no index work" 0 "$FIRN" rehydrate --where-cold all --jobs 4 --no-maintain
is "each session's rows are counted" "$(sql "SELECT sum(rows_inserted) FROM firn.maintenance")" "$COLD"
exits "a pass" 0 "$FIRN" pass

# One session fails: what the others had begun is finished, the rest stays cold.
for site in rehydrate.after_insert=error:2 rehydrate.before_commit=error:3 rehydrate.after_stage=error:4; do
	FIRN_FAULT=$site exits "$site" 70 "$FIRN" rehydrate --where-cold all --jobs 4
	like "$site: says so" "$ERR" 'could not bring rows back from segment [0-9]+: a fault was injected'
	e2e_check_accounted "$ROWS" "after $site"
	exits "$site: verify --deep is clean" 0 "$FIRN" verify --deep
	exits "$site: the next one" 0 "$FIRN" rehydrate --where-cold all --jobs 4
	is "$site: brings back the rest" "$(e2e_digest) $(cold_rows)" "$ALL 0"
	exits "$site: a pass" 0 "$FIRN" pass
done
for site in $(fault_sites rehydrate.) rehydrate.after_commit=kill:3 rehydrate.after_insert=kill:4; do
	killed_at "$site" "$site" "$FIRN" rehydrate --where-cold all --jobs 4
	# Sessions of the dead run may still be at work on the server.
	gone() { [ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'firn%' AND datname = current_database()")" = 0 ]; }
	ok "$site: its sessions end" poll_until 20 gone
	e2e_check_accounted "$ROWS" "after $site"
	exits "$site: the next one" 0 "$FIRN" rehydrate --where-cold all --jobs 4
	is "$site: brings back the rest" "$(e2e_digest) $(cold_rows)" "$ALL 0"
	exits "$site: a pass" 0 "$FIRN" pass
done
exits "verify --deep is clean" 0 "$FIRN" verify --deep

# Rows in the way: of other keys, and of the same.
sql "CREATE TABLE kept AS SELECT * FROM document_chunk; INSERT INTO document_chunk SELECT md5('x' || id)::uuid, document_id,
	workspace_id, chunk_index, 'twin', embedding, 'v1', created_at FROM document_chunk WHERE embedding_version = 'v2' LIMIT 700"
TWINS=$(sql "SELECT count(*) FROM document_chunk WHERE chunk_text = 'twin'")
exits "rows in the way" 0 "$FIRN" rehydrate --where-cold all --jobs 4 --format json
is "are left alone" "$(json '{rows}') $(json '{rows_hot}') $(cold_rows)" "$((COLD - TWINS)) $TWINS $TWINS"
is "all the rest is back" "$(hot_rows)" "$ROWS"
sql "DELETE FROM document_chunk WHERE chunk_text = 'twin'"
exits "once they are gone" 0 "$FIRN" rehydrate --where-cold all --jobs 4
is "every row is back" "$(e2e_digest)" "$ALL"

# A server that has no session to spare.
exits "a pass" 0 "$FIRN" pass
sql "DROP ROLE IF EXISTS firn_few_r; CREATE ROLE firn_few_r LOGIN CONNECTION LIMIT 1; GRANT ALL ON DATABASE $DB_NAME TO firn_few_r;
	GRANT pg_read_all_data, pg_write_all_data TO firn_few_r; ALTER TABLE document_chunk OWNER TO firn_few_r; GRANT ALL ON SCHEMA firn TO firn_few_r;
	GRANT ALL ON ALL TABLES IN SCHEMA firn TO firn_few_r; GRANT ALL ON ALL SEQUENCES IN SCHEMA firn TO firn_few_r"
few() { FIRN_DATABASE=$(printf %s "$DB" | sed 's,//[^@/]*@,//firn_few_r@,') "$FIRN" "$@"; }
exits "a role that may have one connection" 0 few rehydrate --where-cold all --jobs 4 --no-maintain
like "says so" "$ERR" 'going on with fewer sessions: .*too many connections'
is "and does it all with that" "$(e2e_digest) $(cold_rows)" "$ALL 0"
sql "REASSIGN OWNED BY firn_few_r TO CURRENT_USER; DROP OWNED BY firn_few_r; DROP ROLE firn_few_r"

exits "no job at all" 64 "$FIRN" rehydrate --where-cold all --jobs 0
exits "more jobs than there may be" 64 "$FIRN" rehydrate --where-cold all --jobs 65
like "are refused" "$ERR" 'a rehydrate has from 1 to 64 jobs, not 65'
done_testing
