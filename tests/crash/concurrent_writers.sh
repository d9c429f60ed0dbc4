# Writers change, delete and add rows throughout while passes move them out and rehydrates bring them back. Each change
# writes a journal in its own statement, and at the end the table is what the journal says: nothing lost, doubled or
# put back to what it was.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

SECONDS_OF_WRITING=${SECONDS_OF_WRITING-15}
pgbench=$(command -v pgbench || ls /usr/lib/postgresql/*/bin/pgbench 2>/dev/null | tail -n 1)
[ -n "$pgbench" ] || { echo "Bail out! there is no pgbench"; exit 1; }

fresh_db
e2e_tables 2 150
sql "
	CREATE TABLE journal (seq bigserial PRIMARY KEY, op text NOT NULL, workspace_id text NOT NULL, id uuid NOT NULL,
		rev int, text_hash text);
	CREATE INDEX ON journal (workspace_id, id, seq);
	INSERT INTO journal (op, workspace_id, id, rev, text_hash)
	SELECT 'start', workspace_id, id, rev, md5(chunk_text) FROM document_chunk;
	CREATE SEQUENCE added"
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init

picked="\\set w random(1, 4)
\\set d random(1, 150)
\\set c random(0, 1)
\\set v random(1, 2)"
id="md5('c' || :w || '-' || :d || '-' || :c || '-' || :v)::uuid"
cat >"$T/update" <<END
$picked
WITH u AS (UPDATE document_chunk SET rev = rev + 1, chunk_text = md5(random()::text)
	WHERE workspace_id = 'w' || :w AND id = $id RETURNING *)
INSERT INTO journal (op, workspace_id, id, rev, text_hash) SELECT 'update', workspace_id, id, rev, md5(chunk_text) FROM u;
END
# A transaction that keeps its row locked for a while, and then may think better of it.
cat >"$T/slow" <<END
$picked
\\set way random(1, 3)
BEGIN;
WITH u AS (UPDATE document_chunk SET rev = rev + 1, chunk_text = md5(random()::text)
	WHERE workspace_id = 'w' || :w AND id = $id RETURNING *)
INSERT INTO journal (op, workspace_id, id, rev, text_hash) SELECT 'update', workspace_id, id, rev, md5(chunk_text) FROM u;
\\sleep 40 ms
\\if :way = 1
ROLLBACK;
\\else
COMMIT;
\\endif
END
cat >"$T/delete" <<END
$picked
WITH x AS (DELETE FROM document_chunk WHERE workspace_id = 'w' || :w AND id = $id AND embedding_version = 'v1'
	RETURNING *)
INSERT INTO journal (op, workspace_id, id) SELECT 'delete', workspace_id, id FROM x;
END
cat >"$T/insert" <<END
$picked
WITH i AS (INSERT INTO document_chunk
	SELECT md5('added' || nextval('added'))::uuid, md5('d' || :w || '-' || :d)::uuid, 'w' || :w, 2, md5(random()::text),
		NULL, 'v1', now() RETURNING *)
INSERT INTO journal (op, workspace_id, id, rev, text_hash) SELECT 'insert', workspace_id, id, rev, md5(chunk_text) FROM i;
END

"$pgbench" -n -c 3 -j 1 -T "$SECONDS_OF_WRITING" -R 600 -f "$T/update@8" -f "$T/slow@2" -f "$T/delete@1" \
	-f "$T/insert@2" "$DB" >"$T/pgbench.out" 2>&1 &
WRITERS=$!

PASSES=0 CHANGED=0 MOVED=0 BACK=0 FAILED=
# Both in their own loops, so that they meet each other too: 75 is an answer, anything else but 0 is not.
(
	while kill -0 "$WRITERS" 2>/dev/null; do
		status=0
		"$FIRN" rehydrate --where-cold all --format json >"$T/back.json" 2>"$T/back.err" || status=$?
		echo "$status $(tr '\n' ' ' <"$T/back.err")" >>"$T/back.log"
		sed -n 's/^  "rows": \([0-9]*\),*$/\1/p' "$T/back.json" >>"$T/back.rows"
	done
) &
while kill -0 "$WRITERS" 2>/dev/null; do
	status=0
	"$FIRN" pass --segment-size 64KiB --format json >"$T/pass.json" 2>"$T/pass.err" || status=$?
	case $status in 0 | 75) ;; *) FAILED="$FAILED pass: $status $(cat "$T/pass.err");" ;; esac
	PASSES=$((PASSES + 1))
	CHANGED=$((CHANGED + $(sed -n 's/^  "rows_changed": \([0-9]*\),*$/\1/p' "$T/pass.json")))
	MOVED=$((MOVED + $(sed -n 's/^  "rows_moved": \([0-9]*\),*$/\1/p' "$T/pass.json")))
done
WRITING=0
wait "$WRITERS" || WRITING=$?
wait
BACK=$(awk '{ n += $1 } END { print n + 0 }' "$T/back.rows")
diag "$PASSES passes moved $MOVED rows, left $CHANGED that changed; $(wc -l <"$T/back.log") rehydrates brought back $BACK"
diag "$(sql "SELECT string_agg(n || ' ' || op, ', ') FROM (SELECT op, count(*) n FROM journal GROUP BY op) x")"

is "the writers met no error" "$WRITING $(grep -c 'ERROR' "$T/pgbench.out")" "0 0"
is "passes succeed or are put off" "$FAILED" ""
is "rehydrates succeed or are put off" "$(grep -vE '^(0|75) ' "$T/back.log")" ""
ok "rows went out and came back meanwhile" [ "$MOVED" -gt 0 ] 
ok "rows came back meanwhile" [ "$BACK" -gt 0 ]
ok "rows changed under a pass" [ "$CHANGED" -gt 0 ]

sql "CREATE VIEW expected AS SELECT * FROM (
	SELECT DISTINCT ON (workspace_id, id) * FROM journal ORDER BY workspace_id, id, seq DESC) last WHERE op <> 'delete'"
e2e_check_accounted "$(sql 'SELECT count(*) FROM expected')" "after the writing"
exits "a last pass" 0 "$FIRN" pass
e2e_check_accounted "$(sql 'SELECT count(*) FROM expected')" "after a last pass"
exits "verify --deep is clean" 0 "$FIRN" verify --deep
exits "everything comes back" 0 "$FIRN" rehydrate --where-cold all
is "nothing is cold" "$(cold_rows)" 0
is "every row of the journal is there with its last content, and no other" "$(sql "
	SELECT count(*) FILTER (WHERE c.id IS NULL) || ' lost, ' || count(*) FILTER (WHERE e.id IS NULL) || ' of no journal, '
		|| count(*) FILTER (WHERE (c.rev, md5(c.chunk_text)) IS DISTINCT FROM (e.rev, e.text_hash)
			AND c.id IS NOT NULL AND e.id IS NOT NULL) || ' with other content'
	FROM expected e FULL JOIN document_chunk c USING (workspace_id, id)")" "0 lost, 0 of no journal, 0 with other content"
done_testing
