-- Reads that were recorded for what is no managed table, once they are a day old.
WITH gone AS (
    DELETE FROM firn.touch_log l
    WHERE l.managed <> 0 AND l.read_at < now() - interval '1 day'
        AND l.managed NOT IN (SELECT o.oid FROM firn.touch_oid o)
    RETURNING l.managed, cardinality(l.ids) AS reads)
SELECT managed::regclass::text, sum(reads)::bigint FROM gone GROUP BY managed ORDER BY managed
