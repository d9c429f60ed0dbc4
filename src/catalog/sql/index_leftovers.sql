-- $1: leaf's oid. What a REINDEX CONCURRENTLY that died left on it, unless someone is at it right now.
SELECT n.nspname, c.relname, m.amname, pg_catalog.pg_relation_size(c.oid)
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am m ON m.oid = c.relam
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE i.indrelid = $1::bigint::oid AND NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'
    AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_locks l WHERE l.relation = i.indrelid
        AND l.locktype = 'relation' AND l.mode = 'ShareUpdateExclusiveLock'
        AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d
            WHERE d.datname = pg_catalog.current_database())
        AND l.pid <> pg_catalog.pg_backend_pid())
ORDER BY 2
