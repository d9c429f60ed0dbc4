-- A digest that changes when something may have changed rows of $1, or of the new table $2, past triggers: rows rewritten,
-- partitions exchanged, triggers altered, columns replaced.
WITH tree AS (
    SELECT pg_catalog.unnest(ARRAY[$1::bigint::oid, $2::bigint::oid]) AS oid
    UNION
    SELECT t.relid::oid FROM pg_catalog.pg_partition_tree($1::bigint::oid::pg_catalog.regclass) t
    UNION
    SELECT t.relid::oid FROM pg_catalog.pg_partition_tree($2::bigint::oid::pg_catalog.regclass) t
), fact (text) AS (
    SELECT pg_catalog.format('table %s %s', c.oid, c.relfilenode)
    FROM pg_catalog.pg_class c JOIN tree ON tree.oid = c.oid
    UNION ALL
    SELECT pg_catalog.format('trigger %s %s %s', t.oid, t.tgenabled, t.xmin)
    FROM pg_catalog.pg_trigger t JOIN tree ON tree.oid = t.tgrelid
    WHERE t.tgname LIKE 'firn\_split\_%'
    UNION ALL
    SELECT pg_catalog.format('column %s %s %s %s %s %s', a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attisdropped)
    FROM pg_catalog.pg_attribute a JOIN tree ON tree.oid = a.attrelid
    WHERE a.attnum > 0
)
SELECT pg_catalog.md5(pg_catalog.string_agg(text, ' ' ORDER BY text)) FROM fact
