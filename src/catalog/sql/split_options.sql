-- Storage options for what is to take the place of $1, each as an action of ALTER TABLE: $2 true, of the whole table; false,
-- of each of its leaves, as the first leaf of $1 has them.
WITH model AS (
    SELECT c.*
    FROM pg_catalog.pg_class c
    WHERE c.oid = coalesce((SELECT t.relid::oid
                            FROM pg_catalog.pg_partition_tree($1::bigint::oid::pg_catalog.regclass) t
                            JOIN pg_catalog.pg_class l ON l.oid = t.relid
                            WHERE t.isleaf AND l.relkind = 'r' AND NOT $2::boolean
                            ORDER BY pg_catalog.length(l.relname), l.relname LIMIT 1), $1::bigint::oid)
)
SELECT pg_catalog.format('SET (%s)', pg_catalog.string_agg(pg_catalog.format('%I = %L', o.option_name, o.option_value), ', '))
FROM model, pg_catalog.pg_options_to_table(model.reloptions) o
WHERE NOT $2::boolean
HAVING pg_catalog.count(*) > 0
UNION ALL
SELECT pg_catalog.format('SET (%s)', pg_catalog.string_agg(pg_catalog.format('toast.%I = %L', o.option_name, o.option_value), ', '))
FROM model
JOIN pg_catalog.pg_class t ON t.oid = model.reltoastrelid, pg_catalog.pg_options_to_table(t.reloptions) o
WHERE NOT $2::boolean
HAVING pg_catalog.count(*) > 0
UNION ALL
SELECT pg_catalog.format('ALTER COLUMN %I SET STATISTICS %s', a.attname, a.attstattarget)
FROM model JOIN pg_catalog.pg_attribute a ON a.attrelid = model.oid
WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attstattarget >= 0
UNION ALL
SELECT pg_catalog.format('ALTER COLUMN %I SET (%s)', a.attname,
                         pg_catalog.string_agg(pg_catalog.format('%I = %L', o.option_name, o.option_value), ', '))
FROM model
JOIN pg_catalog.pg_attribute a ON a.attrelid = model.oid, pg_catalog.pg_options_to_table(a.attoptions) o
WHERE a.attnum > 0 AND NOT a.attisdropped
GROUP BY a.attname
UNION ALL
SELECT CASE model.relreplident WHEN 'f' THEN 'REPLICA IDENTITY FULL' ELSE 'REPLICA IDENTITY NOTHING' END
FROM model WHERE model.relreplident IN ('f', 'n')
