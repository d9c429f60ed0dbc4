-- The index of a temporary table, as the server understood it: its key, operator class, predicate and type.
SELECT coalesce(pg_catalog.pg_get_expr(i.indexprs, i.indrelid), ka.attname), i.indexprs IS NOT NULL,
    pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.opcname), o.opcname,
    coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid), ''), y.typname, greatest(a.atttypmod, 0), i.indnatts
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[0]
JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indexrelid AND a.attnum = 1
JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attribute ka ON ka.attrelid = i.indrelid AND ka.attnum = i.indkey[0] AND ka.attnum > 0
WHERE i.indexrelid = 'pg_temp.firn_shape_index'::pg_catalog.regclass
