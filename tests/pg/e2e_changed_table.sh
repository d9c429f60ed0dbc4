# A table that changes its shape while a pass is at work, or before its rows come back: nothing may be lost or doubled.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
# Two leaves with superseded rows: what happens between the leaves happens behind the pass's back.
e2e_tables 2 10
isnt "both leaves have rows to move" "$(sql "SELECT count(DISTINCT tableoid) FROM document_chunk
	WHERE embedding_version = 'v1' AND workspace_id <> 'w4'")" 1
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
ROWS=$(hot_rows)
between_leaves() { # SQL STATUS NAME
	FIRN_FAULT="move.after_commit=exec:psql -X -q -d $DB -c \"$1\"" exits "$3" "$2" "$FIRN" pass --jobs 1
}
back() { "$FIRN" rehydrate --where-cold all >/dev/null && [ "$(cold_rows)" = 0 ]; }

# --- between reading and deleting ----------------------------------------------------------------------------------
between_leaves "ALTER TABLE document_chunk ADD COLUMN extra text; UPDATE document_chunk SET extra = 'e' || id" 75 \
	"a pass under which a column is added and filled"
like "says what changed" "$ERR" "columns of .* were changed"
is "deletes nothing with values that were not archived" "$(sql "SELECT count(*) FROM document_chunk WHERE extra IS NOT NULL")" \
	"$((ROWS - $(cold_rows)))"
FILLED=$((ROWS - $(cold_rows)))
exits "the next pass moves the rest" 0 "$FIRN" pass
ok "all comes back" back
is "with what was filled in" "$(sql "SELECT count(*) FROM document_chunk WHERE extra = 'e' || id")" "$FILLED"
sql "ALTER TABLE document_chunk DROP COLUMN extra"

between_leaves "CREATE TABLE note (w text, c uuid, FOREIGN KEY (w, c) REFERENCES document_chunk ON DELETE CASCADE);
	INSERT INTO note SELECT workspace_id, id FROM document_chunk" 75 "a pass under which a cascading foreign key is made"
like "says which" "$ERR" "foreign key .* of table note"
is "deletes nothing by it" "$(sql "SELECT count(*) FROM note")" "$((ROWS - $(cold_rows)))"
sql "DROP TABLE note"
ok "all comes back" back

sql "CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'"
between_leaves "CREATE TRIGGER gone AFTER DELETE ON document_chunk FOR EACH ROW EXECUTE FUNCTION gone()" 75 \
	"a pass under which a DELETE trigger is made"
like "says which" "$ERR" "trigger gone fires on DELETE"
sql "DROP TRIGGER gone ON document_chunk"
ok "all comes back" back

# The lock is waited for: once it is granted the row is in another partition, where it is left alone.
cat >"$T/move-away.sh" <<EOF
psql -X -q -d "$DB" -c "BEGIN" -c "UPDATE document_chunk SET workspace_id = CASE WHEN tableoid = 'document_chunk_p0'::regclass
	THEN (SELECT max(workspace_id) FROM document_chunk_p1) ELSE (SELECT max(workspace_id) FROM document_chunk_p0) END
	WHERE embedding_version = 'v1' AND chunk_index = 0" -c "\\! touch $T/updated" -c "SELECT pg_sleep(1)" -c COMMIT >/dev/null 2>&1 &
for i in \$(seq 200); do [ -e "$T/updated" ] && exit; sleep 0.05; done
exit 1
EOF
FIRN_FAULT="move.after_verify=exec:sh $T/move-away.sh" exits "a pass under which rows go to other partitions" 0 "$FIRN" pass --jobs 1
moved_away() { [ "$(sql "SELECT count(*) FROM document_chunk WHERE embedding_version = 'v1' AND workspace_id <> 'w4'")" -gt 0 ]; }
ok "what has gone is hot" poll_until 10 moved_away
e2e_check_accounted "$ROWS" "after it"
exits "verify --deep is clean" 0 "$FIRN" verify --deep
ok "all comes back" back

# --- on the way back -----------------------------------------------------------------------------------------------
fresh_db
e2e_tables 0 10
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
ROWS=$(hot_rows)
ALL=$(e2e_digest)
COLD=60
exits "pass" 0 "$FIRN" pass

sql "CREATE FUNCTION rekey() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.id := gen_random_uuid(); RETURN NEW; END';
	CREATE TRIGGER rekey BEFORE INSERT ON document_chunk FOR EACH ROW EXECUTE FUNCTION rekey()"
exits "a trigger that gives rows another key" 65 "$FIRN" rehydrate --where-cold all
like "is told of" "$ERR" "trigger"
is "and nothing is doubled" "$(hot_rows) $(cold_rows)" "$((ROWS - COLD)) $COLD"
sql "DROP TRIGGER rekey ON document_chunk"

