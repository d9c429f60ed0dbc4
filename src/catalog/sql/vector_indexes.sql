-- $1: table's oid. Its relations (itself, partitions at every level) with their vector indexes, and with indexes of any
-- kind that are not valid or that firn named for a while; a relation without such has one row without an index.
WITH rel AS (
    SELECT c.oid, 0::oid AS parent, true AS leaf, 0 AS level
    FROM pg_catalog.pg_class c
    WHERE c.oid = $1::bigint::oid AND c.relkind = 'r'
    UNION ALL
    SELECT t.relid::oid, CASE t.level WHEN 0 THEN 0::oid ELSE t.parentrelid::oid END, t.isleaf, t.level
    FROM pg_catalog.pg_class c
    CROSS JOIN LATERAL pg_catalog.pg_partition_tree(c.oid) t
    WHERE c.oid = $1::bigint::oid AND c.relkind = 'p'
), ix AS (
    SELECT i.indrelid, c.oid, n.nspname, c.relname, m.amname,
        coalesce(pg_catalog.pg_get_expr(i.indexprs, i.indrelid), ka.attname) AS key, i.indexprs IS NOT NULL AS expression,
        o.opcname, coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid), '') AS predicate,
        i.indisvalid AND i.indisready AS valid,
        coalesce((SELECT h.inhparent FROM pg_catalog.pg_inherits h WHERE h.inhrelid = c.oid), 0::oid) AS parent,
        (SELECT pg_catalog.jsonb_object_agg(x.option_name, x.option_value)
            FROM pg_catalog.pg_options_to_table(c.reloptions) x) AS options,
        CASE WHEN c.relkind = 'i' THEN pg_catalog.pg_relation_size(c.oid) ELSE 0 END AS bytes,
        y.typname, greatest(a.atttypmod, 0) AS dimensions, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
        coalesce((SELECT 'OPERATOR(' || pg_catalog.quote_ident(pn.nspname) || '.' || p.oprname || ')'
            FROM pg_catalog.pg_amop s
            JOIN pg_catalog.pg_operator p ON p.oid = s.amopopr
            JOIN pg_catalog.pg_namespace pn ON pn.oid = p.oprnamespace
            WHERE s.amopfamily = o.opcfamily AND s.amoppurpose = 'o' AND s.amoplefttype = o.opcintype LIMIT 1), '')
            AS operator,
        coalesce((SELECT pg_catalog.quote_ident(t.spcname) FROM pg_catalog.pg_tablespace t
            WHERE t.oid = c.reltablespace), '') AS tablespace,
        coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), '') AS comment
    FROM pg_catalog.pg_index i
    JOIN rel ON rel.oid = i.indrelid
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_am m ON m.oid = c.relam
    JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[0]
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1
    JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_attribute ka ON ka.attrelid = i.indrelid AND ka.attnum = i.indkey[0] AND ka.attnum > 0
    WHERE m.amname IN ('hnsw', 'ivfflat') OR c.relname ~ '^firn_(new|old)_' OR (NOT i.indisvalid AND c.relkind = 'i')
)
SELECT rel.oid, rel.parent, rel.leaf, rn.nspname, rc.relname,
    -- Someone else works on the relation's indexes: autovacuum takes the same lock, and gives way.
    EXISTS (SELECT 1 FROM pg_catalog.pg_locks l
        LEFT JOIN pg_catalog.pg_stat_activity s ON s.pid = l.pid
        WHERE l.relation = rel.oid AND l.locktype = 'relation' AND l.mode = 'ShareUpdateExclusiveLock'
            AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
            AND l.pid <> pg_catalog.pg_backend_pid() AND s.backend_type IS DISTINCT FROM 'autovacuum worker'),
    ix.oid, ix.nspname, ix.relname, pg_catalog.quote_ident(ix.relname), ix.amname, ix.key, ix.expression, ix.opcname,
    ix.predicate, ix.valid, ix.parent, coalesce((ix.options ->> 'm')::bigint, 0),
    coalesce((ix.options ->> 'ef_construction')::bigint, 0), coalesce((ix.options ->> 'lists')::bigint, 0), ix.bytes,
    ix.typname, ix.dimensions, ix.type, ix.operator, ix.tablespace, ix.comment
FROM rel
JOIN pg_catalog.pg_class rc ON rc.oid = rel.oid
JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace
LEFT JOIN ix ON ix.indrelid = rel.oid
WHERE rc.relkind IN ('r', 'p')
ORDER BY rel.level, rn.nspname, pg_catalog.length(rc.relname), rc.relname, rel.oid, ix.relname
