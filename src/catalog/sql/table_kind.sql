-- What the relation $1 is.
SELECT n.nspname,
       c.relname,
       c.relkind,
       c.relispartition,
       (SELECT pg_catalog.format('%I.%I', rn.nspname, r.relname)
        FROM pg_catalog.pg_class r
        JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
        WHERE c.relispartition AND r.oid = pg_catalog.pg_partition_root(c.oid)) AS root,
       (SELECT pg_catalog.string_agg(i.inhrelid::pg_catalog.regclass::text, ', ')
        FROM pg_catalog.pg_inherits i
        WHERE i.inhparent = c.oid AND c.relkind = 'r') AS heirs
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = $1::oid
