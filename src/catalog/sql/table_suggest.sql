-- Tables that may have been meant by the name $1: of this name elsewhere, or with a vector in them.
SELECT pg_catalog.string_agg(label, ', ')
FROM (
    SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS label
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p')
      AND NOT c.relispartition
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'firn')
      AND (pg_catalog.lower(c.relname) = pg_catalog.lower($1::text)
           OR EXISTS (SELECT 1
                      FROM pg_catalog.pg_attribute a
                      JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
                      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                        AND t.typname IN ('vector', 'halfvec', 'sparsevec')))
    ORDER BY pg_catalog.lower(c.relname) <> pg_catalog.lower($1::text), n.nspname, c.relname
    LIMIT 5
) found
