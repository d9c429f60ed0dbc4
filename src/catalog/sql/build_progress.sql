-- $1: the pid of the session that builds an index, or vacuums.
SELECT p.phase, p.blocks_done, p.blocks_total, p.tuples_done, p.tuples_total
FROM pg_catalog.pg_stat_progress_create_index p
WHERE p.pid = $1::bigint::int
UNION ALL
SELECT v.phase, v.heap_blks_scanned, v.heap_blks_total, 0, 0
FROM pg_catalog.pg_stat_progress_vacuum v
WHERE v.pid = $1::bigint::int
