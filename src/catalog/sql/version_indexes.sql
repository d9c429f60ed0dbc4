-- $1: leaf's oid, $2: table's id, $3: leaf's label. Vector indexes that a search cannot use now; what REINDEX CONCURRENTLY
-- is building or left over stands beside a valid one.
SELECT c.relname
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am m ON m.oid = c.relam
WHERE i.indrelid = $1::bigint::oid AND m.amname IN ('hnsw', 'ivfflat') AND NOT (i.indisvalid AND i.indisready)
    AND c.relname !~ '_cc(new|old)[0-9]*$'
UNION
SELECT r.index_name
FROM firn.index_restore r
WHERE r.table_id = $2::bigint AND r.leaf = $3
ORDER BY 1
