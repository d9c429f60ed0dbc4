-- $1 is the table. Whether the log of reads is whole, whether reads of the table were ever recorded, since when they
-- are known, and for how many seconds that is.
SELECT i.intact, h.table_id IS NOT NULL OR EXISTS (
        SELECT 1 FROM firn.touched t JOIN firn.touch_oid o ON o.oid = t.managed WHERE o.table_id = $1::bigint),
    to_char(k.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    floor(date_part('epoch', now() - k.since))::bigint
FROM (SELECT EXISTS (
        SELECT 1 FROM firn.touch_state s JOIN firn.touch_log l ON l.managed = 0 AND l.ids = ARRAY[s.marker::text]
        WHERE s.log = 'firn.touch_log'::regclass::oid) AS intact) i
LEFT JOIN firn.heat_state h ON h.table_id = $1::bigint,
LATERAL (SELECT CASE WHEN i.intact THEN coalesce(h.known_since, now()) ELSE now() END AS since) k
