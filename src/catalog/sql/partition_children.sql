-- The direct partitions of $1 and what each of them takes; modulus 0 where it is not a hash partition.
SELECT c.oid, n.nspname, c.relname, b.bound,
       coalesce((pg_catalog.regexp_match(b.bound, 'modulus (\d+), remainder (\d+)'))[1], '0')::bigint,
       coalesce((pg_catalog.regexp_match(b.bound, 'modulus (\d+), remainder (\d+)'))[2], '0')::bigint
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT coalesce(pg_catalog.pg_get_expr(c.relpartbound, c.oid), '') AS bound) b
WHERE i.inhparent = $1::bigint::oid
ORDER BY 5, 6, pg_catalog.length(c.relname), c.relname
