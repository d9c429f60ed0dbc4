-- Of the query $1, as text: what it names and the role may not read, as the statements that let it. Which names it has is
-- for the parser to know, and that one stops at the first that is forbidden; so names are looked for as words.
WITH forbidden AS (
    SELECT n.oid AS schema, n.nspname, c.oid AS relation, c.relname,
           pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS usable
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT'))
), words AS (
    SELECT f.*, pg_catalog.has_table_privilege(f.relation, 'SELECT') AS readable,
           '"?' || pg_catalog.regexp_replace(f.nspname, '(\W)', '\\\1', 'g') || '"?\s*\.\s*"?' AS schema_dot,
           pg_catalog.regexp_replace(f.relname, '(\W)', '\\\1', 'g') AS name
    FROM forbidden f
), named AS (
    SELECT w.*
    FROM words w
    WHERE $1::text ~* ('(^|[^\w"$])' || w.schema_dot || w.name || '"?($|[^\w"$])')
       OR (w.nspname = ANY (pg_catalog.current_schemas(false))
           AND $1::text ~* ('(^|[^\w"$.])"?' || w.name || '"?($|[^\w"$.])'))
), statements AS (
    SELECT DISTINCT 1 AS nr, pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I;', n.nspname, current_user) AS statement
    FROM named n
    WHERE NOT n.usable
    UNION ALL
    SELECT 2, pg_catalog.format('GRANT SELECT ON %I.%I TO %I;', n.nspname, n.relname, current_user)
    FROM named n
    WHERE NOT n.readable
)
SELECT coalesce(pg_catalog.string_agg(s.statement, E'\n' ORDER BY s.nr, s.statement), '')
FROM statements s
