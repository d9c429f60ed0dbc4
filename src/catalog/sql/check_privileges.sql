-- Privileges that this role lacks, each with the statement that grants it; see check_referencing_keys.sql.
WITH given AS (
    SELECT $1::oid AS oid, $2::oid AS active
), tree AS (
    SELECT oid FROM given
    UNION
    SELECT t.relid::oid FROM given g, pg_catalog.pg_partition_tree(g.oid::pg_catalog.regclass) t
), wanted AS (
    SELECT tree.oid, w.privilege
    FROM tree CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('DELETE')) w (privilege)
    WHERE NOT pg_catalog.has_table_privilege(tree.oid, w.privilege)
), referenced AS (
    SELECT DISTINCT f.confrelid AS oid, ra.attname
    FROM given g
    JOIN pg_catalog.pg_constraint f ON f.conrelid = g.oid AND f.contype = 'f' AND f.conparentid = 0
    JOIN pg_catalog.pg_attribute ra ON ra.attrelid = f.confrelid AND ra.attnum = ANY (f.confkey)
), schemas AS (
    SELECT DISTINCT c.relnamespace AS oid
    FROM pg_catalog.pg_class c
    WHERE c.oid IN (SELECT oid FROM tree UNION SELECT oid FROM referenced UNION SELECT active FROM given)
), firn AS (
    SELECT n.oid, EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid) AS made
    FROM (VALUES (1)) v LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = 'firn'
), missing AS (
    SELECT 1 AS nr, pg_catalog.format('USAGE on schema %I', n.nspname) AS what,
           pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I;', n.nspname, current_user) AS statement
    FROM schemas s JOIN pg_catalog.pg_namespace n ON n.oid = s.oid
    WHERE NOT pg_catalog.has_schema_privilege(s.oid, 'USAGE')
    UNION ALL
    SELECT 2, pg_catalog.format('%s on table %s', pg_catalog.string_agg(w.privilege, ', ' ORDER BY w.privilege DESC),
                                w.oid::pg_catalog.regclass),
           pg_catalog.format('GRANT %s ON %s TO %I;', pg_catalog.string_agg(w.privilege, ', ' ORDER BY w.privilege DESC),
                             w.oid::pg_catalog.regclass, current_user)
    FROM wanted w
    GROUP BY w.oid
    UNION ALL
    SELECT 3, pg_catalog.format('SELECT on columns %s of table %s',
                                pg_catalog.string_agg(pg_catalog.quote_ident(r.attname), ', ' ORDER BY r.attname),
                                r.oid::pg_catalog.regclass),
           pg_catalog.format('GRANT SELECT (%s) ON %s TO %I;',
                             pg_catalog.string_agg(pg_catalog.quote_ident(r.attname), ', ' ORDER BY r.attname),
                             r.oid::pg_catalog.regclass, current_user)
    FROM referenced r
    WHERE NOT pg_catalog.has_column_privilege(r.oid, r.attname::text, 'SELECT')
    GROUP BY r.oid
    UNION ALL
    SELECT 4, pg_catalog.format('SELECT on table %s', g.active::pg_catalog.regclass),
           pg_catalog.format('GRANT SELECT ON %s TO %I;', g.active::pg_catalog.regclass, current_user)
    FROM given g
    WHERE g.active <> 0 AND NOT pg_catalog.has_table_privilege(g.active, 'SELECT')
    UNION ALL
    -- SELECT ... FOR SHARE asks for the right to update, of any column.
    SELECT 5, pg_catalog.format('UPDATE on some column of table %s (to lock its rows)', g.active::pg_catalog.regclass),
           pg_catalog.format('GRANT UPDATE (%I) ON %s TO %I;',
                             (SELECT a.attname FROM pg_catalog.pg_attribute a
                              WHERE a.attrelid = g.active AND a.attnum > 0 AND NOT a.attisdropped
                              ORDER BY a.attnum LIMIT 1),
                             g.active::pg_catalog.regclass, current_user)
    FROM given g
    WHERE g.active <> 0 AND NOT pg_catalog.has_any_column_privilege(g.active, 'UPDATE')
      -- What a view stands for is not locked.
      AND EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = g.active AND c.relkind IN ('r', 'p'))
    UNION ALL
    SELECT 6, 'TEMP on the database',
           pg_catalog.format('GRANT TEMP ON DATABASE %I TO %I;', pg_catalog.current_database(), current_user)
    WHERE NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMP')
    UNION ALL
    SELECT 7, 'CREATE on the database, to make the schema firn',
           pg_catalog.format('GRANT CREATE ON DATABASE %I TO %I;', pg_catalog.current_database(), current_user)
    FROM firn
    WHERE firn.oid IS NULL AND NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
    UNION ALL
    SELECT 8, 'USAGE and CREATE on schema firn',
           pg_catalog.format('GRANT USAGE, CREATE ON SCHEMA firn TO %I;', current_user)
    FROM firn
    WHERE firn.oid IS NOT NULL AND NOT firn.made
      AND NOT (pg_catalog.has_schema_privilege(firn.oid, 'USAGE')
               AND pg_catalog.has_schema_privilege(firn.oid, 'CREATE'))
    UNION ALL
    SELECT 9, 'USAGE on schema firn', pg_catalog.format('GRANT USAGE ON SCHEMA firn TO %I;', current_user)
    FROM firn
    WHERE firn.made AND NOT pg_catalog.has_schema_privilege(firn.oid, 'USAGE')
    UNION ALL
    SELECT 10, 'SELECT, INSERT, UPDATE, DELETE on the tables of schema firn',
           pg_catalog.format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA firn TO %I;', current_user)
    FROM firn
    WHERE firn.made
      AND EXISTS (SELECT 1
                  FROM pg_catalog.pg_class c
                  CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) w (privilege)
                  WHERE c.relnamespace = firn.oid AND c.relkind = 'r'
                    AND NOT pg_catalog.has_table_privilege(c.oid, w.privilege))
)
SELECT pg_catalog.format('role %I lacks %s', current_user, m.what), m.statement
FROM missing m
ORDER BY m.nr, m.what
