-- WAL bytes and seconds by which the slowest standby that streams lags behind (0: none, or none that this role may see), and
-- maintenance_work_mem in bytes.
SELECT coalesce((SELECT max(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), r.replay_lsn))
        FROM pg_catalog.pg_stat_replication r WHERE r.state = 'streaming' AND r.replay_lsn IS NOT NULL), 0)::bigint,
    coalesce((SELECT max(pg_catalog.date_part('epoch', r.replay_lag)) FROM pg_catalog.pg_stat_replication r
        WHERE r.state = 'streaming'), 0)::bigint,
    pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem'))
