# kill -9 of firn while it gives up what its rule keeps no longer: before, nothing is gone; after, no more than that.
. "$FIRN_SRC/tests/lib/e2e_common.sh"
. "$FIRN_SRC/tests/lib/e2e_crash.sh"

fresh_db
e2e_tables 2 30
ROWS=$(hot_rows)
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
printf '%s\n' 'rules:' '  - name: log' '    match: { version: v1, workspace: [w1, w2] }' '    archive: { delete_after: 30d }' \
	'  - name: rest' '    match: { version: v1 }' '    archive: {}' 'limits: { min_residency: 0s }' >"$T/policy.yaml"
live() { sql "SELECT coalesce(sum(rows_live), 0) FROM firn.segment WHERE rule = '$1'"; }
for site in $(fault_sites expire.); do
	exits "$site: a pass" 0 "$FIRN" pass --segment-size 8KiB
	sql "UPDATE firn.segment SET created_at = created_at - interval '31 days'"
	HOT=$(e2e_digest)
	REST=$(live rest)
	LOG=$(live log)
	SEGMENTS=$(sql "SELECT count(*) FROM firn.segment WHERE rule = 'log' AND state = 'active'")
	ok "$site: several segments are past their time" [ "$SEGMENTS" -gt 2 ]
	killed_at "$site" "$site" "$FIRN" gc --expire --confirm
	case $site in
	*before*) is "$site: nothing is given up" "$(live log)" "$LOG" ;;
	*) is "$site: one segment is given up" "$(sql "SELECT count(*) FROM firn.segment WHERE rule = 'log' AND state = 'active'")" $((SEGMENTS - 1)) ;;
	esac
	is "$site: all objects are there" "$(objects | wc -l)" "$(sql "SELECT 2 * count(*) FROM firn.segment WHERE state <> 'removed'")"
	exits "$site: verify --deep is clean" 0 "$FIRN" verify --deep
	exits "$site: the next run" 0 "$FIRN" gc --expire --confirm
	is "$site: gives up the rest of it, and nothing else" "$(live log) $(live rest) $(e2e_digest)" "0 $REST $HOT"
	exits "$site: verify --deep is clean again" 0 "$FIRN" verify --deep
	exits "$site: the other rows come back" 0 "$FIRN" rehydrate --where-cold all --format json
	is "$site: all of them" "$(json '{rows_matched}')" "$REST"
	sql "INSERT INTO document_chunk SELECT md5('again' || '$site' || id)::uuid, document_id, workspace_id, chunk_index, chunk_text, embedding,
		'v1', created_at FROM document_chunk WHERE workspace_id IN ('w1', 'w2')"
done
done_testing
