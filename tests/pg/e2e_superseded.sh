# What counts as superseded: only what was active once, whatever the records of the active version look like meanwhile.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

by_version() { sql "SELECT string_agg(v || ':' || n, ' ' ORDER BY v) FROM
	(SELECT embedding_version v, count(*) n FROM document_chunk WHERE workspace_id = 'w1' GROUP BY 1) x"; }

# ---- the next version is being built, and nothing says so ----
fresh_db
e2e_tables 0 100
e2e_env "$(e2e_file_archive)"
sql "ALTER TABLE workspace_index_state DROP COLUMN target_embedding_version;
	UPDATE workspace_index_state SET updated_at = now() - interval '60 days'"
printf '%s\n' 'rules:' '  - name: superseded' '    match: { superseded: { grace: 7d } }' '    archive: {}' >"$T/grace.yaml"
build() { sql "INSERT INTO document_chunk SELECT md5(id::text || 'v3')::uuid, document_id, workspace_id, chunk_index, chunk_text, embedding,
		'v3', now() - interval '$1' FROM document_chunk WHERE workspace_id = 'w1' AND embedding_version = 'v2' AND chunk_index = $2"; }
build "10 days" 0
build "1 minute" 1
is "two versions and half of a third" "$(by_version)" "v1:200 v2:200 v3:200"
exits "init" 0 "$FIRN" init
exits "a pass with a grace period shorter than the building takes" 0 "$FIRN" pass --policy "$T/grace.yaml"
is "moves what was active before, and nothing of what never was" "$(by_version)" "v2:200 v3:200"
sql "UPDATE workspace_index_state SET active_embedding_version = 'v3', updated_at = now() - interval '8 days' WHERE workspace_id = 'w1'"
exits "a pass after the flip" 0 "$FIRN" pass --policy "$T/grace.yaml"
is "moves what it superseded" "$(by_version)" "v3:200"
exits "verify --deep is clean" 0 "$FIRN" verify --deep

# ---- a second active version appears while a pass is under way ----
fresh_db
e2e_tables 4 30
e2e_env "$(e2e_file_archive)"
sql "CREATE TABLE active (workspace_id text, version text, since timestamptz);
	INSERT INTO active SELECT workspace_id, active_embedding_version, now() - interval '1 day' FROM workspace_index_state"
cat >"$T/query.yaml" <<EOF
tables:
  - table: public.document_chunk
    active_version: { query: "SELECT workspace_id, version, since FROM active" }
EOF
active_rows() { sql "SELECT count(*) FROM document_chunk WHERE embedding_version = 'v2'"; }
ACTIVE=$(active_rows)
export FIRN_CONFIG=$T/query.yaml
exits "init with a query for the active version" 0 "$FIRN" init
printf 'psql -X -q -d "%s" -c "%s"\n' "$DB" "INSERT INTO active SELECT workspace_id, 'v1', now() - interval '1 day' FROM active" >"$T/second"
FIRN_FAULT="move.after_intent=exec:sh $T/second" exits "a pass that meets a second active version" 0 "$FIRN" pass --jobs 1 --no-maintain
is "the first is all there" "$(active_rows)" "$ACTIVE"
exits "the next pass" 78 "$FIRN" pass
like "refuses such a state" "$ERR" "more than one active version"
sql "DELETE FROM active WHERE version = 'v1'"
exits "verify --deep is clean" 0 "$FIRN" verify --deep
done_testing
