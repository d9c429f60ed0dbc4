-- Triggers of the application that fire on INSERT; see check_referencing_keys.sql. tgtype: 1 is FOR EACH ROW, 2 BEFORE,
-- 4 INSERT. The third column: whether it may alter the row.
WITH given AS (
    SELECT $1::oid AS oid, $2::oid AS active
), tree AS (
    SELECT oid FROM given
    UNION
    SELECT t.relid::oid FROM given g, pg_catalog.pg_partition_tree(g.oid::pg_catalog.regclass) t
)
SELECT pg_catalog.format(CASE WHEN t.tgtype & 3 = 3
                             THEN 'trigger %I on table %s may alter rows that are brought back: firn compares them again'
                             ELSE 'trigger %I on table %s fires for rows that are brought back, too'
                         END, t.tgname, t.tgrelid::pg_catalog.regclass),
       NULL,
       t.tgtype & 3 = 3
FROM pg_catalog.pg_trigger t
JOIN tree ON tree.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgtype & 4 <> 0 AND t.tgenabled IN ('O', 'A')
  AND t.tgname <> 'firn_split_capture' -- firn's own, while it divides the table
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d -- pg_repack's own, while it copies the leaf, follows every change
                  JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid
                  WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = t.tgfoid
                    AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND x.extname = 'pg_repack')
  AND (t.tgparentid = 0
       OR NOT EXISTS (SELECT 1 FROM pg_catalog.pg_trigger p
                      WHERE p.oid = t.tgparentid AND p.tgenabled IN ('O', 'A')))
ORDER BY t.tgrelid, t.tgname
