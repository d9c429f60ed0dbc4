-- Row-level security that hides rows from this role; see check_referencing_keys.sql.
WITH given AS (
    SELECT $1::oid AS oid, $2::oid AS active
), looked_at AS (
    SELECT oid FROM given
    UNION
    SELECT active FROM given WHERE active <> 0
    UNION
    SELECT t.relid::oid FROM given g, pg_catalog.pg_partition_tree(g.oid::pg_catalog.regclass) t
)
SELECT pg_catalog.format('row-level security of table %s applies to role %I', c.oid::pg_catalog.regclass, current_user),
       pg_catalog.format('Connect as a role with BYPASSRLS (an administrator runs: ALTER ROLE %I BYPASSRLS;)%s.',
                         current_user,
                         CASE WHEN c.relforcerowsecurity THEN ''
                              ELSE pg_catalog.format(', or as the table''s owner %I', o.rolname) END)
FROM pg_catalog.pg_class c
JOIN looked_at l ON l.oid = c.oid
JOIN pg_catalog.pg_roles o ON o.oid = c.relowner
WHERE pg_catalog.row_security_active(c.oid)
ORDER BY c.oid
