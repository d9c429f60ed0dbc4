-- Publications of the table; see check_referencing_keys.sql.
WITH given AS (
    SELECT $1::oid AS oid, $2::oid AS active
), tree AS (
    SELECT oid FROM given
    UNION
    SELECT t.relid::oid FROM given g, pg_catalog.pg_partition_tree(g.oid::pg_catalog.regclass) t
), published AS (
    SELECT DISTINCT p.pubname, p.pubdelete, p.pubinsert
    FROM pg_catalog.pg_publication_tables v
    JOIN pg_catalog.pg_publication p ON p.pubname = v.pubname
    JOIN pg_catalog.pg_namespace n ON n.nspname = v.schemaname
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = v.tablename
    JOIN tree ON tree.oid = c.oid
)
SELECT pg_catalog.format('publication %I carries firn''s %s of this table to its subscribers', p.pubname,
                         CASE WHEN p.pubdelete AND p.pubinsert THEN 'deletions and insertions'
                              WHEN p.pubdelete THEN 'deletions'
                              ELSE 'insertions (but no deletions, so rows that are brought back will collide there)'
                         END),
       'Subscribers lose the rows that become cold. Where they must keep them, publish without "delete" and let '
       'subscribers ignore rows that they have.'
FROM published p
WHERE p.pubdelete OR p.pubinsert
ORDER BY p.pubname
