-- Published leaves whose rows cannot be deleted for want of a replica identity; see check_referencing_keys.sql.
WITH given AS (
    SELECT $1::oid AS oid, $2::oid AS active
), tree AS (
    SELECT oid FROM given
    UNION
    SELECT t.relid::oid FROM given g, pg_catalog.pg_partition_tree(g.oid::pg_catalog.regclass) t
)
SELECT pg_catalog.format('table %s is published, but has no replica identity: the server refuses to delete its rows',
                         c.oid::pg_catalog.regclass),
       pg_catalog.format('Run: ALTER TABLE %s REPLICA IDENTITY USING INDEX ...; or REPLICA IDENTITY FULL.',
                         c.oid::pg_catalog.regclass)
FROM pg_catalog.pg_class c
JOIN tree ON tree.oid = c.oid
WHERE c.relkind = 'r'
  AND EXISTS (SELECT 1
              FROM pg_catalog.pg_publication_tables v
              JOIN pg_catalog.pg_publication p ON p.pubname = v.pubname AND p.pubdelete
              JOIN pg_catalog.pg_namespace n ON n.nspname = v.schemaname
              JOIN pg_catalog.pg_class pc ON pc.relnamespace = n.oid AND pc.relname = v.tablename
              WHERE pc.oid = c.oid
                 OR pc.oid IN (SELECT a.relid::oid FROM pg_catalog.pg_partition_ancestors(c.oid::pg_catalog.regclass) a))
  AND NOT CASE c.relreplident
              WHEN 'f' THEN true
              WHEN 'd' THEN EXISTS (SELECT 1 FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
              WHEN 'i' THEN EXISTS (SELECT 1 FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisreplident)
              ELSE false
          END
ORDER BY c.oid
