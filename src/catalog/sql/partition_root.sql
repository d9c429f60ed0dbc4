-- How the table $1 is divided: strategy ("" for a plain table), key, owner, longest name that the server keeps whole.
SELECT CASE p.partstrat WHEN 'h' THEN 'hash' WHEN 'l' THEN 'list' WHEN 'r' THEN 'range' ELSE '' END,
       coalesce(pg_catalog.pg_get_partkeydef(c.oid), ''),
       pg_catalog.pg_get_userbyid(c.relowner),
       pg_catalog.current_setting('max_identifier_length')::int
FROM pg_catalog.pg_class c
LEFT JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = c.oid
WHERE c.oid = $1::bigint::oid
