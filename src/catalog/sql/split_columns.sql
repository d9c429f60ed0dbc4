-- What the tables $1 and $2 do not have alike: columns, defaults, checks; and indexes that $2 has and $1 has not.
WITH described AS (
    SELECT a.attrelid, a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull::text
           || a.attidentity::text || a.attgenerated::text || a.attcollation::text || a.attstorage::text
           || coalesce(pg_catalog.to_jsonb(a) ->> 'attcompression', '') || coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '')
           AS what
    FROM pg_catalog.pg_attribute a
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid IN ($1::bigint::oid, $2::bigint::oid) AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT x.conrelid, x.conname || ' ' || pg_catalog.pg_get_constraintdef(x.oid)
    FROM pg_catalog.pg_constraint x
    WHERE x.conrelid IN ($1::bigint::oid, $2::bigint::oid) AND x.contype = 'c'
), found AS (
    SELECT what, NULL AS hint
    FROM described
    GROUP BY what
    HAVING pg_catalog.count(*) <> 2
    UNION ALL
    SELECT pg_catalog.format('index %I is gone', x.relname),
           pg_catalog.format(CASE WHEN k.oid IS NULL THEN 'To have the new table without it, too, run: DROP INDEX %I.%I;'
                                  ELSE 'To have the new table without it, too, run: ALTER TABLE %I.%I DROP CONSTRAINT %I;'
                             END, n.nspname, CASE WHEN k.oid IS NULL THEN x.relname ELSE t.relname END, k.conname)
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = x.relnamespace
    LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = x.oid AND k.conrelid = i.indrelid
    WHERE i.indrelid = $2::bigint::oid
      AND NOT EXISTS (SELECT 1
                      FROM pg_catalog.pg_index o JOIN pg_catalog.pg_class ox ON ox.oid = o.indexrelid
                      WHERE o.indrelid = $1::bigint::oid AND ox.relname = x.relname)
)
SELECT what, hint FROM found ORDER BY hint IS NULL DESC, what
