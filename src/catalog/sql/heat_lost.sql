-- In a transaction that has firn.touch_state locked: the log is not the one that was known, so what was read since it
-- was last seen whole is unknown, for every table that was ever touched.
DELETE FROM firn.touch_log WHERE managed = 0;
DELETE FROM firn.touch_state;
INSERT INTO firn.touch_state (log) VALUES ('firn.touch_log'::regclass::oid);
INSERT INTO firn.touch_log (managed, ids) SELECT 0, ARRAY[marker::text] FROM firn.touch_state;
UPDATE firn.heat_state SET known_since = now();
INSERT INTO firn.heat_state (table_id)
SELECT DISTINCT o.table_id FROM firn.touched t JOIN firn.touch_oid o ON o.oid = t.managed
ON CONFLICT DO NOTHING;
