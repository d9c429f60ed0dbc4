-- $1: leaf's oid. Valid indexes of the leaf, with what the cost model asks about them. Extensions' types are known by
-- name only. $2: table's id, $3: leaf's label, for what the log knows.
SELECT n.nspname, c.relname, m.amname, pg_catalog.pg_relation_size(c.oid),
    CASE WHEN y.typname IN ('vector', 'halfvec', 'bit', 'sparsevec') THEN greatest(a.atttypmod, 0) ELSE 0 END,
    CASE y.typname WHEN 'vector' THEN 8 + 4 * greatest(a.atttypmod, 0)
        WHEN 'halfvec' THEN 8 + 2 * greatest(a.atttypmod, 0)
        WHEN 'bit' THEN 8 + (greatest(a.atttypmod, 0) + 7) / 8 ELSE 0 END,
    coalesce((SELECT o.option_value::int FROM pg_catalog.pg_options_to_table(c.reloptions) o
        WHERE o.option_name = 'm'), 0),
    coalesce((SELECT sum(s.avg_width) FROM pg_catalog.pg_attribute t
        JOIN pg_catalog.pg_class h ON h.oid = t.attrelid
        JOIN pg_catalog.pg_namespace hn ON hn.oid = h.relnamespace
        JOIN pg_catalog.pg_stats s ON s.schemaname = hn.nspname AND s.tablename = h.relname AND s.attname = t.attname
        WHERE t.attrelid = i.indrelid AND t.attnum = ANY (i.indkey::int2[])), 0),
    coalesce((SELECT l.bytes_after::float8 / l.rows FROM firn.maintenance_log l
        WHERE l.table_id = $2::bigint AND l.leaf = $3 AND l.index_name = c.relname AND l.action = 'reindex'
            AND l.rows >= 1000 AND l.bytes_after > 0 ORDER BY l.id DESC LIMIT 1), 0),
    coalesce((SELECT l.dead FROM firn.maintenance_log l JOIN firn.maintenance d
            ON d.table_id = l.table_id AND d.leaf = l.leaf AND l.done_at >= d.since
        WHERE l.table_id = $2::bigint AND l.leaf = $3 AND l.index_name = c.relname AND l.action = 'reindex'
        ORDER BY l.id DESC LIMIT 1), 0),
    EXISTS (SELECT 1 FROM pg_catalog.pg_inherits h WHERE h.inhrelid = c.oid),
    EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.conindid = c.oid)
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am m ON m.oid = c.relam
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1
JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
WHERE i.indrelid = $1::bigint::oid AND i.indisvalid AND i.indisready
ORDER BY 4 DESC, 2
