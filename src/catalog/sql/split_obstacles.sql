-- What keeps the table $1 (id $3 in the catalog) from being moved into $2 hash partitions by its column named $4: message
-- and hint of each.
WITH given AS (
    SELECT c.oid, c.relname, c.relnamespace, c.relkind FROM pg_catalog.pg_class c WHERE c.oid = $1::bigint::oid
), tree AS (
    SELECT oid FROM given
    UNION
    SELECT t.relid::oid FROM given g, pg_catalog.pg_partition_tree(g.oid::pg_catalog.regclass) t
), types AS (
    SELECT y.oid FROM pg_catalog.pg_type y JOIN tree ON y.typrelid = tree.oid
    UNION
    SELECT y.typarray FROM pg_catalog.pg_type y JOIN tree ON y.typrelid = tree.oid
), dependent AS (
    SELECT DISTINCT d.classid, d.objid
    FROM pg_catalog.pg_depend d
    WHERE (d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid IN (SELECT oid FROM tree))
       OR (d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refobjid IN (SELECT oid FROM types))
), own (classid, objid) AS (
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid, oid FROM tree
    UNION ALL
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid
    FROM pg_catalog.pg_index i JOIN tree ON i.indrelid = tree.oid
    UNION ALL
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.reltoastrelid
    FROM pg_catalog.pg_class c JOIN tree ON c.oid = tree.oid
    UNION ALL
    SELECT d.classid, d.objid
    FROM pg_catalog.pg_depend d
    JOIN tree ON d.refobjid = tree.oid
    JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')
    UNION ALL
    SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, oid FROM types
    UNION ALL
    SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, x.oid
    FROM pg_catalog.pg_constraint x JOIN tree ON x.conrelid = tree.oid
    UNION ALL
    SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, x.oid
    FROM pg_catalog.pg_attrdef x JOIN tree ON x.adrelid = tree.oid
    UNION ALL
    SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, x.oid
    FROM pg_catalog.pg_trigger x JOIN tree ON x.tgrelid = tree.oid
    UNION ALL
    SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, x.oid
    FROM pg_catalog.pg_policy x JOIN tree ON x.polrelid = tree.oid
    UNION ALL
    SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, x.oid
    FROM pg_catalog.pg_rewrite x JOIN tree ON x.ev_class = tree.oid
    UNION ALL
    SELECT 'pg_catalog.pg_publication_rel'::pg_catalog.regclass, x.oid
    FROM pg_catalog.pg_publication_rel x JOIN tree ON x.prrelid = tree.oid
    UNION ALL
    SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, x.oid
    FROM pg_catalog.pg_statistic_ext x JOIN tree ON x.stxrelid = tree.oid
), found AS (
    SELECT 1 AS nr,
           CASE WHEN v.oid IS NOT NULL
                THEN pg_catalog.format('view %s reads the table, and would go on reading the old one',
                                       v.oid::pg_catalog.regclass)
                ELSE pg_catalog.format('%s depends on the table, and would stay with the old one',
                                       pg_catalog.pg_describe_object(d.classid, d.objid, 0))
           END AS message,
           CASE WHEN v.oid IS NOT NULL
                THEN pg_catalog.format('Keep its text (SELECT pg_get_viewdef(%L)), drop it, and create it again after '
                                       'the split.', v.oid::pg_catalog.regclass)
                ELSE 'Drop it, and create it again after the split.'
           END AS hint
    FROM dependent d
    LEFT JOIN pg_catalog.pg_rewrite w
           ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND w.oid = d.objid
    LEFT JOIN pg_catalog.pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm')
    WHERE NOT EXISTS (SELECT 1 FROM own WHERE own.classid = d.classid AND own.objid = d.objid)
    UNION ALL
    SELECT 2, pg_catalog.format('rule %I on table %s stays with the old one', r.rulename, r.ev_class::pg_catalog.regclass),
           'Drop it, and create it again after the split.'
    FROM pg_catalog.pg_rewrite r JOIN tree ON tree.oid = r.ev_class
    UNION ALL
    SELECT DISTINCT 3, pg_catalog.format('publication %I has the table: its subscribers would not follow', v.pubname),
           CASE WHEN b.puballtables THEN 'It is of all tables: drop it, and create it again after the split.'
                ELSE 'Take the table out of the publication, and add it after the split; subscribers then copy it anew.'
           END
    FROM pg_catalog.pg_publication_tables v
    JOIN pg_catalog.pg_publication b ON b.pubname = v.pubname
    JOIN pg_catalog.pg_namespace n ON n.nspname = v.schemaname
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = v.tablename
    JOIN tree ON tree.oid = c.oid
    UNION ALL
    SELECT 4, pg_catalog.format('a subscription writes to table %s', s.srrelid::pg_catalog.regclass),
           'Take it out of the publication and refresh the subscription before.'
    FROM pg_catalog.pg_subscription_rel s JOIN tree ON tree.oid = s.srrelid
    UNION ALL
    SELECT 5, pg_catalog.format('table %s is UNLOGGED', c.oid::pg_catalog.regclass),
           pg_catalog.format('Run: ALTER TABLE %s SET LOGGED;', c.oid::pg_catalog.regclass)
    FROM pg_catalog.pg_class c JOIN tree ON tree.oid = c.oid
    WHERE c.relpersistence = 'u'
    UNION ALL
    SELECT 6, pg_catalog.format('table %s is not kept in heap pages', c.oid::pg_catalog.regclass), NULL
    FROM pg_catalog.pg_class c JOIN tree ON tree.oid = c.oid
    WHERE c.relkind NOT IN ('r', 'p') OR c.relkind = 'r' AND c.relam <> (SELECT a.oid FROM pg_catalog.pg_am a WHERE a.amname = 'heap')
    UNION ALL
    SELECT 7, pg_catalog.format('constraint %I of table %s is NOT VALID', x.conname, x.conrelid::pg_catalog.regclass),
           pg_catalog.format('Run: ALTER TABLE %s VALIDATE CONSTRAINT %I;', x.conrelid::pg_catalog.regclass, x.conname)
    FROM pg_catalog.pg_constraint x JOIN tree ON tree.oid = x.conrelid
    WHERE NOT x.convalidated AND x.contype IN ('c', 'f')
    UNION ALL
    SELECT 8, pg_catalog.format('exclusion constraint %I cannot be kept by a partitioned table', x.conname), 'Drop it.'
    FROM pg_catalog.pg_constraint x JOIN given g ON g.oid = x.conrelid
    WHERE x.contype = 'x'
    UNION ALL
    SELECT 9, pg_catalog.format('the primary key of table %s is DEFERRABLE', x.conrelid::pg_catalog.regclass),
           'Make it anew without that word.'
    FROM pg_catalog.pg_constraint x JOIN given g ON g.oid = x.conrelid
    WHERE x.contype = 'p' AND x.condeferrable
    UNION ALL
    SELECT 10, pg_catalog.format('column %I may be NULL, and is to be part of the primary key', a.attname),
           pg_catalog.format('Run: ALTER TABLE %s ALTER COLUMN %I SET NOT NULL;', a.attrelid::pg_catalog.regclass, a.attname)
    FROM pg_catalog.pg_attribute a JOIN given g ON g.oid = a.attrelid
    WHERE a.attname = $4::text AND NOT a.attnotnull
    UNION ALL
    -- Those of the whole table are there for each partition, too, as children of it.
    SELECT 11, pg_catalog.format('trigger %I belongs to partition %s alone', t.tgname, t.tgrelid::pg_catalog.regclass),
           'Its partition goes: create it on the whole table, or drop it.'
    FROM pg_catalog.pg_trigger t JOIN tree ON tree.oid = t.tgrelid
    WHERE t.tgrelid <> $1::bigint::oid AND NOT t.tgisinternal AND t.tgparentid = 0
      AND NOT t.tgname LIKE 'firn\_split\_%'
    UNION ALL
    SELECT 12, pg_catalog.format('partition %s has row-level security of its own', c.oid::pg_catalog.regclass),
           'Its partition goes: set it up on the whole table, or drop it.'
    FROM pg_catalog.pg_class c JOIN tree ON tree.oid = c.oid
    WHERE c.oid <> $1::bigint::oid
      AND (c.relrowsecurity OR EXISTS (SELECT 1 FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid))
    UNION ALL
    SELECT 13, pg_catalog.format('constraint %I belongs to partition %s alone', x.conname, x.conrelid::pg_catalog.regclass),
           'Its partition goes: create it on the whole table, or drop it.'
    FROM pg_catalog.pg_constraint x JOIN tree ON tree.oid = x.conrelid
    WHERE x.conrelid <> $1::bigint::oid AND x.conislocal AND x.coninhcount = 0 AND x.conparentid = 0
      AND x.contype IN ('c', 'f')
    UNION ALL
    SELECT 14, pg_catalog.format('there is a table or index %s already', c.oid::pg_catalog.regclass),
           'Rename it: the new partitions will have such names.'
    FROM given g
    CROSS JOIN pg_catalog.generate_series(0, $2::bigint - 1) n
    JOIN pg_catalog.pg_class c ON c.relnamespace = g.relnamespace AND c.relname = g.relname || '_p' || n
    WHERE c.oid NOT IN (SELECT oid FROM tree)
    UNION ALL
    SELECT 15, 'a bulk load left index work behind', 'Run "firn maintain" first.'
    WHERE EXISTS (SELECT 1 FROM firn.index_restore r WHERE r.table_id = $3::bigint)
    UNION ALL
    SELECT 16, pg_catalog.format('role %I does not own table %s', current_user, c.oid::pg_catalog.regclass),
           pg_catalog.format('Run: GRANT %I TO %I;', pg_catalog.pg_get_userbyid(c.relowner), current_user)
    FROM pg_catalog.pg_class c JOIN tree ON tree.oid = c.oid
    WHERE NOT pg_catalog.pg_has_role(c.relowner, 'USAGE')
    UNION ALL
    SELECT 17, pg_catalog.format('table %s inherits from another, or is of a type', c.oid::pg_catalog.regclass), NULL
    FROM given JOIN pg_catalog.pg_class c ON c.oid = given.oid
    WHERE c.reloftype <> 0 OR EXISTS (SELECT 1 FROM pg_catalog.pg_inherits h WHERE h.inhrelid = c.oid)
    UNION ALL
    -- An index on each partition, without one of the whole table: readers would have none after the swap.
    SELECT 18, pg_catalog.format('index %I belongs to partition %s alone', x.relname, i.indrelid::pg_catalog.regclass),
           'Its partition goes: create it on the whole table (CREATE INDEX ... ON ONLY, then ALTER INDEX ... ATTACH PARTITION for '
           'each), or drop it.'
    FROM pg_catalog.pg_index i
    JOIN tree ON tree.oid = i.indrelid
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    WHERE tree.oid <> $1::bigint::oid AND i.indisvalid AND NOT x.relispartition
    UNION ALL
    SELECT 19, pg_catalog.format('index %I is invalid: some partitions lack it', x.relname),
           'Create it on those and attach it, or drop it.'
    FROM pg_catalog.pg_index i
    JOIN given ON given.oid = i.indrelid
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    WHERE NOT i.indisvalid AND EXISTS (SELECT 1 FROM pg_catalog.pg_inherits h WHERE h.inhparent = x.oid)
    UNION ALL
    SELECT 20, pg_catalog.format('statistics %I belong to partition %s alone', x.stxname, x.stxrelid::pg_catalog.regclass),
           'Its partition goes: create them on the whole table, or drop them.'
    FROM pg_catalog.pg_statistic_ext x JOIN tree ON tree.oid = x.stxrelid
    WHERE tree.oid <> $1::bigint::oid
    UNION ALL
    SELECT 21, pg_catalog.format('the replica identity of table %s is an index', c.oid::pg_catalog.regclass),
           pg_catalog.format('Run: ALTER TABLE %s REPLICA IDENTITY DEFAULT; set it again after the split.', c.oid::pg_catalog.regclass)
    FROM pg_catalog.pg_class c JOIN tree ON tree.oid = c.oid
    WHERE c.relreplident = 'i'
    UNION ALL
    SELECT DISTINCT 22, pg_catalog.format('table %s has a security label', l.objoid::pg_catalog.regclass),
           'Take it off, and put it on again after the split.'
    FROM pg_catalog.pg_seclabel l JOIN tree ON tree.oid = l.objoid
    WHERE l.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
    UNION ALL
    -- What all partitions grant is granted on the new ones.
    SELECT 23, pg_catalog.format('some partitions grant %s to %s, and some do not', x.privilege_type,
                                 CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(x.grantee) END),
           'Partitions go: grant it on all of them, or revoke it.'
    FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.oid, pg_catalog.aclexplode(c.relacl) x
    WHERE tree.oid <> $1::bigint::oid AND c.relkind = 'r' AND x.grantee <> c.relowner
    GROUP BY x.grantee, x.privilege_type
    HAVING pg_catalog.count(DISTINCT tree.oid) <> (SELECT pg_catalog.count(*)
                                                   FROM tree JOIN pg_catalog.pg_class l ON l.oid = tree.oid
                                                   WHERE tree.oid <> $1::bigint::oid AND l.relkind = 'r')
    UNION ALL
    SELECT DISTINCT 24, pg_catalog.format('partition %s has grants on columns', a.attrelid::pg_catalog.regclass),
           'Its partition goes: grant them on the whole table, and revoke them there.'
    FROM pg_catalog.pg_attribute a JOIN tree ON tree.oid = a.attrelid
    WHERE tree.oid <> $1::bigint::oid AND a.attacl IS NOT NULL AND NOT a.attisdropped
)
SELECT message, hint FROM found ORDER BY nr, message LIMIT 20
