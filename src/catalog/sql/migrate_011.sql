-- What storage was used, day by day (UTC): reports show how it went, and what was saved. Written by passes, whose work never
-- waits for it; a day without one is missing.
CREATE TABLE firn.usage_daily (
    table_id bigint NOT NULL REFERENCES firn.managed_table (id),
    day date NOT NULL,
    measured_at timestamptz,                    -- null: only what was counted is known
    hot_rows bigint NOT NULL DEFAULT 0,
    heap_bytes bigint NOT NULL DEFAULT 0,
    toast_bytes bigint NOT NULL DEFAULT 0,
    index_bytes bigint NOT NULL DEFAULT 0,
    vector_index_bytes bigint NOT NULL DEFAULT 0,   -- of these
    reclaimable_bytes bigint NOT NULL DEFAULT 0,
    cold_rows bigint NOT NULL DEFAULT 0,
    cold_raw_bytes bigint NOT NULL DEFAULT 0,
    rows_rehydrated bigint NOT NULL DEFAULT 0,  -- on that day
    rehydrates bigint NOT NULL DEFAULT 0,       -- that brought any back
    PRIMARY KEY (table_id, day)
);

-- Objects of that day, by storage class; '' is the archive's default.
CREATE TABLE firn.usage_daily_class (
    table_id bigint NOT NULL,
    day date NOT NULL,
    storage_class text NOT NULL,
    objects bigint NOT NULL,
    bytes bigint NOT NULL,
    billed_bytes bigint NOT NULL,               -- small objects as large as they are billed
    PRIMARY KEY (table_id, day, storage_class),
    FOREIGN KEY (table_id, day) REFERENCES firn.usage_daily ON DELETE CASCADE
);

-- Requests to the archive, by whatever command made them.
CREATE TABLE firn.request_daily (
    day date NOT NULL,
    kind text NOT NULL,                         -- put, copy, get, head, list, delete, restore
    storage_class text NOT NULL,
    calls bigint NOT NULL,
    bytes bigint NOT NULL,                      -- of bodies, either way
    PRIMARY KEY (day, kind, storage_class)
);

-- How verify and gc ended: what is to be watched.
CREATE TABLE firn.inspection (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    command text NOT NULL CHECK (command IN ('verify', 'gc')),
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seconds double precision NOT NULL,
    outcome text NOT NULL,                      -- done, or why it ended
    deep boolean NOT NULL DEFAULT false,
    segments bigint NOT NULL DEFAULT 0,         -- looked at
    problems bigint NOT NULL DEFAULT 0,
    orphans bigint,                             -- null: it did not get as far
    orphan_bytes bigint
);
CREATE INDEX ON firn.inspection (command, id);
