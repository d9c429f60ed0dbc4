-- The relations that hold the rows of $1: its leaf partitions, or itself.
WITH leaf AS (
    SELECT c.oid
    FROM pg_catalog.pg_class c
    WHERE c.oid = $1::oid AND c.relkind = 'r'
    UNION
    SELECT t.relid::oid
    FROM pg_catalog.pg_class c
    CROSS JOIN pg_catalog.pg_partition_tree($1::oid::pg_catalog.regclass) t
    WHERE c.oid = $1::oid AND c.relkind = 'p' AND t.isleaf
)
SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltuples::bigint
FROM leaf l
JOIN pg_catalog.pg_class c ON c.oid = l.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind <> 'p'
ORDER BY n.nspname, pg_catalog.length(c.relname), c.relname
