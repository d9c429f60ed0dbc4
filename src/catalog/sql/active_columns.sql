-- Columns of the temporary view firn_active_query, and its text with every name qualified.
SELECT a.attname,
       t.typname,
       pg_catalog.pg_get_viewdef(a.attrelid)
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = 'pg_temp.firn_active_query'::pg_catalog.regclass AND a.attnum > 0
ORDER BY a.attnum
