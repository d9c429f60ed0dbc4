-- Triggers of the application that fire on DELETE; see check_referencing_keys.sql. tgtype: 8 is DELETE.
WITH given AS (
    SELECT $1::oid AS oid, $2::oid AS active
), tree AS (
    SELECT oid FROM given
    UNION
    SELECT t.relid::oid FROM given g, pg_catalog.pg_partition_tree(g.oid::pg_catalog.regclass) t
)
SELECT pg_catalog.format('trigger %I on table %s fires on DELETE, and would take rows that become cold for deleted ones',
                         t.tgname, t.tgrelid::pg_catalog.regclass),
       pg_catalog.format('Run: ALTER TABLE %s DISABLE TRIGGER %I; or drop it.', t.tgrelid::pg_catalog.regclass, t.tgname)
FROM pg_catalog.pg_trigger t
JOIN tree ON tree.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgtype & 8 <> 0 AND t.tgenabled IN ('O', 'A')
  AND t.tgname <> 'firn_split_capture' -- firn's own, while it divides the table
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d -- pg_repack's own, while it copies the leaf, follows every change
                  JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid
                  WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = t.tgfoid
                    AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND x.extname = 'pg_repack')
  -- A partition's copy is disabled with its parent's, unless it was enabled on its own.
  AND (t.tgparentid = 0
       OR NOT EXISTS (SELECT 1 FROM pg_catalog.pg_trigger p
                      WHERE p.oid = t.tgparentid AND p.tgenabled IN ('O', 'A')))
ORDER BY t.tgrelid, t.tgname
