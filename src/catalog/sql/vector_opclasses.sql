-- $1: access method, $2: type's oid. Its operator classes with the operator that each orders by.
SELECT o.opcname, p.oprname, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.opcname)
FROM pg_catalog.pg_opclass o
JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace
JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod
JOIN pg_catalog.pg_amop s ON s.amopfamily = o.opcfamily AND s.amoppurpose = 'o' AND s.amoplefttype = o.opcintype
JOIN pg_catalog.pg_operator p ON p.oid = s.amopopr
WHERE m.amname = $1 AND o.opcintype = $2::bigint::oid
ORDER BY o.opcname
