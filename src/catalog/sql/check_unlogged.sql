-- Tables that a crash empties; see check_referencing_keys.sql.
WITH given AS (
    SELECT $1::oid AS oid, $2::oid AS active
), tree AS (
    SELECT oid FROM given
    UNION
    SELECT t.relid::oid FROM given g, pg_catalog.pg_partition_tree(g.oid::pg_catalog.regclass) t
)
SELECT pg_catalog.format('table %s is UNLOGGED: a crash of the server empties it, and rows brought back are lost with it',
                         c.oid::pg_catalog.regclass),
       pg_catalog.format('Run: ALTER TABLE %s SET LOGGED;', c.oid::pg_catalog.regclass)
FROM pg_catalog.pg_class c
JOIN tree ON tree.oid = c.oid
WHERE c.relpersistence = 'u' AND c.relkind = 'r'
ORDER BY c.oid
