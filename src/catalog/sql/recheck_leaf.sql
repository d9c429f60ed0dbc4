-- What would make a DELETE from leaf $2 of table $1, known as $3, do more or less than take rows out: a line for each.
SELECT 'it is no longer a partition of the table' AS what
WHERE $1::oid <> $2::oid
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_partition_ancestors($2::oid::pg_catalog.regclass) a WHERE a.relid = $1::oid)
UNION ALL
SELECT 'its name means another table'
WHERE pg_catalog.to_regclass($3)::oid IS DISTINCT FROM $2::oid
UNION ALL
-- Keys and triggers of a partitioned table are there for each partition, too.
SELECT pg_catalog.format('foreign key %I of table %s refers to it', f.conname, f.conrelid::pg_catalog.regclass)
FROM pg_catalog.pg_constraint f
WHERE f.contype = 'f' AND f.confrelid = $2::oid
UNION ALL
SELECT pg_catalog.format('trigger %I fires on DELETE', t.tgname)
FROM pg_catalog.pg_trigger t
WHERE t.tgrelid = $2::oid AND NOT t.tgisinternal AND t.tgtype & 8 <> 0 AND t.tgenabled IN ('O', 'A')
  AND t.tgname <> 'firn_split_capture'
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d -- pg_repack's own, while it copies the leaf, follows every change
                  JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid
                  WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = t.tgfoid
                    AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND x.extname = 'pg_repack')
UNION ALL
SELECT pg_catalog.format('rule %I rewrites DELETE', r.rulename)
FROM pg_catalog.pg_rewrite r
WHERE r.ev_class = $2::oid AND r.ev_type = '4' AND r.ev_enabled IN ('O', 'A')
