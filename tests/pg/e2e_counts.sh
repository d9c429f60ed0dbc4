# Rows that reports and the planner go by are those that are there, also where what was moved lay together.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 0 1500
# As superseded rows do: one beside the other, and pages that VACUUM may skip.
sql "CREATE INDEX by_version ON document_chunk (embedding_version)"
sql "CLUSTER document_chunk USING by_version"
sql "VACUUM (ANALYZE) document_chunk"
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
hot_in_status() { "$FIRN" status --format json | python3 -c 'import json, sys; print(json.load(sys.stdin)["tables"][0]["hot_rows"])'; }

exits "a pass that leaves its index work" 0 "$FIRN" pass --no-maintain
is "is known to have moved rows, before the statistics know" "$(hot_in_status)" "$(hot_rows)"
exits "the index work" 0 "$FIRN" maintain --format json
like "is a VACUUM" "$OUT" '"action": "vacuum"'
is "after which the server counts what is there" "$(sql "SELECT reltuples::bigint FROM pg_class WHERE oid = 'document_chunk'::regclass")" "$(hot_rows)"
is "and so does status" "$(hot_in_status)" "$(hot_rows)"
exits "half of it comes back" 0 "$FIRN" rehydrate --workspace w1 --no-maintain
is "and is counted" "$(hot_in_status)" "$(hot_rows)"
done_testing
