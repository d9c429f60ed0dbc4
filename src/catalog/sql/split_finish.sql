-- What remains to be done for the foreign keys of the partitioned table $1 after it took the place of another, in order:
-- its leaves' keys are checked against the rows that were there, and then become one key of the table.
WITH leaf AS (
    SELECT t.relid::oid AS oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS called
    FROM pg_catalog.pg_partition_tree($1::bigint::oid::pg_catalog.regclass) t
    JOIN pg_catalog.pg_class c ON c.oid = t.relid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE t.isleaf
), loose AS (
    SELECT f.oid, f.conname, f.convalidated, leaf.called
    FROM leaf JOIN pg_catalog.pg_constraint f ON f.conrelid = leaf.oid AND f.contype = 'f' AND f.conparentid = 0
), statement AS (
    SELECT 1 AS nr, pg_catalog.format('ALTER TABLE %s VALIDATE CONSTRAINT %I', l.called, l.conname) AS text
    FROM loose l WHERE NOT l.convalidated
    UNION ALL
    SELECT DISTINCT 2, pg_catalog.format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', n.nspname, c.relname, l.conname,
                                         pg_catalog.replace(pg_catalog.pg_get_constraintdef(l.oid), ' NOT VALID', ''))
    FROM loose l, pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = $1::bigint::oid
)
SELECT text FROM statement ORDER BY nr, text
