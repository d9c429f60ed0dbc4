# kill -9 of firn at every fault site of maintenance and of gc; and the list of sites is true.
. "$FIRN_SRC/tests/lib/e2e_common.sh"
. "$FIRN_SRC/tests/lib/e2e_crash.sh"

is "every site in the source is listed, and every listed one is in the source" \
	"$(grep -rhoE --include='*.c' 'FAULT\("[a-z_.]+"\)' "$FIRN_SRC/src" | grep -oE '[a-z_]+\.[a-z_]+' | sort -u)" \
	"$(fault_sites '' | sort)"
is "every listed site is walked by a test" "$(fault_sites '' | grep -vE '^(move|heat|rehydrate|bulk|maintain|reclaim|indexes|split|versions|transition|forget|keys|gc|expire|upload)\.')" ""

fresh_db
e2e_tables 2 100
sql "CREATE INDEX ON document_chunk USING hnsw (embedding vector_cosine_ops)"
ROWS=$(hot_rows)
ALL=$(e2e_digest)
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
exits "a pass that nothing disturbs" 0 "$FIRN" pass --segment-size 8KiB
HOT=$(e2e_digest)
exits "which comes back" 0 "$FIRN" rehydrate --where-cold all

due() { sql "SELECT count(*) FROM firn.maintenance"; }
invalid() { sql "SELECT count(*) FROM pg_index i WHERE NOT i.indisvalid"; }

for site in $(fault_sites maintain.); do
	killed_at "$site" "$site" "$FIRN" pass --segment-size 8KiB
	isnt "$site: the work is still due" "$(due)" 0
	exits "$site: maintain" 0 "$FIRN" maintain
	is "$site: nothing is due" "$(due)" 0
	is "$site: no invalid index is left" "$(invalid)" 0
	recovered "$site"
done

# A leftover of each kind: an abandoned intent's objects and retired segments'.
for site in $(fault_sites gc.); do
	killed_at move.after_verify "$site: a pass leaves an intent" "$FIRN" pass --segment-size 8KiB
	exits "$site: a pass" 0 "$FIRN" pass --segment-size 8KiB
	exits "$site: a rehydrate retires segments" 0 "$FIRN" rehydrate --workspace w1
	old_enough() {
		[ "$(sql "SELECT min(clock_timestamp() - unreferenced_at) >= '1 s' FROM firn.segment
			WHERE state IN ('retired', 'abandoned')")" = t ]
	}
	ok "$site: they grow old" poll_until 10 old_enough
	killed_at "$site" "$site" "$FIRN" gc --confirm --horizon 1s
	recovered "$site"
done

# A leaf that is large enough for a bulk load, with an index of each kind.
psql -X -q -d "$FIRN_TEST_PG_URI" -c "DROP DATABASE $DB_NAME WITH (FORCE)"
fresh_db
e2e_tables 1 250
sql "CREATE INDEX ON document_chunk USING hnsw (embedding vector_cosine_ops)"
sql "CREATE INDEX leaf_alone ON document_chunk_p0 USING hnsw (embedding vector_l2_ops) WITH (m = 4, ef_construction = 20)"
ROWS=$(hot_rows)
ALL=$(e2e_digest)
e2e_env "$(e2e_file_archive)"
exits "init of a larger table" 0 "$FIRN" init
e2e_only_priors
indexes() { sql "SELECT c.relname, i.indisvalid, c.reloptions FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
	WHERE i.indrelid IN ('document_chunk'::regclass, 'document_chunk_p0'::regclass) ORDER BY 1"; }
INDEXES=$(indexes)
for site in $(fault_sites bulk.); do
	exits "$site: a pass" 0 "$FIRN" pass
	HOT=$(e2e_digest)
	killed_at "$site" "$site" "$FIRN" rehydrate --where-cold all --bulk
	exits "$site: the next rehydrate" 0 "$FIRN" rehydrate --where-cold all
	exits "$site: maintain" 0 "$FIRN" maintain
	is "$site: the indexes are as they were" "$(indexes)" "$INDEXES"
	is "$site: nothing is due" "$(due) $(sql "SELECT count(*) FROM firn.index_restore")" "0 0"
	recovered "$site"
done
done_testing
