-- Columns of the relation $1, in their order.
SELECT a.attname,
       t.typname,
       pg_catalog.format_type(a.atttypid, a.atttypmod),
       a.atttypid,
       a.atttypmod,
       a.attnotnull,
       a.attidentity = 'a' AS identity_always,
       a.attgenerated <> '' AS generated,
       t.typcategory,
       EXISTS (SELECT 1
               FROM pg_catalog.pg_partitioned_table p
               WHERE p.partrelid = a.attrelid AND p.partstrat = 'h' AND p.partnatts = 1
                 AND p.partattrs[0] = a.attnum) AS hash_key,
       EXISTS (SELECT 1
               FROM pg_catalog.pg_constraint f
               JOIN pg_catalog.pg_class r ON r.oid = f.confrelid
               WHERE f.conrelid = a.attrelid AND f.contype = 'f' AND f.conparentid = 0
                 AND a.attnum = ANY (f.conkey)
                 AND pg_catalog.lower(r.relname) LIKE 'document%') AS refers_to_document
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
