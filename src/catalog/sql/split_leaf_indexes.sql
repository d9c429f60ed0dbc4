-- Leaves of the partitioned table $1 without a partition of its index $2.
SELECT c.oid, n.nspname, c.relname
FROM pg_catalog.pg_partition_tree($1::bigint::oid::pg_catalog.regclass) t
JOIN pg_catalog.pg_class c ON c.oid = t.relid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE t.isleaf
  AND NOT EXISTS (SELECT 1
                  FROM pg_catalog.pg_inherits h
                  JOIN pg_catalog.pg_index i ON i.indexrelid = h.inhrelid
                  WHERE h.inhparent = $2::bigint::oid AND i.indrelid = c.oid)
ORDER BY pg_catalog.length(c.relname), c.relname
