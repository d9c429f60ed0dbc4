# The README's commands, run one after the other on a table like the one that it speaks of: each does what is said there,
# and prints what is shown there, in form (tests/lib/readme.py).
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
for role in app_owner firn_cron; do
	# Roles are the whole server's, which other tests use meanwhile: nobody else takes these names.
	at_exit psql -X -q -d "$DB" -c "DROP OWNED BY $role CASCADE; DROP ROLE $role"
done
sql "CREATE ROLE app_owner"
sql "
	CREATE TABLE document (id uuid PRIMARY KEY, workspace_id text NOT NULL, title text NOT NULL, text text NOT NULL);
	CREATE TABLE document_chunk (id uuid NOT NULL, document_id uuid NOT NULL REFERENCES document (id),
		workspace_id text NOT NULL, chunk_index int NOT NULL, chunk_text text NOT NULL, chunk_hash text NOT NULL,
		embedding vector(32) NOT NULL, embedding_version text NOT NULL, created_at timestamptz DEFAULT now(),
		PRIMARY KEY (workspace_id, id), UNIQUE (workspace_id, document_id, chunk_index, embedding_version)
	) PARTITION BY HASH (workspace_id);
	CREATE TABLE workspace_index_state (workspace_id text PRIMARY KEY, active_embedding_version text NOT NULL,
		target_embedding_version text, index_epoch int NOT NULL DEFAULT 0, updated_at timestamptz NOT NULL)"
for i in 0 1 2 3; do
	sql "CREATE TABLE document_chunk_p$i PARTITION OF document_chunk FOR VALUES WITH (MODULUS 4, REMAINDER $i)"
done
# Most were embedded again a month ago, three were not, and of net three documents are still to come.
sql "
	INSERT INTO workspace_index_state SELECT w, CASE WHEN w IN ('net', 'rust', 'science', 'web') THEN 'use-lite-v1' ELSE 'use-lite-v2' END,
		CASE WHEN w = 'net' THEN 'use-lite-v2' END, 0, now() - interval '30 days'
	FROM unnest('{admin,electronics,gnome,libs,mail,net,news,perl,python,rust,science,web}'::text[]) w;
	INSERT INTO document SELECT md5(workspace_id || d)::uuid, workspace_id, 'document ' || d, 'text'
	FROM workspace_index_state, generate_series(1, 60) d;
	INSERT INTO document_chunk SELECT md5(d.id::text || c || v)::uuid, d.id, d.workspace_id, c, repeat(md5(d.id::text || c), 10), md5(c::text),
		(SELECT array_agg(sin(hashtext(d.id::text) % 1000 + c * 13 + v * 3 + i)::real) FROM generate_series(1, 32) i)::vector,
		'use-lite-v' || v, now() - interval '1 year' + v * interval '100 days'
	FROM document d JOIN workspace_index_state s USING (workspace_id), generate_series(0, 1) c, generate_series(1, 2) v
	WHERE v = 1 OR s.active_embedding_version = 'use-lite-v2'
		OR s.target_embedding_version = 'use-lite-v2' AND d.title NOT IN ('document 7', 'document 8', 'document 9');
	CREATE INDEX ON document_chunk USING hnsw (embedding vector_cosine_ops);
	ANALYZE"

# And the one of another shape.
sql "
	CREATE SCHEMA rag;
	CREATE TABLE rag.tenant_settings (tenant text PRIMARY KEY, model text NOT NULL);
	CREATE TABLE rag.embeddings (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant text NOT NULL, doc bigint NOT NULL, part int,
		model text NOT NULL, body text, emb vector(8), inserted_at timestamptz NOT NULL DEFAULT now());
	INSERT INTO rag.tenant_settings VALUES ('acme', 'e5-small'), ('globex', 'e5-small');
	INSERT INTO rag.embeddings (tenant, doc, part, model, body, emb, inserted_at)
	SELECT t, d, 0, m, 'text', (SELECT array_agg(random()) FROM generate_series(1, 8) WHERE d > 0)::vector, now() - interval '90 days'
	FROM unnest('{acme,globex}'::text[]) t, unnest('{ada-002,e5-small}'::text[]) m, generate_series(1, 30) d"

mkdir "$T/cold" "$T/etc" "$T/home" "$T/bin"
ln -s "$FIRN" "$T/bin/firn"
echo "id,workspace,read_at" >"$T/home/reads.csv"
sql "COPY (SELECT id, workspace_id, now() - interval '5 days' FROM document_chunk WHERE workspace_id = 'web') TO STDOUT (FORMAT csv)" \
	>>"$T/home/reads.csv"
# The server of the tests as libpq's service "app".
printf '[app]\nuser=%s\nhost=%s\nport=%s\ndbname=%s\n' "$(sql 'SELECT current_user')" \
	"$(sql "SELECT split_part(current_setting('unix_socket_directories'), ',', 1)")" "$(sql 'SHOW port')" "$DB_NAME" >"$T/service"
cd "$T/home" || exit 1
export PGSERVICEFILE=$T/service PATH=$T/bin:$PATH HOME=$T/home FIRN_CACHE_DIR=$T/cache
/usr/bin/python3 "$FIRN_SRC/tests/lib/readme.py" ${FIRN_README_SHOW:+--show} "$FIRN_SRC/README.md" "/srv/cold=$T/cold" "/etc/firn=$T/etc" \
	"/usr/local/share/firn/policies=$FIRN_SRC/policies"
