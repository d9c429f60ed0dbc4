-- Storage options of the rows of $1 (of its first leaf, where it is partitioned), each as an action of ALTER TABLE, and
-- whether it is the whole table's as well as its leaves'.
WITH leaf AS (
    SELECT c.*
    FROM pg_catalog.pg_class c
    WHERE c.oid = coalesce((SELECT t.relid::oid
                            FROM pg_catalog.pg_partition_tree($1::bigint::oid::pg_catalog.regclass) t
                            JOIN pg_catalog.pg_class l ON l.oid = t.relid
                            WHERE t.isleaf AND l.relkind = 'r'
                            ORDER BY pg_catalog.length(l.relname), l.relname LIMIT 1), $1::bigint::oid)
)
SELECT pg_catalog.format('SET (%s)', pg_catalog.string_agg(pg_catalog.format('%I = %L', o.option_name, o.option_value), ', ')),
       false
FROM leaf, pg_catalog.pg_options_to_table(leaf.reloptions) o
HAVING pg_catalog.count(*) > 0
UNION ALL
SELECT pg_catalog.format('SET (%s)', pg_catalog.string_agg(pg_catalog.format('toast.%I = %L', o.option_name, o.option_value), ', ')),
       false
FROM leaf
JOIN pg_catalog.pg_class t ON t.oid = leaf.reltoastrelid, pg_catalog.pg_options_to_table(t.reloptions) o
HAVING pg_catalog.count(*) > 0
UNION ALL
SELECT pg_catalog.format('ALTER COLUMN %I SET STATISTICS %s', a.attname, a.attstattarget), true
FROM leaf JOIN pg_catalog.pg_attribute a ON a.attrelid = leaf.oid
WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attstattarget >= 0
UNION ALL
SELECT pg_catalog.format('ALTER COLUMN %I SET (%s)', a.attname,
                         pg_catalog.string_agg(pg_catalog.format('%I = %L', o.option_name, o.option_value), ', ')), true
FROM leaf
JOIN pg_catalog.pg_attribute a ON a.attrelid = leaf.oid, pg_catalog.pg_options_to_table(a.attoptions) o
WHERE a.attnum > 0 AND NOT a.attisdropped
GROUP BY a.attname
UNION ALL
SELECT CASE leaf.relreplident WHEN 'f' THEN 'REPLICA IDENTITY FULL' ELSE 'REPLICA IDENTITY NOTHING' END, true
FROM leaf WHERE leaf.relreplident IN ('f', 'n')