sql "ALTER TABLE document_chunk ADD UNIQUE (id) DEFERRABLE"
exits "a deferrable unique constraint is no hindrance" 0 "$FIRN" rehydrate --where-cold all
is "all is as it was" "$(e2e_digest)" "$ALL"
sql "ALTER TABLE document_chunk DROP CONSTRAINT document_chunk_id_key"

# Replacing: the archived row must be able to take the place.
exits "pass" 0 "$FIRN" pass
sql "CREATE UNIQUE INDEX one ON document_chunk (document_id, chunk_index, embedding_version);
	INSERT INTO document_chunk SELECT md5('c1-3-0-1')::uuid, md5('d1-3')::uuid, 'w1', 77, 'mine', NULL, 'v1', now();
	INSERT INTO document_chunk SELECT gen_random_uuid(), md5('d1-3')::uuid, 'w1', 0, 'in the way', NULL, 'v1', now()"
exits "a row that cannot be replaced" 65 "$FIRN" rehydrate --where-cold all --on-conflict replace
is "is not deleted" "$(sql "SELECT chunk_text FROM document_chunk WHERE id = md5('c1-3-0-1')::uuid")" mine
sql "DELETE FROM document_chunk WHERE chunk_text = 'in the way'"
exits "once it can be" 0 "$FIRN" rehydrate --where-cold all --on-conflict replace
is "all is as it was" "$(e2e_digest)" "$ALL"
sql "DROP INDEX one"

# A key that became narrower: of rows that share it one can be hot, and the others must stay cold.
sql "ALTER TABLE document_chunk DROP CONSTRAINT document_chunk_pkey, ADD PRIMARY KEY (workspace_id, id, chunk_index);
	UPDATE document_chunk SET id = document_id WHERE embedding_version = 'v1'"
exits "pass" 0 "$FIRN" pass
sql "DELETE FROM document_chunk WHERE embedding_version = 'v1';
	ALTER TABLE document_chunk DROP CONSTRAINT document_chunk_pkey, ADD PRIMARY KEY (workspace_id, id)"
exits "rows that share a key by now, --on-conflict fail" 65 "$FIRN" rehydrate --where-cold all --on-conflict fail
exits "and replace" 65 "$FIRN" rehydrate --where-cold all --on-conflict replace
is "stay cold" "$(cold_rows)" "$COLD"
exits "and skip" 0 "$FIRN" rehydrate --where-cold all
is "brings back one of each key" "$(sql "SELECT count(*) FROM document_chunk WHERE embedding_version = 'v1'") $(cold_rows)" "30 30"
sql "ALTER TABLE document_chunk DROP CONSTRAINT document_chunk_pkey, ADD PRIMARY KEY (workspace_id, id, chunk_index)"
ok "with the wider key the others come, too" back

# --- a column that has another name now is no dropped one -----------------------------------------------------------
fresh_db
e2e_tables 2 10
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
ALL=$(e2e_digest)
exits "pass" 0 "$FIRN" pass
COLD=$(cold_rows)
sql "ALTER TABLE document_chunk RENAME COLUMN chunk_text TO body"
exits "a column was renamed" 78 "$FIRN" rehydrate --where-cold all
like "which is named" "$ERR" "column \"chunk_text\" of the archived rows is no longer in table"
like "with what to say" "$ERR" "--column chunk_text=body"
is "nothing came back without its values" "$(cold_rows)" "$COLD"
exits "a column that is not there" 78 "$FIRN" rehydrate --where-cold all --column chunk_text=text
like "is refused" "$ERR" "has no column \"text\""
exits "two for one" 78 "$FIRN" rehydrate --where-cold all --column chunk_text=body --column embedding_version=body
exits "half a sentence" 64 "$FIRN" rehydrate --where-cold all --column chunk_text
exits "with its new name everything comes back" 0 "$FIRN" rehydrate --where-cold all --column chunk_text=body
is "bit for bit" "$(e2e_digest) $(cold_rows)" "$ALL 0"
exits "pass" 0 "$FIRN" pass
sql "ALTER TABLE document_chunk RENAME COLUMN body TO text"
exits "values that are not wanted any more" 0 "$FIRN" rehydrate --where-cold all --column body= --format json
like "are reported" "$(json '{notes}')" "given up"
is "and left out" "$(sql "SELECT count(*) FROM document_chunk WHERE embedding_version = 'v1' AND workspace_id <> 'w4' AND text IS NOT NULL") $(cold_rows)" "0 0"
done_testing
