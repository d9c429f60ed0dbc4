# Embedding versions: what is there, the flip that is refused where readers would miss something, and the way back, under
# a reader who never finds nothing.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

DOCS=40
fresh_db
e2e_tables 2 $DOCS
sql "ALTER TABLE workspace_index_state ADD index_epoch int;
	CREATE INDEX ON document_chunk USING hnsw (embedding vector_cosine_ops)"
e2e_env "$(e2e_file_archive)"
cp "$T/policy.yaml" "$T/grace0.yaml"
sed 's/grace: 0s/grace: 1h/' "$T/policy.yaml" >"$T/grace1.yaml"
pass() { "$FIRN" --policy "$T/$1.yaml" pass --format json; }
state() { sql "SELECT active_embedding_version, coalesce(target_embedding_version, '-'), coalesce(index_epoch, 0)
	FROM workspace_index_state WHERE workspace_id = '$1'"; }
of() { sql "SELECT count(*) FROM document_chunk WHERE workspace_id = '$1' AND embedding_version = '$2'"; }
cold_of() { sql "SELECT coalesce(sum(w.rows_live), 0) FROM firn.segment s JOIN firn.segment_workspace w ON w.segment_id = s.id
	WHERE s.state = 'active' AND w.workspace = '$1' AND w.version = '$2'"; }
open_rollbacks() { sql "SELECT count(*) FROM firn.version_flip WHERE flipped_at IS NULL AND given_up_at IS NULL"; }
# embed WORKSPACE VERSION CONDITION: rows of the version beside those of v1
embed() {
	sql "INSERT INTO document_chunk (id, document_id, workspace_id, chunk_index, chunk_text, embedding, embedding_version, created_at)
		SELECT md5(id::text || '$2')::uuid, document_id, workspace_id, chunk_index, chunk_text, embedding, '$2', created_at
		FROM document_chunk WHERE workspace_id = '$1' AND embedding_version = 'v1' AND $3"
}

exits "status without a catalog" 78 "$FIRN" versions status
exits "init" 0 "$FIRN" init

exits "status" 0 "$FIRN" versions status --format json
is "has every workspace" "$(json '{workspaces,3,workspace}') $(json '{workspaces,4}')" "w4 "
is "with its active version and no target" "$(json '{workspaces,0,active}') $(json '{workspaces,0,target}')" "v2 "
is "and the rows of each version" "$(json '{workspaces,0,versions,0,version}') $(json '{workspaces,0,versions,0,hot_rows}') \
$(json '{workspaces,0,versions,1,documents}') $(json '{workspaces,0,versions,1,cold_rows}')" "v1 $((2 * DOCS)) $DOCS 0"
exits "status of one workspace" 0 "$FIRN" versions status --workspace w4 --format json
is "has that one" "$(json '{workspaces,0,workspace}') $(json '{workspaces,1}')" "w4 "

# ---- promote ----
exits "promote without a target" 64 "$FIRN" versions promote --workspace w4
exits "promote without a workspace" 64 "$FIRN" versions promote
exits "promote to a version without a name" 64 "$FIRN" versions promote --workspace w4 --to ''
exits "promote of a workspace that is not there" 65 "$FIRN" versions promote --workspace nobody --to v2
exits "promote to a version without rows" 78 "$FIRN" versions promote --workspace w4 --to v2
like "is refused" "$ERR" 'has no row of version "v2"'
sql "UPDATE workspace_index_state SET target_embedding_version = 'v2' WHERE workspace_id = 'w4'"
embed w4 v2 "document_id IN (SELECT id FROM document WHERE workspace_id = 'w4' ORDER BY id LIMIT $DOCS / 2)"
exits "promote half way" 78 "$FIRN" versions promote --workspace w4 --format json
like "says how many documents lack it" "$ERR" "$((DOCS / 2)) of $DOCS documents of version \"v1\""
like "names some of them" "$ERR" '"v2": "[0-9a-f-]{36}", "[0-9a-f-]{36}", "[0-9a-f-]{36}", \.\.\.'
is "tells programs, too" "$(json '{flipped}') $(json '{missing}') $(json '{to}')" "false $((DOCS / 2)) v2"
is "changes nothing" "$(state w4)" "v1|v2|0"
exits "status half way" 0 "$FIRN" versions status --workspace w4 --format json
is "shows the coverage" "$(json '{workspaces,0,covered}') $(json '{workspaces,0,missing}') $(json '{workspaces,0,documents}')" \
	"$((DOCS / 2)) $((DOCS / 2)) $DOCS"
exits "status as text" 0 "$FIRN" versions status
like "shows it, too" "$OUT" "v2 +target +$DOCS +$((DOCS / 2)) +0 +50\.0% of $DOCS"
embed w4 v2 "document_id IN (SELECT id FROM document WHERE workspace_id = 'w4' ORDER BY id OFFSET $DOCS / 2)"
sql "DELETE FROM document_chunk WHERE id = (SELECT id FROM document_chunk WHERE workspace_id = 'w4'
	AND embedding_version = 'v2' AND chunk_index = 1 LIMIT 1)"
before=$(sql "SELECT clock_timestamp()")
exits "promote what is complete" 0 "$FIRN" versions promote --workspace w4
like "says so" "$OUT" 'workspace w4: version v2 is active, it was v1'
like "and that a document has fewer rows" "$OUT" '1 documents have fewer rows'
is "flips and counts" "$(state w4)" "v2|v2|1"
is "writes when" "$(sql "SELECT updated_at >= '$before' FROM workspace_index_state WHERE workspace_id = 'w4'")" t
is "and leaves the others alone" "$(state w1)" "v2|-|0"
is "records it" "$(sql "SELECT workspace, kind, from_version, to_version, flipped_at IS NOT NULL FROM firn.version_flip")" \
	"w4|promote|v1|v2|t"
exits "promote again" 0 "$FIRN" versions promote --workspace w4
like "has nothing to do" "$OUT" 'was active already'
is "and counts nothing" "$(state w4)" "v2|v2|1"

# ---- the grace period begins with the flip ----
exits "a pass with a grace period of an hour" 0 pass grace1
is "moves what was superseded before" "$(cold_of w1 v1)" $((2 * DOCS))
is "but not what was superseded just now" "$(cold_of w4 v1)" 0
exits "a pass without one" 0 pass grace0
is "moves that as well" "$(cold_of w4 v1)" $((2 * DOCS))
ROWS=$(($(hot_rows) + $(cold_rows)))

exits "promote to what is cold" 78 "$FIRN" versions promote --workspace w1 --to v1
like "is refused with what to do" "$ERR" 'rehydrate --workspace w1 --version v1'

# ---- rollback under a reader, with passes that would move everything at once ----
sql "CREATE TABLE reader (stop boolean NOT NULL); INSERT INTO reader VALUES (false);
	CREATE TABLE reader_saw (reads bigint, least bigint)"
# read_on: active version and rows in one statement; read_apart: one after the other, as applications do
read_on() {
	local apart=$1
	psql -X -q -d "$DB" -c "DO \$\$
		DECLARE n bigint; v text; reads bigint := 0; least bigint;
		BEGIN
			LOOP
				IF $apart THEN
					SELECT active_embedding_version INTO v FROM workspace_index_state WHERE workspace_id = 'w4';
					COMMIT;
					SELECT count(*) INTO n FROM document_chunk WHERE workspace_id = 'w4' AND embedding_version = v;
				ELSE
					SELECT count(*) INTO n FROM workspace_index_state s JOIN document_chunk c
						ON c.workspace_id = s.workspace_id AND c.embedding_version = s.active_embedding_version
						WHERE s.workspace_id = 'w4';
				END IF;
				reads := reads + 1;
				least := LEAST(least, n);
				COMMIT;
				EXIT WHEN (SELECT stop FROM reader);
			END LOOP;
			INSERT INTO reader_saw VALUES (reads, least);
		END \$\$" >/dev/null 2>"$T/reader.err"
}
start_reader() {
	sql "UPDATE reader SET stop = false; TRUNCATE reader_saw"
	read_on "$1" &
	READER=$!
}
stop_reader() {
	sql "UPDATE reader SET stop = true"
	wait $READER
}
keep_passing() { while [ ! -e "$T/enough" ]; do pass grace0 >/dev/null 2>&1; done; }

start_reader false
keep_passing &
PASSES=$!
exits "rollback without a version undoes the promote" 0 "$FIRN" versions rollback --workspace w4 --format json
is "flips" "$(json '{flipped}') $(json '{from}') $(json '{to}') $(json '{resumed}')" "true v2 v1 false"
is "brings back every row" "$(json '{rows_back}') $(json '{rows}') $(json '{rows_left}') $(json '{missing}')" \
	"$((2 * DOCS)) $((2 * DOCS)) 0 0"
touch "$T/enough"
wait $PASSES
stop_reader
is "the reader always saw a whole version" "$(sql "SELECT least >= 2 * $DOCS - 1 FROM reader_saw")" t
is "and read more than once" "$(sql "SELECT reads > 1 FROM reader_saw")" t
is "the state is as before the promote" "$(state w4)" "v1|v2|2"
is "nothing of it is cold" "$(cold_of w4 v1) $(of w4 v1)" "0 $((2 * DOCS))"
is "no rollback is open" "$(open_rollbacks)" 0
e2e_check_accounted "$ROWS" "after the rollback"
exits "rollback once more" 0 "$FIRN" versions rollback --workspace w4
like "has nothing to do" "$OUT" 'version v1 was active already'
exits "rollback to what is active" 0 "$FIRN" versions rollback --workspace w4 --to v1
like "has nothing to do" "$OUT" 'was active already'

# The version that was active until the rollback has its grace period, too.
sql "UPDATE workspace_index_state SET target_embedding_version = NULL WHERE workspace_id = 'w4'"
exits "a pass with a grace period" 0 pass grace1
is "leaves what the rollback superseded" "$(cold_of w4 v2)" 0
exits "a pass without" 0 pass grace0
is "moves it" "$(of w4 v2)" 0

# There and back, by a reader who asks for the version first and for its rows then.
exits "what is cold comes back" 0 "$FIRN" rehydrate --workspace w4 --version v2
start_reader true
exits "promote" 0 "$FIRN" versions promote --workspace w4 --to v2
exits "a pass with a grace period goes on" 0 pass grace1
exits "rollback of what is hot" 0 "$FIRN" versions rollback --workspace w4
like "as text" "$OUT" 'workspace w4: version v1 is active, it was v2'
stop_reader
is "never left the reader without rows" "$(sql "SELECT least >= 2 * $DOCS - 1 AND reads > 1 FROM reader_saw")" t
e2e_check_accounted "$ROWS" "after going back and forth"

# ---- documents that came after the promote ----
sql "INSERT INTO document VALUES (md5('new')::uuid, 'w1', 'new');
	INSERT INTO document_chunk (id, document_id, workspace_id, chunk_index, embedding_version, created_at)
	VALUES (md5('new chunk')::uuid, md5('new')::uuid, 'w1', 0, 'v2', now())"
exits "rollback without a promote of firn's" 64 "$FIRN" versions rollback --workspace w1
exits "rollback to a version that lacks a document" 78 "$FIRN" versions rollback --workspace w1 --to v1
like "is refused, and named" "$ERR" "1 of $((DOCS + 1)) documents .* no row of version \"v1\": \"$(sql "SELECT md5('new')::uuid")\""
is "leaves the version and the target as they were" "$(state w1)" "v2|-|0"
is "and nothing under way" "$(open_rollbacks)" 0
is "what came back is hot" "$(cold_of w1 v1)" 0
exits "the same again" 78 "$FIRN" versions rollback --workspace w1 --to v1
is "is refused before anything was begun" "$(sql "SELECT count(*) FROM firn.version_flip WHERE workspace = 'w1'")" 1
exits "with --allow-missing" 0 "$FIRN" versions rollback --workspace w1 --to v1 --allow-missing --format json
is "it goes back" "$(json '{flipped}') $(json '{missing}') $(state w1)" "true 1 v1|-|1"
like "and says what is missing" "$(json '{notes}')" '1 documents have no row of version'
exits "rollback to nothing" 78 "$FIRN" versions rollback --workspace w1 --to v9
like "is refused" "$ERR" 'no row of version "v9"'

# Two at once: one flips, the other finds it done.
exits "what is cold comes back before that" 0 "$FIRN" rehydrate --workspace w3
exits "promote of the third" 0 "$FIRN" versions promote --workspace w3 --to v2
exits "and a pass" 0 pass grace0
is "v1 of the third is cold" "$(cold_of w3 v1)" $((2 * DOCS))
"$FIRN" versions rollback --workspace w3 --to v1 --format json >"$T/first" 2>&1 </dev/null &
FIRST=$!
exits "two rollbacks at once" 0 "$FIRN" versions rollback --workspace w3 --to v1 --format json
second=$OUT
status=0
wait $FIRST || status=$?
is "both succeed" "$status" 0
first=$(cat "$T/first")
is "one of them flips" "$(printf '%s\n' "$(json_of "$first" '{flipped}')" "$(json_of "$second" '{flipped}')" | sort | tr '\n' ' ')" "false true "
is "every row is back once" "$(($(json_of "$first" '{rows_back}') + $(json_of "$second" '{rows_back}'))) $(of w3 v1)" "$((2 * DOCS)) $((2 * DOCS))"
exits "and back" 0 "$FIRN" versions promote --workspace w3 --to v2

# Rows whose document is gone cannot come back, and keep nobody from going back.
exits "a pass" 0 pass grace0
sql "DELETE FROM document_chunk WHERE document_id = (SELECT id FROM document WHERE workspace_id = 'w2' ORDER BY id LIMIT 1);
	DELETE FROM document WHERE id = (SELECT id FROM document WHERE workspace_id = 'w2' ORDER BY id LIMIT 1)"
exits "rollback where a document is gone" 0 "$FIRN" versions rollback --workspace w2 --to v1 --format json
is "leaves its rows cold" "$(json '{rows_left}') $(json '{rows_back}') $(json '{flipped}')" "2 $((2 * DOCS - 2)) true"
like "and says so" "$(json '{notes}')" '2 rows of version .* stay cold'

# An index that cannot be searched keeps the flip from being made.
leaf=$(sql "SELECT tableoid::regclass FROM document_chunk WHERE workspace_id = 'w3' LIMIT 1")
sql "UPDATE pg_index SET indisvalid = false WHERE indrelid = '$leaf'::regclass
	AND indexrelid IN (SELECT oid FROM pg_class WHERE relam = (SELECT oid FROM pg_am WHERE amname = 'hnsw'))"
exits "rollback while an index is not valid" 75 "$FIRN" versions rollback --workspace w3 --to v1
like "waits for it" "$ERR" 'vector indexes .* are not whole yet: '
is "the version is still active" "$(state w3)" "v2|-|2"
exits "status" 0 "$FIRN" versions status --workspace w3
like "shows what is unfinished" "$OUT" 'a rollback to v1 began at .* is unfinished'
exits "the same again" 75 "$FIRN" versions rollback --workspace w3 --format json
is "goes on with it" "$(json '{resumed}') $(json '{to}') $(json '{flipped}') $(json '{error,code}')" "true v1 false busy"
exits "another rollback meanwhile" 64 "$FIRN" versions rollback --workspace w3 --to v9
exits "a pass meanwhile" 0 pass grace0
is "moves nothing of it" "$(of w3 v1) $(cold_of w3 v1)" "$((2 * DOCS)) 0"
exits "a plan meanwhile" 0 "$FIRN" plan
unlike "does not speak of it" "$OUT" ' w3 '
sql "UPDATE pg_index SET indisvalid = true WHERE indrelid = '$leaf'::regclass"
exits "giving it up" 0 "$FIRN" versions promote --workspace w3 --to v2
like "says so" "$OUT" 'the rollback to version "v1" was given up'
is "and changes nothing" "$(state w3) $(open_rollbacks)" "v2|-|2 0"

# ---- other ways of knowing what is active ----
cat >"$T/query.yaml" <<-YAML
	tables:
	  - table: public.document_chunk
	    active_version:
	      query: SELECT tenant, model FROM settings
YAML
sql "CREATE TABLE settings (tenant text PRIMARY KEY, model text NOT NULL);
	INSERT INTO settings SELECT workspace_id, active_embedding_version FROM workspace_index_state"
exits "what is cold comes back, too" 0 "$FIRN" rehydrate --workspace w4 --version v2
exits "promote by a query alone" 78 "$FIRN" -c "$T/query.yaml" versions promote --workspace w4 --to v2
like "asks for a statement" "$ERR" 'active_version.promote_statement'
cp "$T/query.yaml" "$T/idle.yaml"
echo "      promote_statement: UPDATE settings SET model = \$2 WHERE tenant = \$1 AND \$1 = 'nobody'" >>"$T/idle.yaml"
exits "a statement that does nothing" 78 "$FIRN" -c "$T/idle.yaml" versions promote --workspace w4 --to v2
like "is noticed" "$ERR" 'version "v1" stayed active'
echo "      promote_statement: UPDATE settings SET model = \$2 WHERE tenant = \$1" >>"$T/query.yaml"
seen=$(sql "SELECT clock_timestamp()")
exits "a statement that does it" 0 "$FIRN" -c "$T/query.yaml" versions promote --workspace w4 --to v2
is "flips" "$(sql "SELECT model FROM settings WHERE tenant = 'w4'")" v2
is "and firn knows since when" "$(sql "SELECT version, since >= '$seen' FROM firn.version_seen WHERE workspace = 'w4'")" "v2|t"
pass_by_query() { "$FIRN" -c "$T/query.yaml" --policy "$T/$1.yaml" pass; }
exits "a pass by the query, with a grace period" 0 pass_by_query grace1
is "leaves what is superseded just now" "$(cold_of w4 v1)" 0
exits "a pass by the query, without" 0 pass_by_query grace0
is "moves it" "$(cold_of w4 v1)" $((2 * DOCS))
exits "rollback by the statement" 0 "$FIRN" -c "$T/query.yaml" versions rollback --workspace w4
is "flips back" "$(sql "SELECT model FROM settings WHERE tenant = 'w4'") $(of w4 v1)" "v1 $((2 * DOCS))"

cat >"$T/value.yaml" <<-YAML
	tables:
	  - table: public.document_chunk
	    active_version: { value: v2 }
YAML
exits "promote of a fixed value" 78 "$FIRN" -c "$T/value.yaml" versions promote --workspace w1 --to v1
like "is refused with what to do" "$ERR" 'then change active_version.value'
exits "status with a fixed value" 0 "$FIRN" -c "$T/value.yaml" versions status --workspace w1 --format json
is "knows it" "$(json '{workspaces,0,active}')" v2
sed -i 's/value: v2/value: v2, promote_statement: SELECT 1/' "$T/value.yaml"
exits "a value with a statement" 78 "$FIRN" -c "$T/value.yaml" versions status

sql "UPDATE workspace_index_state SET active_embedding_version = 'v7' WHERE workspace_id = 'w4'"
exits "rollback where the application flipped last" 64 "$FIRN" versions rollback --workspace w4
like "asks for a version" "$ERR" 'the latest promote of workspace "w4" was to version "v2", but version "v7" is active'
sql "ALTER TABLE workspace_index_state DROP CONSTRAINT workspace_index_state_pkey;
	INSERT INTO workspace_index_state SELECT 'w1', 'v2'"
exits "two active versions" 78 "$FIRN" versions promote --workspace w1 --to v2
like "are refused" "$ERR" 'more than one active version'

exits "verify --deep" 0 "$FIRN" verify --deep
done_testing
