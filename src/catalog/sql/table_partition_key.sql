-- Whether every level of the partitioned table $1 is divided by the column named $2 alone; and how the first one is.
SELECT pg_catalog.bool_and(coalesce(p.partnatts = 1 AND a.attname = $2::text, false)),
       (SELECT pg_catalog.pg_get_partkeydef($1::oid))
FROM pg_catalog.pg_partition_tree($1::oid::pg_catalog.regclass) t
JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = t.relid
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
