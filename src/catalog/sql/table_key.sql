-- Columns of the primary key of $1, or of the shortest unique index that can stand in for it.
WITH chosen AS (
    SELECT i.indexrelid, i.indrelid, i.indkey, i.indnkeyatts, i.indisprimary
    FROM pg_catalog.pg_index i
    WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid
      AND (i.indisprimary OR i.indimmediate)
      AND i.indpred IS NULL AND i.indexprs IS NULL
      AND NOT EXISTS (SELECT 1
                      FROM pg_catalog.generate_series(0, i.indnkeyatts - 1) k
                      JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k]
                      WHERE NOT a.attnotnull OR a.attgenerated <> '')
    ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid
    LIMIT 1
)
SELECT a.attname, c.indisprimary, x.relname
FROM chosen c
JOIN pg_catalog.pg_class x ON x.oid = c.indexrelid
CROSS JOIN pg_catalog.generate_series(0, c.indnkeyatts - 1) k
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.indrelid AND a.attnum = c.indkey[k]
ORDER BY k
