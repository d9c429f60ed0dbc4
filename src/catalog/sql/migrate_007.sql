-- Reads of chunks. Applications call firn.touch, which appends to a log; a pass folds the log into heat, by chunk.
--
-- The log is cheap because it is unlogged and has no index, so a crash of the server empties it, as does the promotion
-- of a standby. That must never make a chunk that is read look unread: the log holds one row that is no read (managed 0,
-- with the marker of firn.touch_state), and where that row is missing, or the log is another table than the one it was
-- put into (a restored dump), what was read since the last fold is unknown.
CREATE UNLOGGED TABLE firn.touch_log (
    managed oid NOT NULL,                       -- as the application named it: the table, or one of its leaves
    workspace text NOT NULL DEFAULT '',         -- '': it did not say
    ids text[] NOT NULL,
    read_at timestamptz NOT NULL DEFAULT clock_timestamp() CHECK (isfinite(read_at))
);

CREATE TABLE firn.touch_state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    marker uuid NOT NULL DEFAULT gen_random_uuid(),
    log oid NOT NULL,
    intact_at timestamptz NOT NULL DEFAULT now() -- when the log was last seen to be whole
);
INSERT INTO firn.touch_state (log) VALUES ('firn.touch_log'::regclass::oid);
INSERT INTO firn.touch_log (managed, ids) SELECT 0, ARRAY[marker::text] FROM firn.touch_state;

-- Which tables were ever touched: this outlives the log. A few rows each, for a unique index would have first touches
-- wait for each other.
CREATE TABLE firn.touched (
    managed oid NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE firn.touched REPLICA IDENTITY FULL;

-- Since when all reads of a table are known, and how far the policies look back.
CREATE TABLE firn.heat_state (
    table_id bigint PRIMARY KEY REFERENCES firn.managed_table (id),
    known_since timestamptz NOT NULL DEFAULT now(),
    folded_at timestamptz,
    pruned_at timestamptz,
    reach_s bigint NOT NULL DEFAULT 0,          -- the longest look back of a policy of the last thirty days
    reach_at timestamptz NOT NULL DEFAULT now()
);

-- One row for each chunk that was read lately. A read counts 1 when it happens and half after each half-life.
CREATE TABLE firn.heat (
    table_id bigint NOT NULL,
    workspace text COLLATE "C" NOT NULL,        -- '': the touch named none
    chunk text COLLATE "C" NOT NULL,
    heat double precision NOT NULL,             -- at last_read
    last_read timestamptz NOT NULL,
    PRIMARY KEY (table_id, workspace, chunk)
) WITH (fillfactor = 80);

-- By which oids applications may know a managed table: its own, those of its partitions, and of both tables of a split.
CREATE VIEW firn.touch_oid AS
WITH RECURSIVE known (table_id, oid) AS (
    SELECT m.id, c.oid
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN firn.managed_table m ON m.label = n.nspname::text || '.' || c.relname::text
    WHERE c.relkind IN ('r', 'p')
    UNION
    SELECT s.table_id, o.oid FROM firn.split s, LATERAL (VALUES (s.old_oid), (s.new_oid)) o (oid)
    UNION
    SELECT k.table_id, i.inhrelid FROM known k JOIN pg_catalog.pg_inherits i ON i.inhparent = k.oid
)
SELECT table_id, oid FROM known;

-- Callable by whoever has USAGE on the schema, and by no other right. A SET clause would cost more than the function
-- does, so every name is qualified instead, those of types and operators included. The array is written and read again
-- because a cast of it may be a function of the caller's making, and would run with the owner's rights.
CREATE FUNCTION firn.touch(managed regclass, ids anyarray, workspace text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF pg_catalog.cardinality(ids) OPERATOR(pg_catalog.>) 0 THEN
        IF NOT EXISTS (SELECT 1 FROM firn.touched t WHERE t.managed OPERATOR(pg_catalog.=) touch.managed::pg_catalog.oid) THEN
            INSERT INTO firn.touched (managed) VALUES (touch.managed::pg_catalog.oid);
        END IF;
        INSERT INTO firn.touch_log (managed, workspace, ids) VALUES (touch.managed::pg_catalog.oid,
            COALESCE(touch.workspace, ''::pg_catalog.text), pg_catalog.textin(pg_catalog.array_out(ids))::pg_catalog.text[]);
    END IF;
END
$$;
COMMENT ON FUNCTION firn.touch(regclass, anyarray, text) IS 'records that these chunks were read just now';

-- For parameters without a type, which Postgres takes for text: the same array, as text.
CREATE FUNCTION firn.touch(managed regclass, ids text, workspace text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM firn.touch(touch.managed, touch.ids::pg_catalog.text[], touch.workspace);
END
$$;
COMMENT ON FUNCTION firn.touch(regclass, text, text) IS 'records that these chunks were read just now: ids as ''{a,b}''';
