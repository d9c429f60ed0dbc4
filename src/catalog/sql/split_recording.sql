-- Why changes of the table $1 may be missing in the record of split $2: a line for each reason.
WITH tree AS (
    SELECT $1::bigint::oid AS oid
    UNION
    SELECT t.relid::oid FROM pg_catalog.pg_partition_tree($1::bigint::oid::pg_catalog.regclass) t
), leaf AS (
    SELECT c.oid FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.oid WHERE c.relkind <> 'p'
)
SELECT pg_catalog.format('partition %s was not there', leaf.oid::pg_catalog.regclass)
FROM leaf
WHERE leaf.oid NOT IN (SELECT l.leaf FROM firn.split_leaf l WHERE l.split_id = $2::bigint)
UNION ALL
SELECT pg_catalog.format('a partition is no longer there (oid %s)', l.leaf)
FROM firn.split_leaf l
WHERE l.split_id = $2::bigint AND l.leaf NOT IN (SELECT oid FROM leaf)
UNION ALL
SELECT pg_catalog.format('trigger %I of %s is disabled or gone', w.name, leaf.oid::pg_catalog.regclass)
FROM leaf CROSS JOIN (VALUES ('firn_split_capture'), ('firn_split_truncate')) w (name)
WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_trigger t
                  WHERE t.tgrelid = leaf.oid AND t.tgname = w.name AND t.tgenabled = 'A')
ORDER BY 1
