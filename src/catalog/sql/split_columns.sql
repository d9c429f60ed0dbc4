-- Columns, defaults and checks that the tables $1 and $2 do not have alike.
WITH described AS (
    SELECT a.attrelid, a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull::text
           || a.attidentity::text || a.attgenerated::text || a.attcollation::text || coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') AS what
    FROM pg_catalog.pg_attribute a
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid IN ($1::bigint::oid, $2::bigint::oid) AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT x.conrelid, x.conname || ' ' || pg_catalog.pg_get_constraintdef(x.oid)
    FROM pg_catalog.pg_constraint x
    WHERE x.conrelid IN ($1::bigint::oid, $2::bigint::oid) AND x.contype = 'c'
)
SELECT what FROM described
GROUP BY what
HAVING pg_catalog.count(*) <> 2
ORDER BY what
