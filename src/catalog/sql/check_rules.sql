-- Rules that would rewrite firn's statements; see check_referencing_keys.sql. ev_type: 3 is INSERT, 4 DELETE.
WITH given AS (
    SELECT $1::oid AS oid, $2::oid AS active
), tree AS (
    SELECT oid FROM given
    UNION
    SELECT t.relid::oid FROM given g, pg_catalog.pg_partition_tree(g.oid::pg_catalog.regclass) t
)
SELECT pg_catalog.format('rule %I on table %s rewrites %s', r.rulename, r.ev_class::pg_catalog.regclass,
                         CASE r.ev_type WHEN '3' THEN 'INSERT' ELSE 'DELETE' END),
       pg_catalog.format('Run: ALTER TABLE %s DISABLE RULE %I; or drop it.', r.ev_class::pg_catalog.regclass, r.rulename)
FROM pg_catalog.pg_rewrite r
JOIN tree ON tree.oid = r.ev_class
WHERE r.ev_type IN ('3', '4') AND r.ev_enabled IN ('O', 'A')
ORDER BY r.ev_class, r.rulename
