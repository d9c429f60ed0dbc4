-- Foreign keys that point at rows of $1. Every check gives a row (message, hint) for each thing found, and takes $2, the
-- table that says which version is active, or 0.
WITH given AS (
    SELECT $1::oid AS oid, $2::oid AS active
), tree AS (
    SELECT oid FROM given
    UNION
    SELECT t.relid::oid FROM given g, pg_catalog.pg_partition_tree(g.oid::pg_catalog.regclass) t
)
SELECT pg_catalog.format('foreign key %I of table %s %s', f.conname, f.conrelid::pg_catalog.regclass,
           CASE f.confdeltype
               WHEN 'c' THEN 'would delete rows there (ON DELETE CASCADE) when a row becomes cold'
               WHEN 'n' THEN 'would clear columns there (ON DELETE SET NULL) when a row becomes cold'
               WHEN 'd' THEN 'would change columns there (ON DELETE SET DEFAULT) when a row becomes cold'
               ELSE 'would refuse that a row that it refers to becomes cold'
           END),
       pg_catalog.format('Run: ALTER TABLE %s DROP CONSTRAINT %I; cold rows are not in this table, so no other table can '
                         'refer to them.', f.conrelid::pg_catalog.regclass, f.conname)
FROM pg_catalog.pg_constraint f
JOIN tree ON tree.oid = f.confrelid
WHERE f.contype = 'f' AND f.conparentid = 0
ORDER BY f.conrelid, f.conname
