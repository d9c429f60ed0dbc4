-- Foreign keys of $1, a row for each pair of columns.
SELECT f.oid, f.conname, n.nspname, r.relname, a.attname, ra.attname
FROM pg_catalog.pg_constraint f
JOIN pg_catalog.pg_class r ON r.oid = f.confrelid
JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
CROSS JOIN pg_catalog.generate_series(1, pg_catalog.array_length(f.conkey, 1)) k
JOIN pg_catalog.pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[k]
JOIN pg_catalog.pg_attribute ra ON ra.attrelid = f.confrelid AND ra.attnum = f.confkey[k]
WHERE f.conrelid = $1::oid AND f.contype = 'f' AND f.conparentid = 0
ORDER BY f.conname, f.oid, k
