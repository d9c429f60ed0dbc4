-- What a check of the whole set-up wants to know of the server, whatever this role may do.
SELECT current_user,
       pg_catalog.current_database(),
       pg_catalog.pg_is_in_recovery(),
       (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000)::bigint,
       (SELECT x.extversion FROM pg_catalog.pg_extension x WHERE x.extname = 'pg_repack'),
       (SELECT max(a.version) FROM pg_catalog.pg_available_extension_versions a WHERE a.name = 'pg_repack'),
       EXISTS (SELECT 1 FROM pg_catalog.pg_available_extensions a WHERE a.name = 'vector'),
       pg_catalog.current_setting('server_version')
