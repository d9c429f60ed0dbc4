-- Indexes of the table $1, for which the table $2 (0: there is none yet) needs one of the same name: name, whether it is
-- unique, whether the column named $3 is one of its plain key columns, the constraint that it belongs to (as SQL), what
-- follows the table's name in its definition, whether a key of it tells rows apart (the first such is the table's key),
-- whether it is of a vector method, the oid of $2's index, 0 where there is none, and whether that is valid, whether the
-- index is valid itself, its use as a key, what $2's index is (as SQL, like the fourth and fifth), $3 as it is written there,
-- and the tablespace, '' where it is the database's.
SELECT x.relname,
       i.indisunique,
       EXISTS (SELECT 1
               FROM pg_catalog.generate_series(0, i.indnkeyatts - 1) k
               JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k]
               WHERE a.attname = $3::text),
       pg_catalog.pg_get_constraintdef(co.oid),
       pg_catalog.substr(d.def, pg_catalog.length(d.head) + 1),
       d.head = pg_catalog.left(d.def, pg_catalog.length(d.head)),
       m.amname IN ('hnsw', 'ivfflat'),
       coalesce(n.indexrelid, 0),
       coalesce(n.indisvalid, false),
       i.indisvalid,
       i.indisunique AND i.indisvalid AND (i.indisprimary OR i.indimmediate)
       AND i.indpred IS NULL AND i.indexprs IS NULL
       AND NOT EXISTS (SELECT 1
                       FROM pg_catalog.generate_series(0, i.indnkeyatts - 1) k
                       JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k]
                       WHERE NOT a.attnotnull OR a.attgenerated <> ''),
       coalesce(n.constraint_def, n.def),
       pg_catalog.quote_ident($3::text),
       coalesce(ts.spcname, '')
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_am m ON m.oid = x.relam
JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT pg_catalog.pg_get_indexdef(i.indexrelid) AS def,
           pg_catalog.format('CREATE %sINDEX %I ON %s%I.%I ', CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END,
                             x.relname, CASE WHEN x.relkind = 'I' THEN 'ONLY ' ELSE '' END, s.nspname, c.relname) AS head
) d
LEFT JOIN pg_catalog.pg_constraint co ON co.conindid = i.indexrelid AND co.conrelid = i.indrelid
                                      AND co.contype IN ('p', 'u')
LEFT JOIN (SELECT ni.indexrelid, ni.indisvalid, nx.relname, pg_catalog.pg_get_constraintdef(nk.oid) AS constraint_def,
                  pg_catalog.substr(pg_catalog.pg_get_indexdef(ni.indexrelid),
                                    pg_catalog.length(pg_catalog.format('CREATE %sINDEX %I ON ONLY %I.%I ',
                                        CASE WHEN ni.indisunique THEN 'UNIQUE ' ELSE '' END, nx.relname, nn.nspname,
                                        nt.relname)) + 1) AS def
           FROM pg_catalog.pg_index ni
           JOIN pg_catalog.pg_class nx ON nx.oid = ni.indexrelid
           JOIN pg_catalog.pg_class nt ON nt.oid = ni.indrelid
           JOIN pg_catalog.pg_namespace nn ON nn.oid = nt.relnamespace
           LEFT JOIN pg_catalog.pg_constraint nk ON nk.conindid = ni.indexrelid AND nk.conrelid = ni.indrelid
                                                 AND nk.contype IN ('p', 'u')
           WHERE ni.indrelid = $2::bigint::oid) n ON n.relname = x.relname
LEFT JOIN pg_catalog.pg_tablespace ts ON ts.oid = x.reltablespace
WHERE i.indrelid = $1::bigint::oid
ORDER BY 11 DESC, i.indisprimary DESC, CASE WHEN i.indisunique THEN i.indnkeyatts END, i.indisunique DESC, 7, i.indexrelid
