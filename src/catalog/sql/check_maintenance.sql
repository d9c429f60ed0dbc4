-- Whether this role may VACUUM, ANALYZE and REINDEX; see check_referencing_keys.sql. PostgreSQL 17 made it a privilege.
WITH given AS (
    SELECT $1::oid AS oid, $2::oid AS active
), tree AS (
    SELECT oid FROM given
    UNION
    SELECT t.relid::oid FROM given g, pg_catalog.pg_partition_tree(g.oid::pg_catalog.regclass) t
)
SELECT pg_catalog.format('role %I may not VACUUM, ANALYZE and REINDEX table %s', current_user,
                         c.oid::pg_catalog.regclass),
       CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 170000
            THEN pg_catalog.format('GRANT MAINTAIN ON %s TO %I;', c.oid::pg_catalog.regclass, current_user)
            ELSE pg_catalog.format('GRANT %I TO %I;', o.rolname, current_user)
       END
FROM pg_catalog.pg_class c
JOIN tree ON tree.oid = c.oid
JOIN pg_catalog.pg_roles o ON o.oid = c.relowner
WHERE NOT pg_catalog.pg_has_role(c.relowner, 'USAGE')
  -- Servers before 17 refuse the name of a privilege that they do not know, so it is asked for on 17 only.
  AND NOT CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 170000
               THEN pg_catalog.has_table_privilege(c.oid, 'MAINTAIN') ELSE false END
ORDER BY c.oid
