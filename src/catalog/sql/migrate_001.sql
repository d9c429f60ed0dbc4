-- The catalog: the only truth about what is cold. One row a segment and one a (segment, workspace, version), never
-- one a chunk. Runs inside a transaction of the migration runner, which makes the schema firn before and records the
-- version after.
CREATE TABLE firn.migration (
    version int PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- One row: what this catalog is. Its id is part of every object key, so that two databases can share an archive.
CREATE TABLE firn.catalog (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO firn.catalog DEFAULT VALUES;

CREATE TABLE firn.managed_table (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    label text NOT NULL UNIQUE,                 -- schema.table
    archive text NOT NULL,                      -- the archive's URL when it was registered
    registered_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE firn.lease (
    table_id bigint PRIMARY KEY REFERENCES firn.managed_table (id),
    epoch bigint NOT NULL DEFAULT 0,
    holder text,                                -- host, pid, command: for messages only
    taken_at timestamptz,
    released_at timestamptz
);

CREATE TABLE firn.pass (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_id bigint NOT NULL REFERENCES firn.managed_table (id),
    epoch bigint NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,                    -- null: running, or died
    rows_moved bigint NOT NULL DEFAULT 0,
    rows_changed bigint NOT NULL DEFAULT 0,
    segments bigint NOT NULL DEFAULT 0,
    raw_bytes bigint NOT NULL DEFAULT 0,
    stored_bytes bigint NOT NULL DEFAULT 0,
    outcome text                                -- done, or why it ended
);
CREATE INDEX ON firn.pass (table_id, id);

-- intent: an object may exist, its rows are hot.    active: its live rows are cold, and nowhere else.
-- retired: no live rows are left.                   abandoned: an intent whose pass died or failed.
-- removed: gc has deleted the objects; the row stays so that its key is never used again.
CREATE TABLE firn.segment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_id bigint NOT NULL REFERENCES firn.managed_table (id),
    pass_id bigint REFERENCES firn.pass (id) ON DELETE SET NULL,
    epoch bigint NOT NULL,                      -- of the lease under which it was made
    leaf text NOT NULL,                         -- schema.name at that time
    rule text NOT NULL,
    state text NOT NULL CHECK (state IN ('intent', 'active', 'retired', 'abandoned', 'removed')),
    object_key text NOT NULL UNIQUE,
    index_key text NOT NULL UNIQUE,
    storage_class text,
    format_version int NOT NULL,
    rows_total bigint NOT NULL DEFAULT 0,       -- in the file
    rows_live bigint NOT NULL DEFAULT 0,        -- cold, here and nowhere else
    dead bytea NOT NULL DEFAULT '',             -- CRoaring bitmap (portable format) of rows that are not live
    bytes bigint NOT NULL DEFAULT 0,
    index_bytes bigint NOT NULL DEFAULT 0,
    raw_bytes bigint NOT NULL DEFAULT 0,        -- the rows as COPY BINARY
    sha256 bytea,
    index_sha256 bytea,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    activated_at timestamptz,
    unreferenced_at timestamptz,                -- since when nothing needs the objects: retired or abandoned
    removed_at timestamptz,
    CHECK (rows_live >= 0 AND rows_live <= rows_total),
    CHECK (state <> 'active' OR (rows_live > 0 AND sha256 IS NOT NULL AND index_sha256 IS NOT NULL)),
    CHECK (state = 'active' OR rows_live = 0)
);
CREATE INDEX ON firn.segment (table_id, state);

-- '' stands for a NULL workspace or version, which '\x00'-free text columns of the application cannot be confused with
-- because the null flags say so.
CREATE TABLE firn.segment_workspace (
    segment_id bigint NOT NULL REFERENCES firn.segment (id) ON DELETE CASCADE,
    workspace text NOT NULL,
    version text NOT NULL,
    workspace_null boolean NOT NULL DEFAULT false,
    version_null boolean NOT NULL DEFAULT false,
    first_row bigint NOT NULL,
    rows_total bigint NOT NULL,
    rows_live bigint NOT NULL CHECK (rows_live >= 0 AND rows_live <= rows_total),
    bytes bigint NOT NULL,
    raw_bytes bigint NOT NULL,
    PRIMARY KEY (segment_id, first_row)
);
CREATE INDEX ON firn.segment_workspace (workspace, segment_id);

-- What was brought back lately, so that it is not moved again at once: one row a workspace or document.
CREATE TABLE firn.residency (
    table_id bigint NOT NULL REFERENCES firn.managed_table (id),
    workspace text NOT NULL,
    document text,                              -- null: the whole workspace
    rehydrated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX ON firn.residency (table_id, workspace, coalesce(document, ''), (document IS NULL));
-- It has no primary key, and a publication FOR ALL TABLES would have its rows refuse UPDATE and DELETE.
ALTER TABLE firn.residency REPLICA IDENTITY FULL;

-- Since when firn has seen a version active, for sources that do not say so themselves.
CREATE TABLE firn.version_seen (
    table_id bigint NOT NULL REFERENCES firn.managed_table (id),
    workspace text NOT NULL,                    -- '' for one value that holds for all
    version text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (table_id, workspace)
);

-- Index work that is due: written in the transaction that moved the rows, gone when the work was done.
CREATE TABLE firn.maintenance (
    table_id bigint NOT NULL REFERENCES firn.managed_table (id),
    leaf text NOT NULL,
    rows_deleted bigint NOT NULL DEFAULT 0,
    rows_inserted bigint NOT NULL DEFAULT 0,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (table_id, leaf)
);

-- What maintenance cost: the cost model's constants are fitted from it.
CREATE TABLE firn.maintenance_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_id bigint NOT NULL REFERENCES firn.managed_table (id),
    leaf text NOT NULL,
    index_name text NOT NULL DEFAULT '',
    method text NOT NULL DEFAULT '',            -- access method of the index
    action text NOT NULL,                       -- reindex, vacuum, analyze, drop-leftover
    rows bigint NOT NULL DEFAULT 0,             -- live rows of the leaf
    dead bigint NOT NULL DEFAULT 0,             -- that the step had to deal with
    bytes_before bigint NOT NULL DEFAULT 0,
    bytes_after bigint NOT NULL DEFAULT 0,
    seconds double precision NOT NULL,
    done_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON firn.maintenance_log (table_id, action, done_at);
