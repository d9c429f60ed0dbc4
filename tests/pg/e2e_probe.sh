# firn indexes probe: what each index finds of what there is, by rows or by a file of queries, of every operator class.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 2 100
# Vectors that are near none of the others: a graph has to be good to find them.
sql "UPDATE document_chunk SET embedding = (SELECT array_agg((sin(abs(hashtext(id::text || i)) / 1e4))::real) FROM generate_series(1, 16) i)::vector
	WHERE embedding IS NOT NULL"
sql "VACUUM ANALYZE"
ALL=$(e2e_digest)
e2e_env "$(e2e_file_archive)"
exits "probe before init" 78 "$FIRN" indexes probe
exits "init" 0 "$FIRN" init
exits "no index" 0 "$FIRN" indexes probe
is "is said" "$OUT" "no vector index to probe"
for option in '--sample x' '--sample -1' '--ef-search 0x' '--probes x' '--queries' '--lists 3'; do
	# shellcheck disable=SC2086
	exits "\"$option\"" 64 "$FIRN" indexes probe $option
done

# ---- by rows ----
sql "CREATE INDEX good ON document_chunk_p0 USING hnsw (embedding vector_cosine_ops);
	CREATE INDEX poor ON document_chunk_p1 USING hnsw (embedding vector_cosine_ops) WITH (m = 2, ef_construction = 4)"
near() { [ "$(sql "SELECT $1")" = t ]; }
exits "probe" 0 "$FIRN" indexes probe --sample 30 --ef-search 10 --format json
FIRST=$(json '{probes}' | sed -E 's/"(ann|exact)_p[0-9]+_ms": [^,}]*//g')
is "each index once" "$(json '{limit}') $(json '{probes,0,index}') $(json '{probes,1,index}') $(json '{probes,2}')" "10 good poor "
is "as many queries as asked for" "$(json '{probes,0,queries}') $(json '{probes,0,note}')" "30 "
ok "the good one finds nearly all" near "$(json '{probes,0,recall}') >= 0.95"
ok "the poor one does not" near "$(json '{probes,1,recall}') < 0.8"
ok "the least is no more than the mean" near "$(json '{probes,1,least_recall}') < $(json '{probes,1,recall}')"
ok "it took time" near "0 < $(json '{probes,0,ann_p50_ms}') AND $(json '{probes,0,ann_p50_ms}') <= $(json '{probes,0,ann_p95_ms}')
	AND 0 < $(json '{probes,0,exact_p50_ms}') AND $(json '{probes,0,exact_p50_ms}') <= $(json '{probes,0,exact_p95_ms}')"
POOR=$(json '{probes,1,recall}')
exits "again" 0 "$FIRN" indexes probe --sample 30 --ef-search 10 --format json
is "takes the same rows" "$(json '{probes}' | sed -E 's/"(ann|exact)_p[0-9]+_ms": [^,}]*//g')" "$FIRST"
exits "looking further" 0 "$FIRN" indexes probe --sample 30 --ef-search 1000 --format json
ok "finds more" near "$(json '{probes,1,recall}') > $POOR"
exits "as text" 0 "$FIRN" indexes probe --sample 5
like "has a head" "$OUT" '^LEAF +INDEX +QUERIES +RECALL +LEAST +ANN P50'
like "and a line each" "$OUT" '^document_chunk_p0 +good +5 +[01]\.[0-9]{3} '
is "nothing was changed" "$(e2e_digest)" "$ALL"

# ---- by a file ----
sql "SELECT embedding FROM document_chunk_p1 WHERE embedding IS NOT NULL LIMIT 7" >"$T/queries"
printf '\n  \n%s\r\n' '[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]' >>"$T/queries"
exits "queries of a file" 0 "$FIRN" indexes probe --queries "$T/queries" --format json
is "are asked, empty lines are not" "$(json '{probes,0,queries}') $(json '{probes,1,queries}')" "8 8"
exits "a file that is not there" 73 "$FIRN" indexes probe --queries "$T/nowhere"
like "is named" "$ERR" "could not open \"$T/nowhere\""
: >"$T/empty"
exits "an empty one" 65 "$FIRN" indexes probe --queries "$T/empty"
like "holds no vectors" "$ERR" 'holds no vectors'
printf '%s\n' "$(head -1 "$T/queries")" '[1,2,3]' >"$T/short"
exits "a vector of other dimensions" 65 "$FIRN" indexes probe --queries "$T/short"
like "is named by its number" "$ERR" 'index "good".*query 2'
printf "[1,2'); DROP TABLE document_chunk --\n" >"$T/wild"
exits "what is no vector" 65 "$FIRN" indexes probe --queries "$T/wild"
is "is a value and nothing else" "$(e2e_digest)" "$ALL"

