-- Moves of a table into other hash partitions that are under way, or whose old table is still kept: one a table. The new
-- table is built in schema firn_split_ID; schema firn_old_ID has the record of changes, and the old table afterwards.
CREATE TABLE firn.split (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_id bigint NOT NULL UNIQUE REFERENCES firn.managed_table (id),
    phase text NOT NULL CHECK (phase IN ('copy', 'index', 'swapped')),
    leaves int NOT NULL CHECK (leaves > 0),     -- that there shall be
    old_oid oid NOT NULL,
    new_oid oid NOT NULL,
    rows_copied bigint NOT NULL DEFAULT 0,
    changes bigint NOT NULL DEFAULT 0,          -- keys that were brought up to date
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    swapped_at timestamptz
);

-- How far the copying is: rows of the leaf's blocks before next_block are in the new table, or their keys are recorded
-- as changed. What lies at end_block and beyond was written after changes began to be recorded.
CREATE TABLE firn.split_leaf (
    split_id bigint NOT NULL REFERENCES firn.split (id) ON DELETE CASCADE,
    leaf oid NOT NULL,
    filenode oid NOT NULL,                      -- another one: the leaf was rewritten, so it is read again
    next_block bigint NOT NULL DEFAULT 0,
    end_block bigint NOT NULL,
    PRIMARY KEY (split_id, leaf)
);
