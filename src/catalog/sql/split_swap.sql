-- The statements by which table $2 takes the place of $1, which goes to schema $3, in their order. The texts of keys,
-- triggers, policies and statistics are $1's, whose names mean $2 by the time that they run.
WITH old AS (
    SELECT c.*, n.nspname, pg_catalog.format('%I.%I', n.nspname, c.relname) AS called
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = $1::bigint::oid
), old_tree AS (
    SELECT oid FROM old
    UNION
    SELECT t.relid::oid FROM old, pg_catalog.pg_partition_tree(old.oid::pg_catalog.regclass) t
), new_tree AS (
    SELECT c.oid, c.relkind, c.relname, c.relacl, c.relowner, n.nspname AS new_schema,
           pg_catalog.format('%I.%I', (SELECT nspname FROM old), c.relname) AS called
    FROM pg_catalog.pg_partition_tree($2::bigint::oid::pg_catalog.regclass) t
    JOIN pg_catalog.pg_class c ON c.oid = t.relid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
), sequences AS (
    SELECT s.oid, s.relname, n.nspname, a.attname, d.deptype
    FROM old
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = old.oid
                               AND d.refobjsubid > 0 AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                               AND d.deptype IN ('a', 'i')
    JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = old.oid AND a.attnum = d.refobjsubid
), old_leaves AS (
    SELECT c.oid, c.relacl, c.relowner
    FROM old_tree JOIN pg_catalog.pg_class c ON c.oid = old_tree.oid
    WHERE c.relkind = 'r' AND c.oid <> (SELECT oid FROM old)
), leaf_grants AS (
    SELECT x.grantee, x.privilege_type, pg_catalog.bool_and(x.is_grantable) AS is_grantable
    FROM old_leaves l, pg_catalog.aclexplode(l.relacl) x
    WHERE x.grantee <> l.relowner
    GROUP BY x.grantee, x.privilege_type
    HAVING pg_catalog.count(DISTINCT l.oid) = (SELECT pg_catalog.count(*) FROM old_leaves)
), identities AS (
    SELECT o.relacl, o.relowner, n.oid AS new_oid, n.relacl AS new_acl, n.relowner AS new_owner,
           pg_catalog.format('%I.%I', (SELECT nspname FROM old), o.relname) AS called
    FROM sequences s
    JOIN pg_catalog.pg_class o ON o.oid = s.oid
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = $2::bigint::oid
                               AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'i'
    JOIN pg_catalog.pg_class n ON n.oid = d.objid AND n.relkind = 'S' AND n.relname = o.relname
    WHERE s.deptype = 'i'
), grants AS (
    SELECT new_tree.called, x.grantee, x.privilege_type, '' AS columns, x.is_grantable
    FROM old, pg_catalog.aclexplode(old.relacl) x, new_tree
    WHERE x.grantee <> old.relowner AND new_tree.oid = $2::bigint::oid
    UNION ALL
    SELECT new_tree.called, x.grantee, x.privilege_type, pg_catalog.format(' (%I)', a.attname), x.is_grantable
    FROM old
    JOIN pg_catalog.pg_attribute a ON a.attrelid = old.oid AND NOT a.attisdropped, pg_catalog.aclexplode(a.attacl) x, new_tree
    WHERE x.grantee <> old.relowner AND new_tree.oid = $2::bigint::oid
    UNION ALL
    SELECT new_tree.called, g.grantee, g.privilege_type, '', g.is_grantable
    FROM leaf_grants g, new_tree
    WHERE new_tree.relkind = 'r'
), statement AS (
    -- What would go with the old table, or fire for it, and must not.
    SELECT 10 AS nr, pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', old.called, f.conname) AS text
    FROM old JOIN pg_catalog.pg_constraint f ON f.conrelid = old.oid AND f.contype = 'f' AND f.conparentid = 0
    UNION ALL
    SELECT 11, pg_catalog.format('ALTER SEQUENCE %I.%I OWNED BY NONE', s.nspname, s.relname)
    FROM sequences s WHERE s.deptype = 'a'
    UNION ALL
    SELECT 12, pg_catalog.format('ALTER STATISTICS %I.%I SET SCHEMA %I', n.nspname, x.stxname, $3::text)
    FROM old
    JOIN pg_catalog.pg_statistic_ext x ON x.stxrelid = old.oid
    JOIN pg_catalog.pg_namespace n ON n.oid = x.stxnamespace
    UNION ALL
    SELECT 20, pg_catalog.format('ALTER TABLE %I.%I SET SCHEMA %I', n.nspname, c.relname, $3::text)
    FROM old_tree
    JOIN pg_catalog.pg_class c ON c.oid = old_tree.oid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    UNION ALL
    SELECT 30, pg_catalog.format('ALTER TABLE %I.%I SET SCHEMA %I', new_tree.new_schema, new_tree.relname, old.nspname)
    FROM new_tree, old
    UNION ALL
    -- A partitioned table cannot have an unchecked foreign key, its partitions can: the key holds for new rows at once.
    SELECT 40, pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I %s NOT VALID', new_tree.called, f.conname,
                                 pg_catalog.pg_get_constraintdef(f.oid))
    FROM old
    JOIN pg_catalog.pg_constraint f ON f.conrelid = old.oid AND f.contype = 'f' AND f.conparentid = 0, new_tree
    WHERE new_tree.relkind = 'r'
    UNION ALL
    SELECT 41, pg_catalog.pg_get_statisticsobjdef(x.oid)
    FROM old JOIN pg_catalog.pg_statistic_ext x ON x.stxrelid = old.oid
    UNION ALL
    SELECT 42, pg_catalog.format('ALTER SEQUENCE %I.%I OWNED BY %s.%I', s.nspname, s.relname, old.called, s.attname)
    FROM sequences s, old WHERE s.deptype = 'a'
    UNION ALL
    SELECT 43, pg_catalog.format('SELECT pg_catalog.setval(%L::pg_catalog.regclass, o.last_value, o.is_called) FROM %I.%I o',
                                 pg_catalog.format('%I.%I', old.nspname, s.relname), $3::text, s.relname)
    FROM sequences s, old WHERE s.deptype = 'i'
    UNION ALL
    SELECT 50, pg_catalog.pg_get_triggerdef(t.oid)
    FROM old JOIN pg_catalog.pg_trigger t ON t.tgrelid = old.oid
    WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND NOT t.tgname LIKE 'firn\_split\_%'
    UNION ALL
    SELECT 51, pg_catalog.format('ALTER TABLE %s %s TRIGGER %I', old.called,
                                 CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE REPLICA' END,
                                 t.tgname)
    FROM old JOIN pg_catalog.pg_trigger t ON t.tgrelid = old.oid
    WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND NOT t.tgname LIKE 'firn\_split\_%' AND t.tgenabled <> 'O'
    UNION ALL
    SELECT 60, pg_catalog.format('CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s', p.polname, old.called,
                                 CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                                 CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                               WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                                 (SELECT pg_catalog.string_agg(CASE r.oid WHEN 0 THEN 'PUBLIC'
                                                                    ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r.oid))
                                                               END, ', ')
                                  FROM pg_catalog.unnest(p.polroles) r (oid)),
                                 coalesce(' USING (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')', ''),
                                 coalesce(' WITH CHECK (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')', ''))
    FROM old JOIN pg_catalog.pg_policy p ON p.polrelid = old.oid
    UNION ALL
    SELECT 61, pg_catalog.format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', old.called) FROM old WHERE old.relrowsecurity
    UNION ALL
    SELECT 62, pg_catalog.format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', old.called) FROM old WHERE old.relforcerowsecurity
    UNION ALL
    -- What default privileges gave the new tables was not given to the old ones.
    SELECT DISTINCT 70, pg_catalog.format('REVOKE ALL ON %s FROM %s', new_tree.called,
                                          CASE x.grantee WHEN 0 THEN 'PUBLIC'
                                               ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END)
    FROM new_tree, pg_catalog.aclexplode(new_tree.relacl) x
    WHERE x.grantee <> new_tree.relowner
    UNION ALL
    SELECT DISTINCT 70, pg_catalog.format('REVOKE ALL ON SEQUENCE %s FROM %s', i.called,
                                          CASE x.grantee WHEN 0 THEN 'PUBLIC'
                                               ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END)
    FROM identities i, pg_catalog.aclexplode(i.new_acl) x
    WHERE x.grantee <> i.new_owner
    UNION ALL
    SELECT 71, pg_catalog.format('GRANT %s ON SEQUENCE %s TO %s%s', x.privilege_type, i.called,
                                 CASE x.grantee WHEN 0 THEN 'PUBLIC'
                                      ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END,
                                 CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM identities i, pg_catalog.aclexplode(i.relacl) x
    WHERE x.grantee <> i.relowner
    UNION ALL
    SELECT 71, pg_catalog.format('GRANT %s%s ON %s TO %s%s', g.privilege_type, g.columns, g.called,
                                 CASE g.grantee WHEN 0 THEN 'PUBLIC'
                                      ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) END,
                                 CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM grants g
    UNION ALL
    SELECT 80, pg_catalog.format('COMMENT ON TABLE %s IS %L', old.called, pg_catalog.obj_description(old.oid, 'pg_class'))
    FROM old WHERE pg_catalog.obj_description(old.oid, 'pg_class') IS NOT NULL
    UNION ALL
    SELECT 81, pg_catalog.format('COMMENT ON INDEX %I.%I IS %L', old.nspname, x.relname,
                                 pg_catalog.obj_description(x.oid, 'pg_class'))
    FROM old
    JOIN pg_catalog.pg_index i ON i.indrelid = old.oid AND i.indisvalid
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    WHERE pg_catalog.obj_description(x.oid, 'pg_class') IS NOT NULL
    UNION ALL
    SELECT 82, pg_catalog.format('COMMENT ON CONSTRAINT %I ON %s IS %L', x.conname, old.called,
                                 pg_catalog.obj_description(x.oid, 'pg_constraint'))
    FROM old JOIN pg_catalog.pg_constraint x ON x.conrelid = old.oid AND x.contype IN ('p', 'u')
    WHERE pg_catalog.obj_description(x.oid, 'pg_constraint') IS NOT NULL
    UNION ALL
    SELECT 83, pg_catalog.format('COMMENT ON TRIGGER %I ON %s IS %L', t.tgname, old.called,
                                 pg_catalog.obj_description(t.oid, 'pg_trigger'))
    FROM old JOIN pg_catalog.pg_trigger t ON t.tgrelid = old.oid
    WHERE NOT t.tgisinternal AND pg_catalog.obj_description(t.oid, 'pg_trigger') IS NOT NULL
    UNION ALL
    SELECT 84, pg_catalog.format('COMMENT ON POLICY %I ON %s IS %L', p.polname, old.called,
                                 pg_catalog.obj_description(p.oid, 'pg_policy'))
    FROM old JOIN pg_catalog.pg_policy p ON p.polrelid = old.oid
    WHERE pg_catalog.obj_description(p.oid, 'pg_policy') IS NOT NULL
    UNION ALL
    SELECT 85, pg_catalog.format('ALTER STATISTICS %I.%I SET STATISTICS %s', n.nspname, x.stxname, x.stxstattarget)
    FROM old
    JOIN pg_catalog.pg_statistic_ext x ON x.stxrelid = old.oid
    JOIN pg_catalog.pg_namespace n ON n.oid = x.stxnamespace
    WHERE x.stxstattarget >= 0
    UNION ALL
    SELECT 86, pg_catalog.format('COMMENT ON STATISTICS %I.%I IS %L', n.nspname, x.stxname,
                                 pg_catalog.obj_description(x.oid, 'pg_statistic_ext'))
    FROM old
    JOIN pg_catalog.pg_statistic_ext x ON x.stxrelid = old.oid
    JOIN pg_catalog.pg_namespace n ON n.oid = x.stxnamespace
    WHERE pg_catalog.obj_description(x.oid, 'pg_statistic_ext') IS NOT NULL
)
SELECT text FROM statement ORDER BY nr, text