# ---- what cannot be probed says why ----
sql "CREATE TABLE odd (id int PRIMARY KEY, workspace_id text NOT NULL, document_id uuid, embedding vector(3), embedding_version text NOT NULL,
		created_at timestamptz NOT NULL);
	CREATE INDEX odd_ix ON odd USING hnsw (embedding vector_cosine_ops)"
exits "init of an empty table" 0 "$FIRN" init --table public.odd
exits "probe it" 0 "$FIRN" indexes probe --table public.odd --format json
is "there are no rows" "$(json '{probes,0,note}')-$(json '{probes,0,recall}')" "there are no rows to be found-"
sql "INSERT INTO odd SELECT i, 'w1', NULL, '[0,0,0]', 'v1', now() FROM generate_series(1, 50) i"
exits "rows at no distance" 0 "$FIRN" indexes probe --table public.odd
like "are no queries" "$OUT" 'there are no rows to be found'
sql "UPDATE odd SET embedding = '[1,2,3]'"
sql "VACUUM odd"
exits "rows that are all the same" 0 "$FIRN" indexes probe --table public.odd --format json
is "are all found, whichever come" "$(json '{probes,0,recall}') $(json '{probes,0,least_recall}')" "1.0 1.0"
sql "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'odd_ix'::regclass"
exits "an index that is not valid" 0 "$FIRN" indexes probe --table public.odd
is "is not probed" "$OUT" "no vector index to probe"

# ---- other types, expressions, conditions ----
sql "CREATE TABLE kinds (id int PRIMARY KEY, workspace_id text NOT NULL, document_id uuid, embedding vector(16), half halfvec(16),
		sparse sparsevec(16), bits bit(16), embedding_version text NOT NULL, created_at timestamptz NOT NULL);
	INSERT INTO kinds SELECT row_number() OVER (), workspace_id, document_id, embedding, embedding, embedding::sparsevec,
		binary_quantize(embedding)::bit(16), embedding_version, created_at FROM document_chunk WHERE embedding IS NOT NULL;
	ANALYZE kinds"
printf 'tables:\n  - table: public.kinds\n    columns: { embedding: embedding }\n' >"$T/firn.yaml"
export FIRN_TABLE=public.kinds FIRN_CONFIG=$T/firn.yaml
exits "init of a table of many types" 0 "$FIRN" init
for key in half sparse bits 'embedding::halfvec(16)' 'binary_quantize(embedding)::bit(16)'; do
	exits "ensure an index by $key" 0 "$FIRN" indexes ensure --type hnsw --expression "$key"
	like "builds it" "$OUT" '^1 built'
done
is "with a class of its type each" "$(sql "SELECT string_agg(o.opcname, ' ' ORDER BY o.opcname) FROM pg_index i JOIN pg_opclass o ON o.oid = i.indclass[0]
	WHERE i.indrelid = 'kinds'::regclass AND o.opcname ~ '_ops$' AND NOT i.indisprimary")" \
	"bit_hamming_ops bit_hamming_ops halfvec_cosine_ops halfvec_cosine_ops sparsevec_cosine_ops"
exits "ensure a partial one" 0 "$FIRN" indexes ensure --type ivfflat --operator '<->' --where "embedding_version = 'v2'" --lists 2
exits "probe them all" 0 "$FIRN" indexes probe --ef-search 400 --probes 2 --format json
DOC=$OUT
is "all six" "$(sql "SELECT count(*) FROM jsonb_array_elements('$DOC'::jsonb -> 'probes')")" 6
is "by their own indexes" "$(sql "SELECT count(*) FROM jsonb_array_elements('$DOC'::jsonb -> 'probes') p WHERE p ->> 'note' IS NOT NULL")" 0
is "which find what there is, looking this far" "$(sql "SELECT p ->> 'index', p ->> 'recall' FROM jsonb_array_elements('$DOC'::jsonb -> 'probes') p
	WHERE (p ->> 'recall')::float8 < 0.99")" ""
exits "few of the lists" 0 "$FIRN" indexes probe --probes 1 --format json
is "find less" "$(sql "SELECT (p ->> 'recall')::float8 < 1 FROM jsonb_array_elements('$OUT'::jsonb -> 'probes') p WHERE p ->> 'method' = 'ivfflat'")" t
done_testing
