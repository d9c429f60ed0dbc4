-- $1 a leaf's oid: the version of pg_repack in this database, whether the role may use it, whether the leaf has a key that
-- it can follow rows by, whether a run that died left its trigger, the bytes of all that it copies, the leaf's file.
SELECT coalesce((SELECT x.extversion FROM pg_catalog.pg_extension x WHERE x.extname = 'pg_repack'), ''),
	coalesce((SELECT pg_catalog.has_schema_privilege(n.oid, 'USAGE') FROM pg_catalog.pg_extension x
		JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace WHERE x.extname = 'pg_repack'), false),
	EXISTS (SELECT 1 FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid
		AND i.indpred IS NULL AND i.indexprs IS NULL AND NOT EXISTS (
			SELECT 1 FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid
			AND a.attnum = ANY (i.indkey::pg_catalog.int2[]) AND NOT a.attnotnull)),
	EXISTS (SELECT 1 FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'repack_trigger'),
	pg_catalog.pg_total_relation_size(c.oid),
	pg_catalog.pg_relation_filenode(c.oid)::pg_catalog.int8
FROM pg_catalog.pg_class c WHERE c.oid = $1::pg_catalog.int8::pg_catalog.oid
