-- What an index was like when work on it was measured, so that its cost can be compared with another's.
ALTER TABLE firn.maintenance_log ADD COLUMN dimensions int NOT NULL DEFAULT 0;
ALTER TABLE firn.maintenance_log ADD COLUMN links int NOT NULL DEFAULT 0;       -- HNSW's m

-- Indexes that a bulk load took out of the way: committed before it begins, gone once they are whole again.
CREATE TABLE firn.index_restore (
    table_id bigint NOT NULL REFERENCES firn.managed_table (id),
    leaf text NOT NULL,
    schema_name text NOT NULL,
    index_name text NOT NULL,
    action text NOT NULL CHECK (action IN ('create', 'reset')),
    definition text NOT NULL,                   -- create: CREATE INDEX; reset: ef_construction as it was, '' for none
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (table_id, leaf, schema_name, index_name)
);
